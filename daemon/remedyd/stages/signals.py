"""The audited numbers of a proposal's target over time: what an approver sees as a curve.

Nothing is recorded for it. The proposal's own audit is asked again, scoped to the target, with its
window ending at each of a few moments around the proposal, so every point is what a run at that
moment saw. It is for the eye only: nothing is decided from it, and a moment without a trusted row
is a gap in the curve. One caller at a time asks, and for a bounded time; whoever asks again finds
the earlier answers and adds to them, so a slow Elasticsearch gives a coarse curve first.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.model import Cell, Clock, Proposal, Window, monotonic
from remedyd.proposals.lifecycle import is_open

POINTS: Final = 24
BUDGET_SECONDS: Final = 2.0
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Moment:
    """The audit's values at `at`; None where it gave no row that can be trusted."""

    at: datetime
    values: Mapping[str, Cell] | None


@dataclass(frozen=True, slots=True)
class Signal:
    """The moments known so far, oldest first; `complete` once none is left to ask for.

    `missing` says why there is nothing to show.
    """

    moments: tuple[Moment, ...] = ()
    complete: bool = True
    missing: str = ""


class Signals:
    """Asks for signals and remembers the last ones; safe to share between threads."""

    def __init__(
        self,
        runner: AuditRunner,
        audits: Mapping[str, AuditDefinition],
        clock: Clock,
        *,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        """Take a runner without a gate: whether telemetry is fresh today says nothing of then."""
        self._runner = runner
        self._audits = audits
        self._clock = clock
        self._seconds = seconds
        self._asking = threading.Lock()
        self._known: OrderedDict[str, dict[datetime, Moment]] = OrderedDict()

    def of(self, proposal: Proposal) -> Signal:
        """Return the signal around a proposal; trouble with the query is said, never raised."""
        audit = self._audits.get(proposal.audit)
        if proposal.row is None or audit is None:
            return Signal(missing="nothing was measured for this proposal")
        wanted = _times(proposal, audit, self._clock.now())
        trouble = ""
        if self._asking.acquire(timeout=BUDGET_SECONDS):
            try:
                trouble = self._ask(proposal, audit, wanted)
            finally:
                self._asking.release()
        known = self._known.get(proposal.id, {})
        found = tuple(known[at] for at in wanted if at in known)
        complete = bool(trouble) or len(found) == len(wanted)
        if not complete or any(moment.values for moment in found):
            return Signal(found, complete)
        return Signal(missing=trouble or "telemetry of that time is no longer there")

    def _ask(self, proposal: Proposal, audit: AuditDefinition, wanted: Sequence[datetime]) -> str:
        """Ask for what is not known yet, the proposal's own moment first; return what failed."""
        known = self._known.setdefault(proposal.id, {})
        self._known.move_to_end(proposal.id)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        target, end, trouble = proposal.plan.target, self._seconds() + BUDGET_SECONDS, ""
        for at in _spread(wanted, proposal.created_at):
            if at in known:
                continue
            result = self._runner.run(audit, window=Window(at - audit.window, at), scope=target)
            row = next((row for row in result.rows if row.target.identity == target.identity), None)
            known[at] = Moment(at, row.values if row else None)
            trouble = result.detail if row is None else ""
            if self._seconds() >= end:
                break
        return "" if any(moment.values for moment in known.values()) else trouble


def _times(proposal: Proposal, audit: AuditDefinition, now: datetime) -> list[datetime]:
    """Return when to look, on a grid that holds still while the proposal lives on.

    From two windows before the proposal until a window after its end; half a window apart, or
    twice, four times ... that where it took long.
    """
    newest = now - audit.lag
    end = newest if is_open(proposal) else min(newest, proposal.updated_at + audit.window)
    before, step = 4, audit.window / 2
    while (end - proposal.created_at) / step > POINTS - before:
        step *= 2
    after = max(0, int((end - proposal.created_at) / step))
    return [proposal.created_at + step * n for n in range(-before, after + 1)]


def _spread(times: Sequence[datetime], first: datetime) -> list[datetime]:
    """Order moments so that the first few already give the picture: `first`, ends, then between."""
    order, step = [first, times[-1], times[0]], len(times)
    while step > 1:
        step = (step + 1) // 2
        order += [at for at in times[::step] if at not in order]
    return order
