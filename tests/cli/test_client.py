"""What the command line makes of answers: of a daemon, of what is none, and of evil words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from remedyd.cli import contexts, tables
from remedyd.cli.chosen import Chosen
from remedyd.cli.client import Client
from remedyd.cli.contexts import Connection
from remedyd.cli.failures import report
from remedyd.cli.saying import line, say
from remedyd.elastic.kibana.call import Secret
from remedyd.elastic.kibana.client import Kibana
from remedyd.errors import ConfigurationError, InvalidInput, RemedydError
from support.wire import Answer, serving


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b"\xff\xfe"])
def test_a_page_that_is_no_answer_is_told(body: bytes) -> None:
    """A proxy's sign-in page, say: with status 200, and no JSON."""
    with serving(lambda _: Answer(200, body)) as wire:
        client = Client(Connection(wire.url, "a-token"))
        with pytest.raises(RemedydError, match="answers, but not as remedyd does"):
            client.get("/v1/audits")
        with pytest.raises(RemedydError, match="answers, but not as remedyd does"):
            client.answer("/readyz")


@pytest.mark.parametrize("url", ["http://[::1", "http://a b", "nowhere", "ftp://host"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    """With the address, instead of a traceback."""
    with pytest.raises(RemedydError, match=r"\[::1|a b|nowhere|ftp"):
        Client(Connection(url, "a-token")).get("/v1/audits")


@pytest.mark.parametrize(
    ("whose", "connect"),
    [
        ("the daemon", lambda ca: Client(Connection("https://127.0.0.1:1", "a-token", ca))),
        ("Kibana", lambda ca: Kibana("https://127.0.0.1:1", Secret("key", "x"), ca=ca)),
    ],
)
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_told(
    whose: str, connect: Callable[[Path], object], content: str | None, tmp_path: Path
) -> None:
    """With its name, and whose it is."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=rf"ca\.pem of {whose} cannot be used"):
        connect(file)


@pytest.mark.parametrize("content", [b"\xff\xfe", "größe".encode(), b"two\nlines", b""])
def test_a_token_that_cannot_be_sent_is_told(content: bytes, tmp_path: Path) -> None:
    """It is named by its file, and not shown."""
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="token") as told:
        contexts.connection(Chosen(token_file=str(file)), {"REMEDYD_CONTEXTS": "/none"})
    assert "größe" not in str(told.value)


def test_nobody_speaks_to_the_terminal_of_who_reads(capsys: pytest.CaptureFixture[str]) -> None:
    """By a reason, a name or a problem; nor forges a line of a list."""
    evil = "x\n2030-01-01  Approved\x1b]52;c;aGk=\x07\x9b31m"
    line(evil)
    say(evil)
    made = tables.table("A", "B")
    made.add_row(evil, "b")
    tables.console().print(made)
    report(InvalidInput(evil, hint=evil))
    told = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b"} & set(told.out + told.err)
    assert sum(row.startswith("2030") for row in told.out.splitlines()) == 1, "say keeps lines"
