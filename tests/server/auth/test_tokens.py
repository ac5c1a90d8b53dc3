"""A tokens file is used as a whole or not at all, and never quoted."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remedyd.errors import ConfigurationError
from remedyd.model import Principal, Scope
from remedyd.server.tokens import read

GOOD = "Zq8v3nXb1LrT6wKe0PsUyHdC4mGjFa27"
OTHER = "b7f1c0de93a4586e2d1f70a9c8b3e465"
HASH = hashlib.sha256(GOOD.encode()).hexdigest()


def _entry(**changes: str) -> str:
    lines = {"name": "alice", "scopes": "[approver]", "token": GOOD} | changes
    body = "\n    ".join(f"{key}: {value}" for key, value in lines.items() if value)
    return f"  - {body}\n"


def _inline(*entries: str) -> str:
    return "tokens:\n" + "".join(entries)


def _refused(text: str, file: Path | None = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        read(file, text)
    return refused.value


def test_a_token_becomes_a_principal() -> None:
    """Name, scopes, namespaces and expiry are taken over; only the hash is kept."""
    text = _inline(_entry(namespaces="[shop]", expires="2027-01-01T00:00:00Z"))
    (token,) = read(None, text).tokens
    assert token.digest.hex() == HASH
    assert token.principal == Principal("alice", frozenset({Scope.APPROVER}), frozenset({"shop"}))
    assert token.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert GOOD not in repr(token)


@pytest.mark.parametrize(
    ("given", "reach"), [("", None), ("[]", frozenset()), ("[a, b]", frozenset({"a", "b"}))]
)
def test_no_namespaces_is_all_and_an_empty_list_is_none(
    given: str, reach: frozenset[str] | None
) -> None:
    """Leaving the list out means everywhere; writing an empty one means nowhere."""
    (token,) = read(None, _inline(_entry(namespaces=given))).tokens
    assert token.principal.namespaces == reach


def test_hash_and_file_stand_for_the_token(tmp_path: Path) -> None:
    """A token may be given by its hash, or in a file beside the tokens file."""
    (tmp_path / "secret").write_text(OTHER + "\n")
    file = tmp_path / "tokens.yaml"
    file.write_text(
        _inline(
            _entry(token="", sha256=HASH.upper()),
            _entry(name="bob", token="", tokenFile="secret"),
        )
    )
    first, second = read(file).tokens
    assert first.digest.hex() == HASH
    assert second.digest == hashlib.sha256(OTHER.encode()).digest()


def test_file_and_inline_add_up(tmp_path: Path) -> None:
    """Tokens of the file and of the environment are both good."""
    file = tmp_path / "tokens.yaml"
    file.write_text(_inline(_entry()))
    assert [
        t.principal.name for t in read(file, _inline(_entry(name="bob", token=OTHER))).tokens
    ] == [
        "alice",
        "bob",
    ]


def test_a_name_may_hold_two_tokens() -> None:
    """While a token is rotated, old and new are both good."""
    assert len(read(None, _inline(_entry(), _entry(token=OTHER))).tokens) == 2


@pytest.mark.parametrize("text", ["", "  \n", "tokens: []"])
def test_without_a_token_the_daemon_does_not_start(text: str) -> None:
    """There is no default token; the error says how to make one."""
    refused = _refused(text)
    assert "no default" in refused.message
    assert "REMEDYD_SERVER__TOKENS_FILE" in refused.hint


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (_entry(token="short"), "the token has 5 characters, 32 are needed"),
        (_entry(token="abab" * 10), "repeats a few characters"),
        (_entry(token=f"'{GOOD} {OTHER}'"), "printable ASCII without spaces"),
        (_entry(token=f"{GOOD}ä"), "printable ASCII"),
        (_entry(token=""), "give exactly one of token, sha256, tokenFile"),
        (_entry(sha256=HASH), "give exactly one of"),
        (_entry(token="", sha256="abc"), "64 hexadecimal digits"),
        (_entry(token="1234567890"), "token must be a text: put it in quotes"),
        (_entry(token="12345678901234567890123456789012"), "… is a number beyond 64 bits"),
        (_entry(token="", tokenFile="nowhere"), "token file nowhere cannot be read: No such file"),
        (_entry(scopes="[]"), "scopes is empty"),
        (_entry(scopes="[approve]"), "must be one of"),
        (_entry(name="remedyd:auto"), "the name must be"),
        (_entry(name="Remedyd-bot"), "the daemon's own"),
        (_entry(name="'a b'"), "the name must be"),
        (_entry(expires="2027-01-01T00:00:00"), "timezone"),
        (_entry(expire="2027-01-01T00:00:00Z"), "unknown key"),
    ],
)
def test_a_mistake_is_named_at_its_place(entry: str, message: str) -> None:
    """Each mistake has one message with line and column."""
    (problem,) = _refused(_inline(entry)).problems
    assert message in problem.message
    assert problem.path == "inline tokens"
    assert problem.line >= 2


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """Mistakes of several entries, and of file and inline, come together."""
    file = tmp_path / "tokens.yaml"
    file.write_text(_inline(_entry(token="short"), _entry(scopes="[]")))
    problems = _refused(_inline(_entry(token="", sha256="x")), file).problems
    assert len(problems) == 3


def test_the_same_token_for_two_is_refused() -> None:
    """A token that two entries share would make it unclear who acted."""
    (problem,) = _refused(_inline(_entry(), _entry(name="bob"))).problems
    assert "listed twice" in problem.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that does not exist is a configuration error with its path."""
    (problem,) = _refused("", tmp_path / "none.yaml").problems
    assert problem.path.endswith("none.yaml")


@pytest.mark.parametrize(
    "text",
    [
        f"tokens: [{GOOD}]",
        f"tokens: {GOOD}",
        f"tokens: {{{GOOD}: x}}",
        f"{GOOD}: x",
        _inline(_entry(token="", sha256=GOOD)),
        _inline(_entry(token="", name=f"'{GOOD} {GOOD}'")),
        _inline(_entry(token=f"[{GOOD}]")),
        _inline(_entry(expires=GOOD)),
        _inline(_entry(scopes=f"[{GOOD}]")),
        _inline(_entry(), _entry(name="bob")),
    ],
)
def test_no_message_quotes_a_token(text: str) -> None:
    """Even a token in the wrong place does not reach the log."""
    refused = _refused(text)
    assert GOOD not in " ".join([refused.message, refused.hint, *map(str, refused.problems)])


def test_the_documented_file_is_a_good_one(tmp_path: Path) -> None:
    """The example in the documentation is read as it says."""
    page = (Path(__file__).parents[3] / "docs" / "authentication.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", page, re.S)
    assert example is not None
    (tmp_path / "tokens.yaml").write_text(example[1])
    (tmp_path / "workflow.token").write_text(OTHER)
    first, second = read(tmp_path / "tokens.yaml").tokens
    assert (first.principal.namespaces, first.expires) == (None, None)
    assert second.principal.scopes == {Scope.PROPOSER}
