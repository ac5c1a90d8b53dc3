"""How long we take ourselves from an approval to the write, beside what the API server takes.

Whoever approves waits for both. The API server's share is its own and the network's: each round
trip is timed where it is made and taken off, so that what is left is the daemon's alone, queues,
store and all. Only a write that follows its approval at once counts: one that has to wait (for a
freeze to end, for an API server to come back) says nothing about us.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from remedyd.cluster.door import Door
from remedyd.model import Applied, Plan, ProposalId, Target, monotonic
from remedyd.observability.metrics import Metrics

arrived: ContextVar[float | None] = ContextVar("arrived", default=None)
"""When the request at work came in, by the monotonic clock."""

_MOST = 1_000


@dataclass(slots=True)
class _Run:
    """An approval on its way: when it came in, and what the API server took of the time since.

    `mark` is what it had taken of this thread before it took the run up.
    """

    begun: float
    taken: float
    mark: float = 0.0


class Pace:
    """Times the way from approval to write; safe to share between threads."""

    def __init__(self, metrics: Metrics, now: Callable[[], float] = monotonic) -> None:
        """Take where it is told, and a clock in seconds."""
        self._metrics = metrics
        self._now = now
        self._runs: dict[str, _Run] = {}
        self._here = threading.local()

    def took(self, method: str, seconds: float) -> None:
        """Count a round trip to the API server that this thread made."""
        self._metrics.kubernetes_seconds.labels(method).observe(seconds)
        self._here.total = self._total() + seconds

    @contextmanager
    def approving(self, proposal: ProposalId) -> Iterator[None]:
        """Time an approval; nothing is kept of one that fails."""
        begun, before = arrived.get(), self._total()
        begun = self._now() if begun is None else begun
        yield
        if len(self._runs) >= _MOST:  # approved here, written by another replica
            self._runs.clear()
        self._runs[proposal] = _Run(begun, self._total() - before)

    def fenced(self, fence: Callable[[str], None]) -> Callable[[str], None]:
        """Return the fence that is asked just before a write, timed: the write follows it."""

        def timed(proposal: str) -> None:
            fence(proposal)
            if (run := self._runs.pop(proposal, None)) is not None:
                ours = self._now() - run.begun - run.taken - (self._total() - run.mark)
                self._metrics.own_seconds.observe(max(0.0, ours))

        return timed

    def mark(self, proposal: str) -> None:
        """Note that this thread is about to write it."""
        if (run := self._runs.get(proposal)) is not None:
            run.mark = self._total()

    def forget(self, proposal: str) -> None:
        """Time a proposal no longer."""
        self._runs.pop(proposal, None)

    def _total(self) -> float:
        return getattr(self._here, "total", 0.0)


@dataclass(frozen=True, slots=True)
class PacedDoor:
    """The door, with each change timed that follows its approval."""

    door: Door
    pace: Pace

    def write(self, proposal_id: str, plan: Plan) -> Applied:
        """Make the change; what has to wait after all is timed no longer."""
        self.pace.mark(proposal_id)
        try:
            return self.door.write(proposal_id, plan)
        finally:
            self.pace.forget(proposal_id)

    def undo(self, proposal_id: str, plan: Plan, applied: Applied) -> Applied:
        """Take it back."""
        return self.door.undo(proposal_id, plan, applied)

    def landed(self, proposal_id: str, target: Target, plan: Plan | None = None) -> Applied | None:
        """Look only."""
        return self.door.landed(proposal_id, target, plan)
