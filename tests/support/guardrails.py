"""Snapshots for tests of guardrails: one that nothing stands against, and ways to vary it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from remedyd.model import (
    Change,
    DecisionState,
    FieldChange,
    Hold,
    HoldKind,
    Mode,
    Outcome,
    State,
    Target,
)
from remedyd.policy.guardrails import Guardrails, Snapshot, objection, parse_guardrails

NOW = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)  # a Thursday
CART = Target("prod", "shop", "Deployment", "cart", "app")
MEMORY = "spec.template.spec.containers[app].resources.limits.memory"


def minutes(count: float) -> timedelta:
    """Return a span."""
    return timedelta(minutes=count)


def guardrails(spec: str = "{}") -> Guardrails:
    """Return the guardrails of a file with this `spec`."""
    head = "apiVersion: remedyd.io/v1alpha1\nkind: Guardrails\nmetadata: {name: g}\n"
    return parse_guardrails(f"{head}spec: {spec}\n", "g.yaml")


def snapshot(spec: str = "{}", **changes: Any) -> Snapshot:
    """Return a policy's change of `CART` that nothing stands against, varied."""
    usual: dict[str, Any] = {
        "now": NOW,
        "target": CART,
        "state": DecisionState(),
        "guardrails": guardrails(spec),
        "mode": Mode.AUTO,
        "workloads": 50,
    }
    return Snapshot(**(usual | changes))


def change(
    name: str = "p0",
    workload: str = "cart",
    *,
    namespace: str = "shop",
    ago: float = 600,
    lasted: float | None = 15,
    **changes: Any,
) -> Change:
    """Return a change written `ago` minutes before `NOW`; open when it lasted for None."""
    at = NOW - minutes(ago)
    made = Change(
        proposal=name,
        workload=f"prod/{namespace}/Deployment/{workload}",
        state=State.VERIFYING if lasted is None else State.EFFECTIVE,
        moved_at=at,
        policy="p",
        step="one",
        applied_at=at,
        ended_at=None if lasted is None else at + minutes(lasted),
    )
    return replace(made, **changes)


def failed(
    name: str = "p0", new: str = "384Mi", outcome: Outcome = Outcome.INEFFECTIVE, **changes: Any
) -> Change:
    """Return a raise of memory that did not help and was taken back."""
    usual: dict[str, Any] = {
        "state": State.ROLLED_BACK,
        "action": "UpdateResources",
        "fields": (FieldChange(MEMORY, "256Mi", new),),
        "outcome": outcome,
        "detail": "severity is still 3",
    }
    return change(name, **(usual | changes))


def hold(kind: HoldKind, subject: str, detail: str = "why") -> Hold:
    """Return an open hold."""
    return Hold("h1", kind, subject, NOW - minutes(30), detail)


def reason(asked: Snapshot) -> str:
    """Return the code of the first objection, "" when there is none."""
    found = objection(asked)
    return found.reason.value if found else ""
