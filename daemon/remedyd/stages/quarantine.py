"""Sets targets aside that changes did not help, until a person lifts it.

The rule itself counts failures and needs no record; the record is what lasts beyond the history,
can be listed, and says who lifted it. It is derived, so a crash in between loses nothing.
"""

from collections.abc import Callable

from remedyd.model import Clock, Hold, HoldKind
from remedyd.observability.alerts import Alert, AlertKind, Alerts
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails import Guardrails
from remedyd.proposals.store import Store


class SetAside:
    """A chore of the loop: one hold for each target that has failed often enough."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Callable[[], str],
        guardrails: Guardrails,
        alerts: Alerts,
        metrics: Metrics,
    ) -> None:
        """Take where failures and holds are kept."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._most = guardrails.quarantine_after
        self._alerts = alerts
        self._metrics = metrics

    def __call__(self) -> None:
        """Open the holds that are due, and count those in force."""
        now = self._clock.now()
        state = self._store.decision_state(now)
        for workload, failures in state.failures.items():
            if len(failures) < self._most or workload in state.quarantined:
                continue
            detail = f"{len(failures)} changes in a row did not help"
            hold = Hold(self._ids(), HoldKind.QUARANTINE, workload, now, detail)
            if self._store.holds.open(hold):
                self._alerts.raise_(Alert(AlertKind.QUARANTINE, now, workload, detail))
        in_force = [hold.kind for hold in self._store.holds.list()]
        for kind in HoldKind:
            self._metrics.holds.labels(kind.value).set(in_force.count(kind))
