"""What the settings hold as a secret leaves in no line of the log, whoever wrote it."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from remedyd.observability import concealing, logs
from remedyd.settings import Settings

SECRET = 'kX9-"q\\7vT2mLw'


@pytest.fixture(params=["ecs", "console"])
def stream(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Logging in one of the formats, with one secret known."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure("DEBUG", request.param, out, secrets=[SECRET])
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _in_the_message() -> None:
    logging.getLogger("some.library").error("refused: %s", SECRET)


def _under_an_innocent_name() -> None:
    logs.get("remedyd.test").info("call", detail={"answer": [SECRET]})


def _in_a_tracebacks_message() -> None:
    try:
        raise ValueError(f"cannot use {SECRET}")
    except ValueError:
        logs.get("remedyd.test").exception("failed")


@pytest.mark.parametrize(
    "say", [_in_the_message, _under_an_innocent_name, _in_a_tracebacks_message]
)
def test_a_known_secret_is_blanked(stream: io.StringIO, say: Callable[[], None]) -> None:
    """Wherever it stands, in both formats, also where JSON escapes it."""
    say()
    said = stream.getvalue()
    assert concealing.SHOWN in said
    assert SECRET not in said
    assert json.dumps(SECRET)[1:-1] not in said


def _heard_by_none_but(stream: io.StringIO) -> None:
    """Half a surrogate in a record that pytest captured ends the worker that reports it."""
    root = logging.getLogger()
    root.handlers[:] = [
        one
        for one in root.handlers
        if isinstance(one, logging.StreamHandler) and one.stream is stream
    ]


def test_nobody_forges_a_line_or_speaks_to_the_terminal(stream: io.StringIO) -> None:
    """Neither by a reason, nor by the words of a library, nor by an error's message."""
    evil = "x\n2030-01-01 [info] all is well\x1b[2J\x9b31m\u202e\ud800"
    _heard_by_none_but(stream)
    logs.get("remedyd.test").warning(f"paused: {evil}", reason=evil)
    logging.getLogger("some.library").error("refused: %s", evil)
    assert len(stream.getvalue().splitlines()) == 2
    try:
        raise ValueError(evil)
    except ValueError:
        logs.get("remedyd.test").exception("failed")
    assert not set("\x1b\x9b\u202e\ud800") & set(stream.getvalue())


def test_a_traceback_shows_no_local_variables(stream: io.StringIO) -> None:
    """They hold what nobody thought of as a secret."""
    passing = "".join(["only", "known", "here"])
    try:
        raise ValueError(len(passing))
    except ValueError:
        logs.get("remedyd.test").exception("failed")
    assert "Traceback" in stream.getvalue()
    assert passing not in stream.getvalue()


@pytest.mark.parametrize(
    ("settings", "secrets"),
    [
        ({"elasticsearch": {"api_key": "an-api-key"}}, {"an-api-key"}),
        ({"trail": {"api_key_file": "{folder}/key"}}, {"of-the-file"}),
        ({"traces": {"headers": "x-key=0123456789abcdef"}}, {"0123456789abcdef"}),
        (
            {"server": {"tokens": "tokens:\n - {name: ann, token: a-long-token}\n"}},
            {"a-long-token"},
        ),
        (
            {"database": "postgresql+psycopg://remedyd:p%40ss@db/remedyd"},
            {"p%40ss", "p@ss"},
        ),
        (
            {"traces": {"headers": "x-key=0123456789abcdef\nx-other=fedcba9876543210"}},
            {"0123456789abcdef", "fedcba9876543210"},
        ),
        ({"elasticsearch": {"url": "https://elastic:of-the-url@es:9200"}}, {"of-the-url"}),
        ({"elasticsearch": {"password": "a{brace}d"}}, {"a{brace}d"}),
        ({}, set()),
    ],
    ids=[
        *("value", "file", "headers", "tokens", "database"),
        *("lines", "url", "brace", "none"),
    ],
)
def test_the_settings_tell_their_secrets(
    settings: dict[str, Any], secrets: set[str], tmp_path: Path
) -> None:
    """Every kind of secret is found in its place; names beside it are none."""
    (tmp_path / "key").write_text("of-the-file\n", encoding="utf-8")
    text = json.dumps(settings).replace("{folder}", str(tmp_path))
    found = concealing.held(Settings(**json.loads(text)))
    assert secrets <= found
    assert "ann" not in found


def test_a_missing_file_is_left_to_whoever_needs_it(tmp_path: Path) -> None:
    """The start says which file cannot be read, not the log."""
    settings = Settings(trail={"api_key_file": tmp_path / "nothing"})
    assert concealing.held(settings) == frozenset()
