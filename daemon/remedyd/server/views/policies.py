"""Policies with what they decided."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from remedyd.model import Decision
from remedyd.policy.policy import Policy
from remedyd.server.views import examples
from remedyd.server.views.rows import TargetView, target_view
from remedyd.stages.recent import Judged


class StepView(BaseModel):
    """One rung: the action it takes."""

    name: str
    action: str


class DecisionView(BaseModel):
    """The answer to one row: `reason` is a stable code, `detail` a sentence."""

    target: TargetView
    kind: str
    reason: str
    detail: str
    condition: str
    step: str


class CountView(BaseModel):
    """How often a decision was taken since the daemon started."""

    kind: str
    reason: str
    count: int


class PolicyView(BaseModel):
    """A policy in force, and its last decision on each row (null and empty: no row yet)."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.POLICY]})

    name: str
    description: str
    mode: str
    audit: str
    hash: str
    steps: list[StepView]
    decided_at: datetime | None
    decisions: list[DecisionView]
    counts: list[CountView]


def policy_view(policy: Policy, judged: Judged | None) -> PolicyView:
    """Show a policy."""
    counts = sorted(judged.counts.items()) if judged else []
    return PolicyView(
        name=policy.name,
        description=policy.spec.description,
        mode=policy.mode.value,
        audit=policy.audit,
        hash=policy.hash,
        steps=[StepView(name=step.name, action=step.action.type) for step in policy.steps],
        decided_at=judged.at if judged else None,
        decisions=[_decision(decision) for decision in judged.decisions] if judged else [],
        counts=[CountView(kind=kind, reason=why, count=n) for (kind, why), n in counts],
    )


def _decision(decision: Decision) -> DecisionView:
    return DecisionView(
        target=target_view(decision.target),
        kind=decision.kind.value,
        reason=decision.reason,
        detail=decision.detail,
        condition=decision.condition,
        step=decision.step,
    )
