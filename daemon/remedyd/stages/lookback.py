"""Looks back at what was written: is it still there, did it arrive, and who took it away?

Whoever reverts a change will do it again, and a change that never reaches the pods will not reach
them the next time either. So the target is set aside and a person is told who it was; repeating
the change would be a war. The same look is taken before a policy's next change of the same
fields, for some revert hours later: a nightly job, the next sync.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from remedyd.cluster.client import Reader
from remedyd.cluster.readback import Finding, ReadBack, inspect
from remedyd.errors import ClusterError, NotFound, Refused
from remedyd.model import (
    Clock,
    Hold,
    HoldKind,
    Outcome,
    Plan,
    Proposal,
    State,
    Verdict,
)
from remedyd.observability import logs
from remedyd.observability.alerts import Alert, AlertKind, Alerts
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails.repetition import falls_short
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from remedyd.stages.moves import Moves
from remedyd.stages.spacing import Spacing

log = logs.get(__name__)

_BETWEEN = timedelta(seconds=30)
_STANDING = frozenset({State.EFFECTIVE, State.INCONCLUSIVE})
_ALERTS = {
    Finding.REVERTED: AlertKind.REVERTED,
    Finding.CHANGE_NOT_EFFECTIVE: AlertKind.CHANGE_NOT_EFFECTIVE,
}


class LookBack:
    """Reads back, and sets aside where a change does not last; safe to share between threads."""

    def __init__(
        self,
        cluster: Reader,
        store: Store,
        clock: Clock,
        ids: Callable[[], str],
        alerts: Alerts,
        metrics: Metrics,
    ) -> None:
        """Take where to look, and where holds are kept and people are told."""
        self._cluster = cluster
        self._store = store
        self._clock = clock
        self._ids = ids
        self._alerts = alerts
        self._metrics = metrics
        self._looked = Spacing()

    def due(self, proposal: Proposal) -> bool:
        """Whether it is time for another look: every half minute, and first of all."""
        return not self._looked.within(proposal.id, self._clock.now(), _BETWEEN)

    def look(
        self, proposal: Proposal, limit: Decimal | None = None, *, rolling: bool = False
    ) -> ReadBack | None:
        """Return what became of the change, None when that cannot be read now.

        `limit` is the memory limit in bytes that the audit saw after the rollout; `rolling`: it
        is being rolled out.
        """
        self._looked.note(proposal.id, self._clock.now())
        try:
            return inspect(
                self._cluster,
                proposal.plan,
                telemetry_limit=limit,
                rolling=rolling,
                left=proposal.applied.differences if proposal.applied else (),
            )
        except (ClusterError, NotFound) as error:
            log.warning(f"a change cannot be read back: {error.message}", proposal=proposal.id)
            return None

    def lost(self, moves: Moves, proposal: Proposal, found: ReadBack) -> Proposal:
        """End what did not last: reverted, it is not ours to undo; never arrived, it is undone."""
        self._set_aside(proposal, found)
        told = f"{found.reason}: {found.evidence}"
        verdict = Verdict(Outcome.INEFFECTIVE, self._clock.now(), found.reason, found.evidence)
        if found.finding is Finding.CHANGE_NOT_EFFECTIVE:
            return moves.to(proposal, State.INEFFECTIVE, "verified", told, verdict=verdict)
        return moves.to(proposal, State.SUPERSEDED, "reverted", told, verdict=verdict)

    def _set_aside(self, proposal: Proposal, found: ReadBack) -> None:
        """Hold the target and tell a person. Done again after a crash, it is done once."""
        self._looked.forget(proposal.id)
        self._metrics.read_backs.labels(found.finding.value).inc()
        now, workload = self._clock.now(), proposal.plan.target.workload
        told = f"{found.reason}: {found.evidence}"
        if found.finding is Finding.CHANGE_NOT_EFFECTIVE or found.lasting:
            data = {"reason": found.reason, "manager": found.manager, "proposal": proposal.id}
            self._store.holds.open(
                Hold(self._ids(), HoldKind.QUARANTINE, workload, now, told, data)
            )
        self._alerts.raise_(Alert(_ALERTS[found.finding], now, workload, told, proposal.id))

    def check(self, plan: Plan) -> None:
        """Raise Refused, and set the target aside, if an earlier change was reverted since.

        Only where `plan` would make good for what somebody took away.
        """
        earlier = self._earlier(plan)
        if earlier is None or not falls_short(plan, earlier.plan):
            return
        found = self.look(earlier)
        if found is None or found.finding is not Finding.REVERTED or not found.lasting:
            return
        self._set_aside(earlier, found)
        raise Refused(
            found.reason,
            f"proposal {earlier.id} changed it, and it did not last: {found.evidence}",
            hint="change it where it is managed, then lift the hold: remedyd holds lift",
        )

    def _earlier(self, plan: Plan) -> Proposal | None:
        """Return the last change of the workload that stands as far as we know."""
        wanted = ProposalFilter(workload=plan.target.workload, states=_STANDING, limit=1)
        return next(iter(self._store.list(wanted).items), None)
