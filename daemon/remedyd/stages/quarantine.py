"""Sets targets aside that changes did not help, until a person lifts it.

The rule itself counts failures and needs no record; the record is what lasts beyond the history,
can be listed, and says who lifted it. It is derived, so a crash in between loses nothing.
"""

from collections.abc import Callable

from remedyd.model import Clock, Hold, HoldKind
from remedyd.observability.alerts import Alert, AlertKind, Alerts
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
    ) -> None:
        """Take where failures and holds are kept."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._most = guardrails.quarantine_after
        self._alerts = alerts

    def __call__(self) -> None:
        """Open the holds that are due."""
        now = self._clock.now()
        for workload, failures in self._store.failing(now, self._most).items():
            detail = f"{failures} changes in a row did not help"
            hold = Hold(self._ids(), HoldKind.QUARANTINE, workload, now, detail)
            if self._store.holds.open(hold):
                self._alerts.raise_(Alert(AlertKind.QUARANTINE, now, workload, detail))
