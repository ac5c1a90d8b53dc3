"""What a person has to look at: counted, logged, and told to whoever wants to know.

Sending it on (mail, chat, pager) is a sink; none is built in. A sink that fails is logged and
disturbs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remedyd.observability import logs
from remedyd.observability.metrics import Metrics

log = logs.get(__name__)


class AlertKind(StrEnum):
    """Why a person is needed."""

    INCONCLUSIVE = "Inconclusive"
    ROLLBACK_FAILED = "RollbackFailed"
    QUARANTINE = "Quarantine"
    STORM = "Storm"
    REVERTED = "Reverted"
    CHANGE_NOT_EFFECTIVE = "ChangeNotEffective"
    ESCALATION = "Escalation"


@dataclass(frozen=True, slots=True)
class Alert:
    """One call for a person; `proposal` is "" where it is about none."""

    kind: AlertKind
    at: datetime
    subject: str
    detail: str
    proposal: str = ""


Sink = Callable[[Alert], None]


class Alerts:
    """Where alerts go; safe to share between threads once it is built."""

    def __init__(self, metrics: Metrics, sinks: Sequence[Sink] = ()) -> None:
        """Take the metrics and further sinks; the log is always told."""
        self._metrics = metrics
        for kind in AlertKind:
            metrics.alerts.labels(kind.value)  # from the first one on there is an increase
        self._sinks = sinks

    def raise_(self, alert: Alert) -> None:
        """Tell everybody."""
        self._metrics.alerts.labels(alert.kind.value).inc()
        log.warning(
            f"a person is needed ({alert.kind.value}) for {alert.subject}: {alert.detail}",
            alert=alert.kind.value,
            subject=alert.subject,
            proposal=alert.proposal,
        )
        for sink in self._sinks:
            try:
                sink(alert)
            except Exception:  # a broken pager must not stop a rollback
                log.exception(
                    f"the alert {alert.kind.value} was not delivered", alert=alert.kind.value
                )
