"""What is logged while a test looks."""

import io
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog

from remedyd.observability import logs


@contextmanager
def logged(level: str = "INFO", secrets: Iterable[str] = ()) -> Iterator[io.StringIO]:
    """Log as ECS into memory, and put logging back afterwards."""
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure(level, "ecs", out, secrets=secrets)
    try:
        yield out
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
        structlog.reset_defaults()
