"""From decisions to proposals: plan on the live object, ask the API server, then the gate."""

import threading
from collections.abc import Callable

from remedyd.actions.planner import Planner
from remedyd.errors import ClusterError, Conflict, NotFound, Refused, RemedydError
from remedyd.model import AUTO, Decision, DecisionKind, Mode, Plan, Proposal, State
from remedyd.observability import logs, traces
from remedyd.observability.alerts import Alert, AlertKind, Alerts
from remedyd.observability.metrics import Metrics
from remedyd.proposals.gate import Gate
from remedyd.stages.cycle import Cycle
from remedyd.stages.guard import Guard

log = logs.get(__name__)


class Propose:
    """Makes a proposal of each decision that survives its plan.

    A plan that the API server or a precheck refuses never reaches a person: it is logged and
    counted, and the next cycle tries again from the state of things then.
    """

    name = "propose"

    def __init__(
        self,
        planner: Planner,
        gate: Gate,
        metrics: Metrics,
        lock: threading.Lock,
        guard: Guard | None = None,
        alerts: Alerts | None = None,
        report: Callable[[Decision, str, str], None] = lambda decision, reason, detail: None,
    ) -> None:
        """Take the planner, the gate, the lock shared with `Decide`, and who asks guardrails.

        `alerts` are told of what only a person can mend, `report` of decisions that came to
        nothing, with reason and detail.
        """
        self._planner = planner
        self._gate = gate
        self._metrics = metrics
        self._lock = lock
        self._guard = guard
        self._alerts = alerts or Alerts(metrics)
        self._report = report

    def run(self, cycle: Cycle) -> Cycle:
        """Plan and propose."""
        made = [
            proposal
            for decision in cycle.decisions
            if decision.kind is DecisionKind.PROPOSE
            if (proposal := self._propose(decision)) is not None
        ]
        return Cycle(cycle.audit, cycle.at, cycle.results, cycle.decisions, tuple(made))

    def _propose(self, decision: Decision) -> Proposal | None:
        request = decision.action
        assert request is not None
        try:
            if self._guard is not None:
                decision = self._guard.lowered(decision)
            plan = self._planner.plan(decision.target, request, decision.row)
            if plan.blocked:
                self._refused(decision, "Blocked", _first_block(plan))
                return None
            if self._guard is not None:
                self._guard.check_plan(decision, plan)
            with self._lock:
                proposal = self._gate.propose(plan, decision)
        except (Refused, NotFound, Conflict, ClusterError) as error:
            reason = error.reason if isinstance(error, Refused) else type(error).__name__
            self._refused(decision, reason, error.message)
            return None
        traces.began(proposal.id, policy=proposal.policy, target=str(plan.target))
        tell(self._alerts, proposal)
        return proposal

    def _refused(self, decision: Decision, reason: str, detail: str) -> None:
        self._metrics.decisions.labels(decision.policy, "Refused", reason).inc()
        self._report(decision, reason, detail)
        log.warning(
            f"no proposal for {decision.target} by policy {decision.policy}: {detail}",
            policy=decision.policy,
            target=str(decision.target),
            reason=reason,
        )


def tell(alerts: Alerts, proposal: Proposal) -> None:
    """Call a person, with the evidence, if that is what the proposal came to."""
    if proposal.state is State.ESCALATED:
        plan = proposal.plan
        detail = ". ".join(part for part in (plan.consequence.rstrip("."), proposal.reason) if part)
        at, subject = proposal.created_at, plan.target.workload
        alerts.raise_(Alert(AlertKind.ESCALATION, at, subject, detail, proposal.id))


def _first_block(plan: Plan) -> str:
    block = plan.blocked[0]
    return f"{block.name}: {block.evidence}. {block.next_step}".strip()


class AutoApprove:
    """Approves, by its own principal, what a policy in mode Auto proposed."""

    name = "approve"

    def __init__(self, gate: Gate) -> None:
        """Take the gate: there is no way around it, not even for ourselves."""
        self._gate = gate

    def run(self, cycle: Cycle) -> Cycle:
        """Approve the Auto ones among the cycle's proposals."""
        proposals = tuple(self._approve(proposal) for proposal in cycle.proposals)
        return Cycle(cycle.audit, cycle.at, cycle.results, cycle.decisions, proposals)

    def _approve(self, proposal: Proposal) -> Proposal:
        if proposal.mode is not Mode.AUTO or proposal.state is not State.PROPOSED:
            return proposal
        try:
            return self._gate.approve(
                proposal.id, proposal.digest, AUTO, f"policy {proposal.policy} is in mode Auto"
            )
        except RemedydError as error:
            log.warning(f"not approved by its policy: {error.message}", proposal=proposal.id)
            return proposal
