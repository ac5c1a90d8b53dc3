"""What is said again and again is said once, then counted.

A cluster that does not answer would fill the log with one line every few seconds for as long as
it is away, and bury what matters. A warning or error that is the same as one of the last ten
minutes is left out; when it is said again, the line tells how often it was left out in between.
What is done on somebody's request is never left out, however often.
"""

import logging
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from remedyd.model import monotonic

_QUIET_SECONDS: Final = 600.0
_REMEMBERED: Final = 1_000
_PASSING: Final = frozenset({"timestamp", "trace.id", "span.id", "milliseconds", "repeated"})
_REQUEST: Final = "request_id"


class Repeats(logging.Filter):
    """Lets a repeated complaint through every ten minutes; safe to share between threads."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """Take the time, in seconds of a clock that never goes back."""
        super().__init__()
        self._now = now
        self._lock = threading.Lock()
        self._said: OrderedDict[object, tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be printed."""
        event: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {}
        if record.levelno < logging.WARNING or _REQUEST in event:
            return True
        key = (record.name, record.levelno, _said(record, event))
        with self._lock:
            since, left_out = self._said.get(key, (None, 0))
            now = self._now()
            if since is not None and now - since < _QUIET_SECONDS:
                self._said[key] = (since, left_out + 1)
                return False
            self._said[key] = (now, 0)
            self._said.move_to_end(key)
            if len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        if left_out and event:
            event["repeated"] = left_out
        return True


def _said(record: logging.LogRecord, event: dict[str, Any]) -> object:
    if not event:
        return record.getMessage()
    said = tuple((name, str(event[name])) for name in sorted(event) if name not in _PASSING)
    return (said, repr(sys.exc_info()[1])) if event.get("exc_info") is True else said
