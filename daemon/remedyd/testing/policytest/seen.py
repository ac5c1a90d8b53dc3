"""What came of each row: the decision, and for a proposal the plan that it would carry."""

from dataclasses import dataclass
from datetime import datetime

from remedyd.actions.planner import draft
from remedyd.errors import ClusterError, Conflict, InvalidInput, NotFound, Refused
from remedyd.model import Decision, DecisionKind, Plan
from remedyd.testing.policytest.fixtures import FixtureCluster
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


def seen(decision: Decision, cluster: FixtureCluster, at: datetime) -> Seen:
    """Plan what is proposed, where the test has a cluster to plan from."""
    found = Seen(at, decision, _CAME[decision.kind], decision.reason, decision.detail)
    if decision.action is None or not cluster.given:
        return found
    try:
        plan = draft(cluster, at, decision.target, decision.action, decision.row)
    except (Refused, NotFound, Conflict, ClusterError, InvalidInput) as error:
        reason = error.reason if isinstance(error, Refused) else type(error).__name__
        return Seen(at, decision, Came.REFUSED, reason, error.message)
    if plan.blocked:
        block = plan.blocked[0]
        return Seen(at, decision, Came.REFUSED, "Blocked", block.evidence, block.name, plan)
    return Seen(at, decision, Came.PROPOSED, found.reason, found.detail, plan=plan)
