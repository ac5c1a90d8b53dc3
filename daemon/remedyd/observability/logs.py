"""Structured logs on stdout: ECS JSON for machines, coloured lines for people.

The renderer is our own: it has to serve structlog events and foreign standard-library records
(uvicorn, elasticsearch, urllib3) alike, and to name exceptions the way ECS does.
"""

import logging
import os
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from io import StringIO
from pathlib import Path
from typing import Any, Final, TextIO

import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks
from structlog.typing import EventDict, Processor, WrappedLogger

from remedyd.model.visible import in_json, in_one_line, visible
from remedyd.observability import concealing, ecs, traces
from remedyd.observability.noise import Repeats

_LIBRARIES: Final = {
    "alembic": logging.WARNING,
    "apscheduler": logging.ERROR,
    "elastic_transport": logging.ERROR,
    "httpx2": logging.WARNING,
    "urllib3": logging.ERROR,
    "uvicorn": logging.WARNING,
}
"""What libraries may say. Retries, late jobs and silent nodes are told by us, in one line each."""
_SECRET_WORDS = ("token", "password", "secret", "api_key", "authorization")


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank every value whose key says that it is a secret, however deep it lies."""
    return _redacted(event)


def _redacted(mapping: Mapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        key: "REDACTED"
        if any(word in key.lower() for word in _SECRET_WORDS)
        else _redacted(value)
        if isinstance(value, Mapping)
        else value
        for key, value in mapping.items()
    }


class Lines(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be written is counted, and nothing else comes of it.

    The standard handler prints a traceback with the raw record instead: ten lines for one, past
    every filter for secrets, and often to the same full disk. Once lines go through again, the log
    says how many are missing.
    """

    def __init__(self, stream: TextIO) -> None:
        """Take where lines go."""
        super().__init__(stream)
        self._lost = 0
        self._why = ""

    def handleError(self, record: logging.LogRecord) -> None:
        """Count a line that was lost."""
        self._lost += 1
        self._why = str(sys.exc_info()[1])

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and before it what became of those before."""
        before = self._lost
        super().emit(record)
        if before and self._lost == before:
            self._lost = 0
            missing = f"{before} lines of this log were lost: {self._why}"
            told = logging.LogRecord(__name__, logging.WARNING, "", 0, missing, None, None)
            super().emit(told)

    def trouble(self) -> str:
        """Return what an operator should know, "" when every line was written."""
        return f"{self._lost} lines could not be written: {self._why}" if self._lost else ""


def trouble() -> list[str]:
    """Return why lines of the log are missing, if any are."""
    handlers = [one for one in logging.getLogger().handlers if isinstance(one, Lines)]
    return [f"log: {why}" for one in handlers if (why := one.trouble())]


_net = concealing.Net()
_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    traces.mark,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    redact,
]
"""What is done to each record, ours or a library's."""


def conceal(secrets: Iterable[str]) -> None:
    """Blank these secrets as well from now on: what a rotated Secret holds."""
    _net.hold(secrets)


def configure(
    level: str = "INFO",
    style: str = "ecs",
    stream: TextIO | None = None,
    *,
    secrets: Iterable[str] = (),
) -> None:
    """Send structlog and standard-library logging to `stream` (stdout), rendered alike.

    `secrets` are blanked in every line, wherever they stand in it.
    """
    out = stream or sys.stdout
    if out is None:  # closed before we started
        out = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as we run
    _net.hold(secrets, afresh=True)
    handler = Lines(out)
    handler.addFilter(Repeats())
    handler.setFormatter(_formatter(out, style))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    set_on_retry_hooks([_asked_again])


def _formatter(out: TextIO, style: str) -> logging.Formatter:
    """Return what makes a line of a record, ours or a library's."""
    renderer = ecs.render if style == "ecs" else _for_people(out)

    def line(logger: WrappedLogger, name: str, event: EventDict) -> str:
        text = str(renderer(logger, name, event))
        return _net.conceal(in_json(text) if style == "ecs" else text)

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, line],
    )


def _asked_again(details: RetryDetails) -> None:
    """Tell of a read that is tried again; without numbers, that an outage may tell of it once."""
    cause = details.caused_by
    words = (getattr(cause, "message", "") or str(cause)).splitlines()[:1]
    get(__name__).warning(f"no answer yet, asks again: {': '.join([type(cause).__name__, *words])}")


def _for_people(stream: TextIO) -> Processor:
    """Render lines for a terminal; a traceback shows no local variables, which hold secrets.

    What callers say, or the cluster does, neither begins a line nor speaks to the terminal.
    """
    render = structlog.dev.ConsoleRenderer(
        colors=stream.isatty() and "NO_COLOR" not in os.environ,
        exception_formatter=_plain_traceback,
    )

    def line(logger: WrappedLogger, name: str, event: EventDict) -> str:
        plain = {k: in_one_line(v) if isinstance(v, str) else v for k, v in event.items()}
        return str(render(logger, name, plain))

    return line


def _plain_traceback(out: TextIO, error: Any) -> None:
    text = StringIO()
    structlog.dev.plain_traceback(text, error)
    out.write(visible(text.getvalue()))


def bound() -> Mapping[str, Any]:
    """Return what is bound to the work at hand: the request's id and source, when there is one."""
    return structlog.contextvars.get_contextvars()


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
