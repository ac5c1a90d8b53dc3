"""Logs are ECS JSON, one line an event, without secrets."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from remedyd.observability import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logging configured into memory, and put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure("INFO", "ecs", out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def last(stream: io.StringIO) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return loaded


def test_an_event_becomes_an_ecs_document(stream: io.StringIO) -> None:
    """Message, level and logger carry their ECS names."""
    logs.get("remedyd.test").info("hello", proposal="p1")
    line = last(stream)
    assert (line["message"], line["log.level"], line["remedyd.proposal"]) == ("hello", "info", "p1")


def test_a_foreign_record_is_rendered_alike(stream: io.StringIO) -> None:
    """Libraries log through the standard library and end in the same shape."""
    logging.getLogger("some.library").warning("took %d ms", 3)
    assert last(stream)["message"] == "took 3 ms"


def test_an_exception_is_named_the_ecs_way(stream: io.StringIO) -> None:
    """Type, message and stack trace are fields of their own."""
    try:
        raise ValueError("broken")
    except ValueError:
        logs.get("remedyd.test").exception("failed")
    line = last(stream)
    assert (line["error.type"], line["error.message"]) == ("ValueError", "broken")


def test_values_under_secret_names_are_blanked(stream: io.StringIO) -> None:
    """A token that slips into an event does not reach the log, however deep it lies."""
    logs.get("remedyd.test").info("call", api_token="s3cret", headers={"Authorization": "s3cret"})
    assert "s3cret" not in stream.getvalue()
