"""A broken workload in a cluster without ports, judged by the policies that are shipped.

What is real: the audits' columns, policies, `decide()`, guardrails, planner and prechecks. What is
told: the rows that the audits would give, and the objects in the cluster.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from remedyd.actions.planner import Planner
from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.errors import RemedydError
from remedyd.model import (
    ActionRequest,
    AuditOutcome,
    AuditResult,
    AuditRow,
    Decision,
    DecisionKind,
    DecisionState,
    KubeObject,
    ManualClock,
    Plan,
    Severity,
    Target,
    Window,
)
from remedyd.policy.decide import decide
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.loader import load_policies
from remedyd.policy.policy import PolicySet
from support.fakecluster import FakeCluster, cluster, deployment, roll_out

ROOT = Path(__file__).parents[2]
START = datetime.fromisoformat("2026-11-05T12:00:00+00:00")
MEBI = 2**20
_ZEROS: dict[str, Any] = {"long": 0, "integer": 0, "double": 0.0, "boolean": False, "keyword": ""}


@cache
def audits() -> Any:
    """Return the audits that are shipped."""
    return load_audits([ROOT / "esql"])


@cache
def shipped() -> PolicySet:
    """Return the policies that are shipped."""
    return load_policies([ROOT / "policies"], audits=audits().specs, actions=SCHEMAS)


def row(
    audit: str,
    name: str,
    severity: Severity = Severity.CRITICAL,
    *,
    kind: str = "Deployment",
    namespace: str = "shop",
    container: str = "app",
    **values: Any,
) -> AuditRow:
    """Return a row of a shipped audit; columns that are not given are null or nothing."""
    specs = audits().specs[audit]
    assert set(values) <= set(specs), set(values) - set(specs)
    usual = {
        column: None if spec.nullable else _ZEROS.get(spec.type, START)
        for column, spec in specs.items()
    }
    target = Target("", namespace, kind, name, container if "container" in specs else "")
    return AuditRow(audit, target, severity, {**usual, **values}, samples=20)


def oom(name: str, *, limit: int | None = 256, kills: int = 6, **values: Any) -> AuditRow:
    """Return the row of a workload whose two pods are killed at a limit of so many MiB."""
    limit_bytes = None if limit is None else limit * MEBI
    told: dict[str, Any] = {"oom_kills": kills, "oom_pods": 2, "restarts": kills, "pods": 2}
    return row("container-memory", name, **(told | {"memory_limit_bytes": limit_bytes} | values))


def crash(name: str, reason: str = "Error", **values: Any) -> AuditRow:
    """Return the row of a workload whose two pods crash."""
    told: dict[str, Any] = {"restarts": 10, "pods_affected": 2, "pods": 2}
    return row("container-restarts", name, **(told | {"last_terminated_reason": reason} | values))


def gap(name: str, *, desired: int = 2, available: int = 1, **values: Any) -> AuditRow:
    """Return the row of a workload that lacks pods, through the whole window."""
    told: dict[str, Any] = {
        "gap": max(0, desired - available),
        "desired": desired,
        "available": available,
        "revisions": 1,
        "stable": True,
        "whole_window": True,
    }
    return row("replica-gap", name, Severity.WARNING, **(told | values))


@dataclass
class Scene:
    """A cluster and what was made of the rows: plans that could be approved, and refusals."""

    cluster: FakeCluster
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    state: DecisionState = field(default_factory=DecisionState)
    guardrails: Guardrails = field(default_factory=Guardrails)
    decisions: list[Decision] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def writes(self) -> list[tuple[str, str]]:
        """(action, workload) of every plan that would write something if it were approved."""
        return [(p.action, p.target.name) for p in self.plans if p.patch is not None]

    @property
    def reasons(self) -> set[str]:
        """Why rows were not proposed."""
        return {d.reason for d in self.decisions if d.kind is not DecisionKind.PROPOSE}

    def watch(self, *rows: AuditRow, cycles: int = 6, others: int = 20) -> "Scene":
        """Run the audits every minute with these rows, among `others` that are well.

        Every decision is planned; nothing is approved, so a workload is proposed once.
        """
        for _ in range(cycles):
            self.clock.advance(timedelta(minutes=1))
            self._cycle(rows, others)
        return self

    def _cycle(self, rows: Sequence[AuditRow], others: int) -> None:
        now = self.clock.now()
        found = list(_results(rows, others, now))
        decided = decide(found, self.state, now, shipped(), self.guardrails)
        self.state = decided.state
        self.decisions += decided.decisions
        for decision in decided.decisions:
            if decision.kind is DecisionKind.PROPOSE:
                self.plan(decision.target, decision.action, decision.row)
                self.state.open[decision.target.workload] = "p1"

    def plan(
        self, target: Target, request: ActionRequest | None, row: AuditRow | None = None
    ) -> Plan | None:
        """Plan against the cluster; note the plan, or why there is none that could be approved."""
        assert request is not None
        try:
            plan = Planner(self.cluster, self.clock).plan(target, request, row)
        except RemedydError as error:
            self.refusals.append(getattr(error, "reason", "") or type(error).__name__)
            return None
        if plan.blocked:
            self.refusals += [check.name for check in plan.blocked]
            return None
        self.plans.append(plan)
        return plan


def _results(rows: Sequence[AuditRow], others: int, now: datetime) -> Iterable[AuditResult]:
    window = Window(now - timedelta(minutes=10), now)
    for audit in sorted({one.audit for one in rows}):
        sick = [fresh(one, now) for one in rows if one.audit == audit]
        well = [row(audit, f"well-{n}", Severity.HEALTHY) for n in range(others)]
        yield AuditResult(audit, AuditOutcome.OK, window, (*sick, *well))


def fresh(one: AuditRow, now: datetime) -> AuditRow:
    """Return the row as measured just now."""
    values = {**one.values, "last_seen": now}
    return AuditRow(one.audit, one.target, one.severity, values, one.samples, now)


def scene(*objects: KubeObject, memory: str = "256Mi", nodes: str = "8Gi") -> Scene:
    """Return a namespace `shop` with these objects, `web` if there are none, and one node."""
    made = cluster()
    node = made.objects[("Node", "", "worker-1")]
    node["spec"] = {}
    node["status"] |= {"allocatable": {"memory": nodes, "cpu": "4"}}
    for obj in objects or (deployment("web", memory),):
        if obj["kind"] == "Deployment":
            roll_out(obj)
        made.add(obj)
    return Scene(made)
