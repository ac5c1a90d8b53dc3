"""Whole daemons without ports: the real store, gate, guard, door and loop over a fake cluster.

Replaced are the audits (rows are what a test says) and the planner (a raise of the memory limit,
computed from the live object). Several daemons may share a store and a cluster.
"""

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from remedyd.audits.runner import AuditRunner
from remedyd.cluster import fields
from remedyd.cluster.door import ClusterDoor, RecordingDoor
from remedyd.leading import Leading
from remedyd.loop import Loop
from remedyd.model import (
    ActionRequest,
    AuditOutcome,
    AuditResult,
    AuditRow,
    Decision,
    FieldChange,
    KubeObject,
    ManualClock,
    Patch,
    Plan,
    Precheck,
    Principal,
    Proposal,
    ProposalId,
    Severity,
    State,
    SystemClock,
    Target,
    Window,
)
from remedyd.observability.alerts import Alert, Alerts
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails import Guardrails
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from remedyd.stages.apply import Apply, AwaitRollout, StartApply
from remedyd.stages.cycle import Cycle
from remedyd.stages.guard import Guard
from remedyd.stages.inforce import InForce
from remedyd.stages.lookback import LookBack
from remedyd.stages.moves import Moves
from remedyd.stages.propose import AutoApprove, Propose
from remedyd.stages.prove import Prove
from remedyd.stages.quarantine import SetAside
from remedyd.stages.review import Review
from remedyd.stages.settle import Rollback, StartRollback
from remedyd.stages.timekeeping import Timekeeping
from support.fakecluster import MEMORY, FakeCluster, roll_out
from support.postgres import memory
from support.proposals import a_decision, a_row

AUDIT: Any = SimpleNamespace(
    lag=timedelta(minutes=1),
    interval=timedelta(minutes=5),
    outline=SimpleNamespace(parameters=("namespace",)),
)


class RaisingPlanner:
    """Plans to raise the memory limit by half; `prechecks` are what the door is told."""

    def __init__(self, cluster: FakeCluster) -> None:
        """Take the cluster to read."""
        self._cluster = cluster
        self.prechecks: tuple[Precheck, ...] = ()

    def plan(self, target: Target, request: ActionRequest, row: AuditRow | None = None) -> Plan:
        """Return the plan, as accepted by a dry run."""
        live = self._cluster.get(target.kind, target.namespace, target.name)
        old = str(fields.lookup(live, MEMORY))
        new = str(request.params.get("to") or f"{int(old.removesuffix('Mi')) * 3 // 2}Mi")
        changes = (FieldChange(MEMORY, old, new),)
        patch = Patch(fields.patch_body(changes))
        undo = Patch(fields.patch_body(changes, undo=True))
        self._cluster.patch(target.kind, target.namespace, target.name, patch.body, dry_run=True)
        return Plan(
            target=target.with_uid(live["metadata"]["uid"]),
            action="UpdateResources",
            params=dict(request.params),
            changes=changes,
            patch=patch,
            undo=undo,
            diff="",
            consequence="",
            resource_version=live["metadata"]["resourceVersion"],
            prechecks=self.prechecks,
            dry_run="accepted",
        )

    def recheck(self, plan: Plan, live: KubeObject) -> Sequence[Precheck]:
        """Return what a test says."""
        return self.prechecks


@dataclass
class Telemetry:
    """What the audits see: workloads are healthy unless graded otherwise; None gives no data."""

    cluster: FakeCluster
    grades: dict[str, Severity | None] = field(default_factory=dict)
    later: dict[str, tuple[datetime, Severity]] = field(default_factory=dict)
    """Grades of windows that end after a moment."""

    def run(
        self,
        definition: Any,
        *,
        params: Mapping[str, Any] | None = None,
        window: Window | None = None,
        scope: Target | None = None,
    ) -> AuditResult:
        """Return fresh rows about the scope, or about every graded workload."""
        assert window is not None
        known = [name for kind, _, name in self.cluster.objects if kind == "Deployment"]
        names = [scope.name] if scope else known
        rows = []
        for name in names:
            grade = self.grades.get(name, Severity.HEALTHY)
            if name in self.later and window.end > self.later[name][0]:
                grade = self.later[name][1]
            if grade is not None:
                target = Target("prod", "shop", "Deployment", name, "app")
                rows.append(
                    replace(a_row(target), severity=grade, samples=20, last_seen=window.end)
                )
        return _result(rows, window)


def _result(rows: list[AuditRow], window: Window) -> AuditResult:
    outcome = AuditOutcome.OK if rows else AuditOutcome.NO_DATA
    return AuditResult("container-memory", outcome, window, tuple(rows))


