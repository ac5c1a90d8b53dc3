"""What the command line says when what it speaks to is no daemon, or the token is none."""

from pathlib import Path

import pytest

from remedyd.cli import contexts
from remedyd.cli.chosen import Chosen
from remedyd.cli.client import Client
from remedyd.cli.contexts import Connection
from remedyd.errors import ConfigurationError, RemedydError
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


@pytest.mark.parametrize("content", [b"\xff\xfe", "größe".encode(), b"two\nlines", b""])
def test_a_token_that_cannot_be_sent_is_told(content: bytes, tmp_path: Path) -> None:
    """It is named by its file, and not shown."""
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="token") as told:
        contexts.connection(Chosen(token_file=str(file)), {"REMEDYD_CONTEXTS": "/none"})
    assert "größe" not in str(told.value)
