"""Scripted trouble: replies that a test puts in front of the real ones."""

import threading
from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase

from remedyd.lab.elasticsearch.messages import Failure, Reply, Request


@dataclass(slots=True)
class Trouble:
    """What happens to the next `times` requests whose path matches.

    `reply` is sent instead of the real answer; without one, `partial` marks the real answer as
    partial. `delay_seconds` of real time pass first, `drop` closes the connection unanswered.
    """

    path: str = "*"
    times: int = 1
    reply: Reply | None = None
    partial: bool = False
    delay_seconds: float = 0.0
    drop: bool = False


class Script:
    """The trouble ahead, in order."""

    def __init__(self) -> None:
        """Start without any."""
        self._ahead: deque[Trouble] = deque()
        self._lock = threading.Lock()

    def add(self, trouble: Trouble) -> None:
        """Let something go wrong after what was added before."""
        with self._lock:
            self._ahead.append(trouble)

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._ahead.clear()

    def next(self, request: Request) -> Trouble | None:
        """Return what is to happen to this request, if anything."""
        with self._lock:
            for trouble in self._ahead:
                if fnmatchcase(request.path, trouble.path):
                    trouble.times -= 1
                    if trouble.times <= 0:
                        self._ahead.remove(trouble)
                    return trouble
        return None


def busy(path: str = "*", times: int = 1) -> Trouble:
    """429: the circuit breaker is open."""
    reason = "[request] Data too large, data for [<reused_arrays>] would be [123456789/117.7mb]"
    extra = {"bytes_wanted": 123456789, "bytes_limit": 123455, "durability": "TRANSIENT"}
    failure = Failure(429, "circuit_breaking_exception", reason, extra=extra)
    return Trouble(path, times, failure.reply())


def unavailable(path: str = "*", times: int = 1) -> Trouble:
    """503: shards are missing."""
    reason = "Search rejected due to missing shards [[lab][0]]. Consider using \
`allow_partial_search_results` setting to bypass this error."
    return Trouble(path, times, Failure(503, "search_phase_execution_exception", reason).reply())


def unauthenticated(path: str = "*", times: int = 1) -> Trouble:
    """401: the credentials are refused."""
    reason = "unable to authenticate with provided credentials and anonymous access is not allowed"
    return Trouble(path, times, Failure(401, "security_exception", reason).reply())


def forbidden(path: str = "*", times: int = 1) -> Trouble:
    """403: the credentials lack a right."""
    reason = "action [indices:data/read/esql] is unauthorized for API key id [lab] of user \
[elastic], this action is granted by the index privileges [read,all]"
    return Trouble(path, times, Failure(403, "security_exception", reason).reply())


def partial(path: str = "*_query", times: int = 1) -> Trouble:
    """200 with `is_partial: true`."""
    return Trouble(path, times, partial=True)


def timeout(seconds: float, path: str = "*", times: int = 1) -> Trouble:
    """An answer that takes `seconds` of real time."""
    return Trouble(path, times, delay_seconds=seconds)


def dropped(path: str = "*", times: int = 1) -> Trouble:
    """A connection that is closed without an answer."""
    return Trouble(path, times, drop=True)
