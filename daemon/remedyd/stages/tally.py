"""Numbers for the metrics that nothing else in the flow would tell.

What the store holds is counted now and then, on every replica: the numbers do not go stale with a
leader that is gone, and are the same everywhere, since the store is. Writes are counted by a door
around the door, so that neither the door nor the stages know of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from remedyd.cluster.door import Door
from remedyd.errors import RemedydError
from remedyd.model import Applied, AuditOutcome, HoldKind, Plan, State, Target
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails import Guardrails
from remedyd.proposals.store import Store
from remedyd.settings import Settings


class Tally:
    """A chore: counts open proposals by state and holds by kind, and looks at the switch."""

    def __init__(self, store: Store, metrics: Metrics, leads: Callable[[], bool]) -> None:
        """Take what is counted; `leads` is asked whenever the metrics are read."""
        self._store = store
        self._metrics = metrics
        metrics.leading.set_function(lambda: float(leads()))

    def __call__(self) -> None:
        """Count; raises StoreError."""
        found = self._store.open_counts()
        for state in State:
            self._metrics.open_proposals.labels(state.value).set(found.get(state, 0))
        holds = self._store.holds.counts()
        for kind in HoldKind:
            self._metrics.holds.labels(kind.value).set(holds.get(kind, 0))
        self._metrics.paused.set(self._store.flags.paused() is not None)


@dataclass(frozen=True, slots=True)
class CountedDoor:
    """The door, with each change and undo counted by what became of it."""

    door: Door
    metrics: Metrics

    def write(self, proposal_id: str, plan: Plan) -> Applied:
        """Make the change."""
        return self._counted(plan, "write", lambda: self.door.write(proposal_id, plan))

    def undo(self, proposal_id: str, plan: Plan, applied: Applied) -> Applied:
        """Take it back."""
        return self._counted(plan, "undo", lambda: self.door.undo(proposal_id, plan, applied))

    def landed(self, proposal_id: str, target: Target, plan: Plan | None = None) -> Applied | None:
        """Look only: nothing to count."""
        return self.door.landed(proposal_id, target, plan)

    def _counted(self, plan: Plan, operation: str, act: Callable[[], Applied]) -> Applied:
        try:
            made = act()
        except RemedydError as error:
            self._count(plan, operation, type(error).__name__)
            raise
        self._count(plan, operation, "Recorded" if made.recorded else "Written")
        return made

    def _count(self, plan: Plan, operation: str, result: str) -> None:
        self.metrics.writes.labels(plan.action, operation, result).inc()


class Scheduled:
    """Keeps the series of audits in step with those that are run.

    One that never gave rows has to be seen as well, and one that a reload took away must not look
    as if it had gone blind.
    """

    def __init__(self, metrics: Metrics, pause: Callable[[str], float] = lambda _: 0.0) -> None:
        """Begin with none; `pause` says how many seconds pass between two runs of one."""
        self._metrics = metrics
        self._pause = pause
        self._names: frozenset[str] = frozenset()

    def follow(self, names: Iterable[str]) -> None:
        """Show these audits and no others; called by one thread at a time."""
        wanted = frozenset(names)
        for name in wanted - self._names:
            self._metrics.audit_last.labels(name)
            for outcome in AuditOutcome:
                self._metrics.audit_runs.labels(name, outcome.value)
        for name in wanted:
            self._metrics.audit_interval.labels(name).set(self._pause(name))
        for name in self._names - wanted:
            for gauge in (
                self._metrics.audit_interval,
                self._metrics.audit_last,
                self._metrics.audit_parts,
                self._metrics.audit_rows,
            ):
                gauge.remove_by_labels({"audit": name})
        self._names = wanted


def show_limits(metrics: Metrics, settings: Settings, guardrails: Guardrails) -> None:
    """Show the limits in force, beside which their use can be plotted."""
    for name, limit in (
        ("changes_at_once", guardrails.concurrency),
        ("changes_per_hour", guardrails.rate.per_hour),
        ("changes_per_hour_and_namespace", guardrails.rate.per_namespace),
        ("namespace_percent", guardrails.workloads_percent),
        ("storm_percent", guardrails.storm.workloads_percent),
        ("failures_in_a_row", guardrails.quarantine_after),
        ("trail_events_waiting", settings.trail.most_waiting),
        ("requests_per_minute", settings.server.requests_per_minute),
        ("request_bytes", settings.server.body_limit_bytes),
    ):
        metrics.limits.labels(name).set(limit)
