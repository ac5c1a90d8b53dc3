"""A complaint that comes again and again is printed once, then counted."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import stamina
import structlog

from remedyd.observability import logs
from remedyd.observability.noise import Repeats


class Log:
    """A log in memory whose time a test moves."""

    def __init__(self) -> None:
        """Configure logging; nothing is left out before `seconds` passed."""
        self.seconds = 0.0
        self.stream = io.StringIO()
        logs.configure("INFO", "ecs", self.stream)
        handler = logging.getLogger().handlers[0]
        (there,) = handler.filters
        assert isinstance(there, Repeats)
        handler.filters[:] = [Repeats(lambda: self.seconds)]

    def lines(self) -> list[dict[str, Any]]:
        """Return what was printed."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    """The log, put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Log()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_the_same_warning_is_printed_once(log: Log) -> None:
    """However often it comes within ten minutes."""
    for second in range(0, 590, 5):
        log.seconds = second
        logs.get("remedyd.loop").warning("no answer", stage="audit")
    assert len(log.lines()) == 1


def test_it_comes_back_with_its_count(log: Log) -> None:
    """After ten minutes the line tells how often it was left out."""
    for second in (0, 5, 10, 601):
        log.seconds = second
        logs.get("remedyd.loop").error("no answer")
    first, second_line = log.lines()
    assert "remedyd.repeated" not in first
    assert second_line["remedyd.repeated"] == 2


@pytest.mark.parametrize(
    ("message", "fields"), [("no answer at all", {}), ("no answer", {"audit": "other"})]
)
def test_what_differs_is_printed(log: Log, message: str, fields: dict[str, str]) -> None:
    """In its words, or in what it is about."""
    logs.get("remedyd.loop").warning("no answer")
    logs.get("remedyd.loop").warning(message, **fields)
    assert len(log.lines()) == 2


def test_libraries_are_quietened_alike(log: Log) -> None:
    """Their records are compared as they read."""
    for _ in range(3):
        logging.getLogger("some.library").warning("retrying in %d s", 3)
    assert len(log.lines()) == 1


def test_what_somebody_asked_for_is_never_left_out(log: Log) -> None:
    """Each refused request is a line of its own, and each line of level info."""
    for _ in range(3):
        with structlog.contextvars.bound_contextvars(request_id="r"):
            logs.get("remedyd.server").warning("refused")
        logs.get("remedyd.trail").info("applied")
    assert len(log.lines()) == 6


def test_another_bug_at_the_same_place_is_printed(log: Log) -> None:
    """The same words with another error are another complaint."""
    for error in (KeyError("a"), KeyError("b"), KeyError("a")):
        try:
            raise error
        except KeyError:
            logs.get("remedyd.loop").exception("a bug in a stage")
    assert [line["error.message"] for line in log.lines()] == ["'a'", "'b'"]


def test_reads_that_are_tried_again_are_told_once(log: Log) -> None:
    """An outage fills no log with attempts, whose numbers and pauses differ each time."""
    for _ in range(3):
        with pytest.raises(OSError, match="reset"):
            for attempt in stamina.retry_context(OSError, attempts=3, wait_max=0.001):
                with attempt:
                    raise OSError("connection reset")
    [line] = log.lines()
    assert line["message"] == "no answer yet, asks again: OSError: connection reset"
    assert line["log.level"] == "warning"
