"""One way to move a proposal: compare-and-set, counted and logged."""

from datetime import datetime
from typing import Any

from remedyd.errors import Refused, RemedydError
from remedyd.model import Proposal, State
from remedyd.observability import logs
from remedyd.observability.alerts import Alert, AlertKind, Alerts
from remedyd.observability.metrics import Metrics
from remedyd.proposals.store import Store

log = logs.get(__name__)

_NEEDS_A_PERSON = {
    State.INCONCLUSIVE: AlertKind.INCONCLUSIVE,
    State.ROLLBACK_FAILED: AlertKind.ROLLBACK_FAILED,
    State.ESCALATED: AlertKind.ESCALATION,
}


class Moves:
    """Moves proposals in the daemon's own name."""

    def __init__(self, store: Store, metrics: Metrics, alerts: Alerts | None = None) -> None:
        """Take the store that decides who wins, and who is told when a person is needed."""
        self._store = store
        self._alerts = alerts or Alerts(metrics)

    def to(
        self, proposal: Proposal, state: State, action: str, detail: str, **changes: Any
    ) -> Proposal:
        """Move `proposal` to `state`; raise errors.Conflict if someone else moved it first."""
        moved = self._store.transition(proposal, state, action=action, detail=detail, **changes)
        if kind := _NEEDS_A_PERSON.get(state):
            subject = proposal.plan.target.workload
            self._alerts.raise_(Alert(kind, moved.updated_at, subject, detail, proposal.id))
        return moved

    def waits(self, proposal: Proposal, error: RemedydError) -> Proposal:
        """Leave `proposal` where it is, and say once in its history what it waits for."""
        kind = error.reason if isinstance(error, Refused) else type(error).__name__
        log.warning(
            f"proposal of {proposal.plan.target} waits: {error.message}",
            proposal=proposal.id,
            reason=kind,
        )
        told = f"waits ({kind})"
        if proposal.reason.startswith(told):
            return proposal
        detail = f"{told}: {error.message}"
        return self._store.amend(proposal, action="wait", detail=detail, reason=detail)

    def since(self, proposal: Proposal) -> datetime:
        """Return when `proposal` entered the state it is in."""
        entered = proposal.updated_at
        for event in reversed(self._store.events(proposal.id)):
            if event.state is not proposal.state:
                break
            entered = event.at
        return entered

    def read(self, proposal: Proposal) -> Proposal:
        """Return `proposal` as it is stored now."""
        return self._store.get(proposal.id)

    def note(self, proposal: Proposal, action: str, detail: str, **changes: Any) -> Proposal:
        """Set fields of `proposal` without leaving its state, with an event of its own."""
        return self._store.amend(proposal, action=action, detail=detail, **changes)
