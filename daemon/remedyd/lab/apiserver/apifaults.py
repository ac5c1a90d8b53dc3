"""Faults of the API server itself, for tests: refusals, delays, lost answers.

A fault matches requests by method and path and is used up after `times` requests. Faults that
come after the write (`answer_after_write`, `hang_up_after_write`) are the ones that make a client
unsure: the change has landed, but nobody said so.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from remedyd.lab.apiserver import status
from remedyd.lab.apiserver.messages import Request
from remedyd.lab.apiserver.status import StatusError


@dataclass(slots=True)
class Fault:
    """One fault: which requests, how often, and what happens to them.

    `error` is answered instead of the real answer; `delay` holds the request up first (seconds);
    `after_write` lets the request take effect before the fault; `hang_up` closes the connection
    without an answer; `slow` sends the body in single bytes with that pause (seconds). While
    `when` says no, it is not in force yet.
    """

    method: str = ".*"
    path: str = ".*"
    times: int = 1
    error: StatusError | None = None
    delay: float = 0.0
    after_write: bool = False
    hang_up: bool = False
    slow: float = 0.0
    query: Mapping[str, str] = field(default_factory=dict)
    when: Callable[[], bool] = lambda: True

    def matches(self, request: Request) -> bool:
        """Say whether this fault is for the request."""
        if not self.when():
            return False
        if not re.fullmatch(self.method, request.method) or not re.search(self.path, request.path):
            return False
        return all(request.option(key) == value for key, value in self.query.items())


class Faults:
    """The faults in wait, in the order they were added."""

    def __init__(self) -> None:
        """Start without any."""
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Put a fault in wait."""
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._waiting.clear()

    def take(self, request: Request) -> Fault | None:
        """Return the fault for a request and count it."""
        with self._lock:
            for fault in self._waiting:
                if fault.times > 0 and fault.matches(request):
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                    return fault
        return None


def too_many(seconds: int = 1) -> StatusError:
    """Return the 429 of a server that has too much to do."""
    return StatusError(
        429,
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
        details={"retryAfterSeconds": seconds},
        headers={"Retry-After": str(seconds)},
    )


def internal() -> StatusError:
    """Return a 500."""
    message = "Internal error occurred: etcdserver: leader changed"
    causes = [{"message": "etcdserver: leader changed"}]
    return StatusError(500, "InternalError", message, details={"causes": causes})


def unavailable() -> StatusError:
    """Return a 503."""
    return StatusError(503, "ServiceUnavailable", "the server is currently unable to handle it")


def conflict(resource: str, group: str, name: str) -> StatusError:
    """Return the 409 of a stale resourceVersion."""
    return status.modified(resource, group, name)


def webhook_denied(webhook: str, why: str) -> StatusError:
    """Return the 403 of an admission webhook."""
    message = f'admission webhook "{webhook}" denied the request: {why}'
    return StatusError(403, "Forbidden", message)


def forbidden(resource: str, group: str, name: str, why: str) -> StatusError:
    """Return a 403."""
    return status.forbidden(resource, group, name, why)


def webhook_timeout(webhook: str) -> StatusError:
    """Return the 500 of a webhook that does not answer, with failurePolicy Fail."""
    why = f'failed calling webhook "{webhook}": context deadline exceeded'
    return StatusError(
        500, "InternalError", f"Internal error occurred: {why}", details={"causes": []}
    )
