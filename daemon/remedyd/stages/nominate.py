"""From telemetry to decisions: run the audit, then ask the policies."""

import logging
import threading
from collections.abc import Callable, Mapping

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditOutcome, AuditResult, Clock, DecisionKind, Severity
from remedyd.observability import logs
from remedyd.observability.metrics import Metrics
from remedyd.policy.decide import decide
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.policy import PolicySet
from remedyd.proposals.store import Store
from remedyd.stages.cycle import Cycle

log = logs.get(__name__)


class RunAudit:
    """Runs the cycle's audit; anything but a trustworthy result carries no rows."""

    name = "audit"

    def __init__(
        self, runner: AuditRunner, audits: Mapping[str, AuditDefinition], metrics: Metrics
    ) -> None:
        """Take the runner and the audits it may be asked for."""
        self._runner = runner
        self._audits = audits
        self._metrics = metrics
        self._ended: dict[str, AuditOutcome] = {}

    def run(self, cycle: Cycle) -> Cycle:
        """Run the audit and count the outcome."""
        audit = self._audits.get(cycle.audit)
        if audit is None:  # taken away by a reload after this run was due
            return cycle
        result = self._runner.run(audit)
        metrics = self._metrics
        metrics.audit_runs.labels(result.audit, result.outcome.value).inc()
        metrics.audit_seconds.labels(result.audit).observe(result.took_ms / 1000)
        if result.ok:
            metrics.audit_last.labels(result.audit).set(cycle.at.timestamp())
        metrics.audit_parts.labels(result.audit).set(result.parts)
        for severity in Severity:
            rows = sum(row.severity is severity for row in result.rows)
            metrics.audit_rows.labels(result.audit, severity.name.lower()).set(rows)
        self._tell(result)
        return Cycle(cycle.audit, cycle.at, results=(result,))

    def _tell(self, result: AuditResult) -> None:
        """Tell how it ended; that all is well as before is for those who look closely."""
        before, self._ended[result.audit] = self._ended.get(result.audit), result.outcome
        told = f"audit {result.audit} ended {result.outcome.value} with {len(result.rows)} rows"
        news = logging.DEBUG if before is result.outcome else logging.INFO
        log.log(
            news if result.ok else logging.WARNING,
            f"{told}: {result.detail}" if result.detail else told,
            audit=result.audit,
            outcome=result.outcome.value,
            rows=len(result.rows),
            parts=result.parts,
            hint=result.hint,
        )


class Decide:
    """Asks the policies, with what the store remembers, and remembers what was seen.

    Reading the state, deciding and keeping the sightings are one step under a lock: two audits
    that end together must not each see the other's limit as free.
    """

    name = "decide"

    def __init__(
        self,
        store: Store,
        policies: Callable[[], PolicySet],
        clock: Clock,
        metrics: Metrics,
        lock: threading.Lock,
        guardrails: Guardrails | None = None,
    ) -> None:
        """Take the store, the policies in force, and the lock shared with `Propose`."""
        self._store = store
        self._policies = policies
        self._clock = clock
        self._metrics = metrics
        self._lock = lock
        self._guardrails = guardrails

    def run(self, cycle: Cycle) -> Cycle:
        """Decide on every row."""
        with self._lock:
            about = {target.workload for result in cycle.results for target in result.targets()}
            state = self._store.decision_state(self._clock.now(), about)
            decided = decide(cycle.results, state, cycle.at, self._policies(), self._guardrails)
            self._store.save_sightings(decided.state.sightings, before=state.sightings)
        news = self._store.decided(decided.decisions, cycle.at)
        for decision in decided.decisions:
            kind = decision.kind
            self._metrics.decisions.labels(decision.policy, kind.value, decision.reason).inc()
        for decision in news:
            if decision.kind is not DecisionKind.SKIP:
                log.info(
                    f"{decision.kind.value} for {decision.target} by policy {decision.policy}: "
                    f"{decision.detail or decision.reason}",
                    policy=decision.policy,
                    target=str(decision.target),
                    kind=decision.kind.value,
                    reason=decision.reason,
                )
        return Cycle(cycle.audit, cycle.at, cycle.results, decided.decisions)
