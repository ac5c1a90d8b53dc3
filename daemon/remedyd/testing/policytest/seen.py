"""What came of each row: the decision, and for a proposal the plan that it would carry.

After the decision the daemon plans, and asks the guardrails again with plan and live objects; so
does this, in the same order.
"""

from dataclasses import dataclass
from datetime import datetime

from remedyd.actions.planner import draft
from remedyd.errors import ClusterError, Conflict, InvalidInput, NotFound, Refused
from remedyd.model import Decision, DecisionKind, DecisionState, Mode, Plan
from remedyd.testing.policytest.guard import Guard
from remedyd.testing.policytest.schema import Came

_CAME = {
    DecisionKind.PROPOSE: Came.PROPOSED,
    DecisionKind.HOLD: Came.HELD,
    DecisionKind.SKIP: Came.SKIPPED,
    DecisionKind.ERROR: Came.ERROR,
}
MUST_BE_EXPECTED = frozenset({Came.PROPOSED, Came.REFUSED, Came.ERROR})
"""Outcomes that a test has to name: what is done, and what could not be judged."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision in the cycle at `at`; `plan` is None where nothing was planned."""

    at: datetime
    decision: Decision
    came: Came
    reason: str
    detail: str
    precheck: str = ""
    plan: Plan | None = None


def seen(decision: Decision, guard: Guard, state: DecisionState, at: datetime) -> Seen:
    """Plan what is proposed and ask the guardrails, where the test has a cluster to plan from."""
    found = Seen(at, decision, _CAME[decision.kind], decision.reason, decision.detail)
    cluster, action = guard.cluster, decision.action
    if action is None or not cluster.given:
        return found
    try:
        decision = guard.lowered(decision)
        against = guard.against(decision, None, state, at)
        if against is not None and decision.mode is Mode.DISABLED:
            return Seen(at, decision, Came.HELD, against.reason, against.detail)
        plan = draft(cluster, at, decision.target, action, decision.row)
    except (Refused, NotFound, Conflict, ClusterError, InvalidInput) as error:
        reason = error.reason if isinstance(error, Refused) else type(error).__name__
        return Seen(at, decision, Came.REFUSED, reason, error.message)
    if plan.blocked:
        block = plan.blocked[0]
        return Seen(at, decision, Came.REFUSED, "Blocked", block.evidence, block.name, plan)
    against = guard.against(decision, plan, state, at)
    if against is not None:
        return Seen(at, decision, Came.HELD, against.reason, against.detail, plan=plan)
    return Seen(at, decision, Came.PROPOSED, found.reason, found.detail, plan=plan)
