"""Small audits, actions and rows for tests of policies."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from remedyd.model import (
    AuditOutcome,
    AuditResult,
    AuditRow,
    Cell,
    ColumnSpec,
    Severity,
    Target,
    Window,
)
from remedyd.model.audit import SetAside
from remedyd.policy.loader import parse_policies
from remedyd.policy.policy import PolicySet

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class RestartParameters(BaseModel):
    """Parameters of Restart."""

    model_config = ConfigDict(extra="forbid", strict=True)
    strategy: str = "RollingUpdate"


class ScaleParameters(BaseModel):
    """Parameters of Scale."""

    model_config = ConfigDict(extra="forbid", strict=True)
    delta: int
    max: int | None = Field(default=None, ge=1)


class MemoryParameters(BaseModel):
    """The memory part of UpdateResources."""

    model_config = ConfigDict(extra="forbid", strict=True)
    factor: float | None = Field(default=None, gt=1)
    max: str | None = None


class UpdateParameters(BaseModel):
    """Parameters of UpdateResources."""

    model_config = ConfigDict(extra="forbid", strict=True)
    memory: MemoryParameters


ACTIONS: dict[str, type[BaseModel]] = {
    "Restart": RestartParameters,
    "Scale": ScaleParameters,
    "UpdateResources": UpdateParameters,
}


def columns(**types: str) -> dict[str, ColumnSpec]:
    """Return columns; a type ending in `?` is nullable."""
    return {
        name: ColumnSpec(name, kind.rstrip("?"), nullable=kind.endswith("?"))
        for name, kind in types.items()
    }


MEMORY = columns(
    namespace="keyword",
    oom_kills="long",
    memory_pct="double?",
    ratio="double",
    reason="keyword?",
    stable="boolean",
    last_seen="date",
    last_restart="date?",
)
AUDITS: dict[str, Mapping[str, ColumnSpec]] = {
    "container-memory": MEMORY,
    "replica-gap": columns(namespace="keyword", gap="long", available="long"),
}


def policy_text(name: str = "p", **spec: str) -> str:
    """Return a policy file; each keyword replaces a line of the spec (`""` removes it)."""
    lines = {
        "audit": "{name: container-memory, severities: [critical]}",
        "steps": "[{name: restart, action: {type: Restart}}]",
        "cooldown": "0s",
        "limits": "{maxPerHour: 1000, maxTargetsPercent: 100}",
        **spec,
    }
    body = "\n".join(f"  {key}: {value}" for key, value in lines.items() if value)
    return (
        "apiVersion: remedyd.io/v1alpha1\nkind: RemediationPolicy\n"
        f"metadata: {{name: {name}}}\nspec:\n{body}\n"
    )


def policies(*texts: str) -> PolicySet:
    """Load policies from texts."""
    return parse_policies("---\n".join(texts), "p.yaml", audits=AUDITS, actions=ACTIONS)


def row(
    name: str = "cart",
    *,
    severity: Severity = Severity.CRITICAL,
    namespace: str = "shop",
    container: str = "app",
    kind: str = "Deployment",
    audit: str = "container-memory",
    **values: Cell,
) -> AuditRow:
    """Return a row; the columns that are not given have unsuspicious values."""
    usual: dict[str, Any] = {
        "namespace": namespace,
        "oom_kills": 0,
        "memory_pct": None,
        "ratio": 0.5,
        "reason": None,
        "stable": True,
        "last_seen": NOW,
        "last_restart": None,
    }
    target = Target("", namespace, kind, name, container)
    return AuditRow(audit, target, severity, {**usual, **values})


def result(
    *rows: AuditRow,
    at: datetime = NOW,
    audit: str = "container-memory",
    outcome: AuditOutcome = AuditOutcome.OK,
    detail: str = "",
    aside: tuple[AuditRow, ...] = (),
) -> AuditResult:
    """Return the result of a run whose window ends `at`."""
    window = Window(at - timedelta(minutes=10), at)
    kept = rows if outcome is AuditOutcome.OK else ()
    late = tuple(SetAside(row, "Stale", "the newest sample is too old") for row in aside)
    return AuditResult(audit, outcome, window, kept, detail=detail, set_aside=late)
