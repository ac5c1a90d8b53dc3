"""Proposals, plans and principals for tests, complete enough to be true to life."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from remedyd.model import (
    ActionRequest,
    AuditRow,
    Decision,
    DecisionKind,
    FieldChange,
    ManualClock,
    Mode,
    Patch,
    Plan,
    Precheck,
    PrecheckResult,
    Principal,
    Proposal,
    ProposalId,
    Scope,
    Severity,
    Target,
)
from remedyd.proposals.drafts import of_decision, proposal_of

START = datetime(2026, 11, 5, 12, 0, 0, 123456, tzinfo=UTC)
PATH = "spec.template.spec.containers[app].resources.limits.memory"
ALICE = Principal("alice", frozenset({Scope.APPROVER}))
BOB = Principal("bob", frozenset({Scope.APPROVER}))
PAT = Principal("pat", frozenset({Scope.PROPOSER}))
VIC = Principal("vic", frozenset({Scope.VIEWER}))


def a_clock() -> ManualClock:
    """Return a clock that stands at `START`."""
    return ManualClock(START)


def a_target(name: str = "checkout", **changes: Any) -> Target:
    """Return a container of a live deployment."""
    target = Target("prod", "shop", "Deployment", name, "app", uid=f"uid-of-{name}")
    return replace(target, **changes)


def a_row(target: Target | None = None, **values: Any) -> AuditRow:
    """Return a critical row about `target`."""
    cells = {"oom_kills": 3, "memory_pct": 97.25, "limit": "256Mi", "node": None} | values
    return AuditRow(
        "container-memory",
        replace(target or a_target(), uid=""),
        Severity.CRITICAL,
        cells,
        samples=12,
        last_seen=START - timedelta(seconds=30),
    )


def a_plan(target: Target | None = None, *, new: str = "384Mi", **changes: Any) -> Plan:
    """Return a plan that raises the memory limit."""
    plan = Plan(
        target=target or a_target(),
        action="UpdateResources",
        params={"memory": {"factor": 1.5, "max": "1Gi"}},
        changes=(FieldChange(PATH, "256Mi", new),),
        patch=_memory(new),
        undo=_memory("256Mi"),
        diff=f"- {PATH}: 256Mi\n+ {PATH}: {new}",
        consequence="rolling restart of 3 pods, no downtime (maxUnavailable 25 %)",
        resource_version="4711",
        prechecks=(
            Precheck("RolloutInProgress", PrecheckResult.PASS, "generation 7 is rolled out"),
            Precheck("SingleReplica", PrecheckResult.WARN, "1 replica", "scale to 2 first"),
        ),
        dry_run="accepted",
    )
    return replace(plan, **changes)


def _memory(value: str) -> Patch:
    container = {"name": "app", "resources": {"limits": {"memory": value}}}
    return Patch({"spec": {"template": {"spec": {"containers": [container]}}}})


def a_decision(target: Target | None = None, **changes: Any) -> Decision:
    """Return a policy's decision to propose."""
    target = target or a_target()
    decision = Decision(
        kind=DecisionKind.PROPOSE,
        policy="oom-raise-memory",
        audit="container-memory",
        target=target,
        reason="Matched",
        detail="OOM killed twice within 10 minutes",
        step="raise-memory",
        action=ActionRequest("UpdateResources"),
        row=a_row(target),
        policy_hash="p" * 64,
    )
    return replace(decision, **changes)


class Ids:
    """Counts: p1, p2, ..."""

    def __init__(self) -> None:
        """Start before the first."""
        self._numbers = count(1)

    def __call__(self) -> ProposalId:
        """Return the next id."""
        return ProposalId(f"p{next(self._numbers)}")


def a_proposal(
    key: str = "p1", name: str = "checkout", *, at: datetime = START, **changes: Any
) -> Proposal:
    """Return a proposal, as the gate makes it, not stored yet."""
    target = a_target(name)
    draft = of_decision(a_decision(target, mode=changes.pop("mode", Mode.PROPOSE)))
    life = timedelta(minutes=15)
    proposal = proposal_of(draft, a_plan(target), ProposalId(key), at, at + life)
    return replace(proposal, **changes)