@cache
def _blank() -> bytes:
    """Return a migrated, empty database: migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory(prefix="remedyd-", dir=memory()) as home:
        path = Path(home) / "blank.db"
        store = Store(f"sqlite:///{path}", SystemClock())
        store.migrate()
        store.close()
        return path.read_bytes()


class Daemon:
    """One daemon; `loop`, `gate`, `guard`, `door` and `store` are the real ones."""

    def __init__(
        self,
        home: Path,
        cluster: FakeCluster,
        clock: ManualClock,
        *,
        ids: Callable[[], ProposalId] | None = None,
        telemetry: Telemetry | None = None,
        guardrails: Guardrails | None = None,
        dry_run: bool = False,
        store: Store | None = None,
        leading: Leading | None = None,
        writing: Any = None,
        chores: bool = True,
        ahead: Callable[[], timedelta | None] = lambda: None,
        in_force: InForce | None = None,
    ) -> None:
        """Take a directory with (or for) the store, and the world; `store` is one in use.

        `leading` is of one among several; `writing` is what the door writes to, if another.
        Without `chores` nothing is set aside. `ahead` is how far its clock is ahead of the
        API server's.
        """
        self._chores = chores
        self.leading = leading or Leading()
        numbers = count(1)
        self.ids = ids or (lambda: ProposalId(f"p{next(numbers)}"))
        self.clock = clock
        self.cluster = cluster
        self.telemetry = telemetry or Telemetry(cluster)
        self.guardrails = guardrails or Guardrails()
        self.metrics = Metrics()
        self.told: list[Alert] = []
        path = home / "remedyd.db"
        if store is None and not path.exists():
            path.write_bytes(_blank())
        self.store = store or Store(f"sqlite:///{path}", clock)
        self.planner = RaisingPlanner(cluster)
        alerts = Alerts(self.metrics, [self.told.append])
        self.lookback = LookBack(cluster, self.store, clock, self.ids, alerts, self.metrics)
        self.timekeeping = Timekeeping(SystemClock(), ahead, self.metrics)
        self.guard = Guard(
            self.store,
            cluster,
            clock,
            self.guardrails,
            self.metrics,
            dry_run=dry_run,
            lookback=self.lookback.check,
            timekeeping=self.timekeeping,
            in_force=in_force,
        )
        planner = cast("Any", self.planner)
        review = Review(self.guard, cluster, planner)
        self.gate = Gate(self.store, clock, self.ids, review=review)
        kind = RecordingDoor if dry_run else ClusterDoor
        self.door = kind(
            writing or cluster,
            clock,
            partial(self.leading.fence, partial(self.guard.fence, self.gate)),
            undo_fence=partial(self.leading.fence, partial(self.guard.undo_fence, self.gate)),
            recheck=self.planner.recheck,
            sleep=lambda _: None,
        )
        self.proposing = Propose(planner, self.gate, self.metrics, threading.Lock(), self.guard)
        self.loop = self._loop()

    def _loop(self) -> Loop:
        alerts = Alerts(self.metrics, [self.told.append])
        moves = Moves(self.store, self.metrics, alerts)
        undo = StartRollback(moves)
        prove = Prove(
            cast("AuditRunner", self.telemetry),
            {"container-memory": AUDIT},
            moves,
            self.clock,
            self.lookback,
            self.store.open_at,
        )
        steps = {
            State.APPROVED: StartApply(moves, self.clock, timedelta(minutes=15)),
            State.APPLYING: Apply(self.door, moves, self.clock, timedelta(minutes=15)),
            State.APPLIED: AwaitRollout(
                self.cluster, moves, self.clock, self.lookback, self.timekeeping.settled
            ),
            State.VERIFYING: prove,
            State.INEFFECTIVE: undo,
            State.HARMFUL: undo,
            State.ROLLING_BACK: Rollback(self.door, self.cluster, moves, self.clock),
        }
        aside = SetAside(self.store, self.clock, self.ids, self.guardrails, alerts)
        return Loop(
            stages=(),
            steps=steps,
            store=self.store,
            gate=self.gate,
            clock=self.clock,
            metrics=self.metrics,
            chores=(aside,) if self._chores else (),
            leads=self.leading,
        )

    def propose(self, name: str, **changes: Any) -> Proposal | None:
        """Put a policy's decision about a Deployment through planning, guardrails and gate."""
        target = Target("prod", "shop", "Deployment", name, "app")
        decision: Decision = a_decision(target, **changes)
        cycle = Cycle("container-memory", self.clock.now(), decisions=(decision,))
        cycle = AutoApprove(self.gate).run(self.proposing.run(cycle))
        return cycle.proposals[0] if cycle.proposals else None

    def approve(self, proposal: Proposal, by: Principal) -> Proposal:
        """Approve exactly what is given."""
        return self.gate.approve(proposal.id, proposal.digest, by)

    def settle(self, proposal: ProposalId, *, minutes: int = 60) -> Proposal:
        """Let time pass, rollouts complete and the loop tick."""
        for _ in range(minutes // 5):
            self.finish_rollouts()
            self.loop.tick()
            self.clock.advance(timedelta(minutes=5))
        return self.store.get(proposal)

    def finish_rollouts(self) -> None:
        """Let the controllers do their work."""
        for (kind, _, _), obj in self.cluster.objects.items():
            if kind == "Deployment":
                roll_out(obj)

    def close(self) -> None:
        """Close the store."""
        self.store.close()
