"""Asks the guardrails, with what store and cluster say at this very moment.

The rules are pure and live in `policy.guardrails`; here is only what they look at. The same
question is asked when planning, when approving and at the door, so that a change that was let
through an hour ago is stopped when something has come up since. The price is a few reads per
write: the workload, its namespace, and for policies' changes the nodes and the neighbours.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from remedyd.cluster.client import Reader
from remedyd.cluster.kinds import WORKLOADS
from remedyd.cluster.lately import Lately
from remedyd.cluster.nodes import readiness
from remedyd.cluster.ports import count
from remedyd.errors import Refused
from remedyd.model import (
    AUTO,
    Clock,
    Decision,
    Mode,
    Nodes,
    Plan,
    Principal,
    Proposal,
    ProposalId,
    Target,
    strictest,
)
from remedyd.observability import logs
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails import Guardrails, Objection, Snapshot, ceiling, objection
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from remedyd.stages.inforce import InForce
from remedyd.stages.timekeeping import Timekeeping

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far a change may go at a target, and who says so."""

    mode: Mode
    said: str


class Guard:
    """Answers for one cluster and one store; safe to share between threads."""

    def __init__(
        self,
        store: Store,
        cluster: Reader,
        clock: Clock,
        guardrails: Guardrails,
        metrics: Metrics,
        *,
        dry_run: bool = False,
        lookback: Callable[[Plan], None] = lambda _: None,
        lately: Lately | None = None,
        timekeeping: Timekeeping | None = None,
        in_force: InForce | None = None,
    ) -> None:
        """Take what is asked; with `dry_run` nothing goes further than DryRun, anywhere.

        Plans may be judged by nodes as `lately` knows them, approvals and writes by live ones only.
        `lookback` raises Refused for a policy's plan that repeats what somebody reverted;
        `timekeeping` says whether our clock is to be believed, `in_force` whether the policies
        still are those that asked.
        """
        self._store = store
        self._cluster = cluster
        self._clock = clock
        self._guardrails = guardrails
        self._metrics = metrics
        self._top = Mode.DRY_RUN if dry_run else Mode.AUTO
        self._lookback = lookback
        self._lately = lately
        self._timekeeping = timekeeping
        self._in_force = in_force

    def ceiling(self, target: Target) -> Ceiling:
        """Return how far the daemon's setting and the annotations let a change go.

        Raises what reading the workload and its namespace raises: not knowing is no.
        """
        workload = self._cluster.get(target.kind, target.namespace, target.name)
        namespace = self._cluster.get("Namespace", "", target.namespace)
        mode, said = ceiling(workload, namespace)
        if self._top.stricter_than(mode):
            return Ceiling(self._top, "the daemon runs in dry run")
        return Ceiling(mode, said)

    def lowered(self, decision: Decision) -> Decision:
        """Return the decision with the stricter of its own mode and the ceiling; raise Refused."""
        top = self.ceiling(decision.target)
        if top.mode is Mode.DISABLED:
            self._refuse("plan", self._ask(self._about(decision.target), top))
        return replace(decision, mode=strictest(decision.mode, top.mode))

    def check_plan(self, decision: Decision, plan: Plan) -> None:
        """Raise Refused if a guardrail stands against what a decision came to."""
        lately = self._lately
        seen = self._seen(plan.target, lately.readiness if lately else self._readiness)
        about = replace(
            self._about(plan.target, plan),
            mode=decision.mode,
            climbing=bool(decision.after),
            **seen,
        )
        self._refuse("plan", self._ask(about))
        self._lookback(plan)

    def check_request(self, plan: Plan) -> Mode:
        """Return the mode in which a principal's request may be proposed; raise Refused."""
        top = self.ceiling(plan.target)
        mode = strictest(Mode.PROPOSE, top.mode)
        about = replace(self._about(plan.target, plan), requested=True, mode=mode)
        self._refuse("plan", self._ask(about, top))
        return mode

    def check_approval(self, proposal: Proposal, principal: Principal) -> None:
        """Raise Refused if a guardrail stands against the proposal as it is being approved."""
        if self._in_force is not None:
            self._in_force.check_approval(proposal)
        auto = principal.name == AUTO.name
        self._refuse("approval", self._ask(*self._of(proposal, auto=auto)))

    def fence(self, gate: Gate, key: str) -> None:
        """Raise Refused unless every guardrail and the gate allow the write at this moment, Stale
        where the policy is another by now.

        The cluster is read first and the store last, so that a pause counts up to the very end.
        """
        proposal = self._store.get(ProposalId(key))
        if self._in_force is not None:
            self._in_force.check_write(proposal)
        approval = proposal.approval
        auto = approval is not None and approval.principal.name == AUTO.name
        self._refuse("write", self._ask(*self._of(proposal, auto=auto)))
        gate.fence(key)

    def undo_fence(self, gate: Gate, key: str) -> None:
        """Raise Refused unless taking the change back is allowed at this moment."""
        proposal = self._store.get(ProposalId(key))
        target = proposal.plan.target
        top = self.ceiling(target)
        about = replace(self._about(target), proposal=key, undo=True)
        self._refuse("undo", self._ask(about, top))
        gate.authorised(key)
        if not self._guardrails.undo_while_paused:
            gate.check_pause()

    def _of(self, proposal: Proposal, *, auto: bool) -> tuple[Snapshot, Ceiling]:
        """Look at the cluster, then at the store."""
        target, requested = proposal.plan.target, proposal.source == "request"
        top = self.ceiling(target)
        seen = {} if requested else self._seen(target, self._readiness)
        about = replace(
            self._about(target, proposal.plan),
            proposal=proposal.id,
            requested=requested,
            climbing=bool(proposal.after),
            mode=Mode.AUTO if auto else Mode.PROPOSE,
            **seen,
        )
        return about, top

    def _about(self, target: Target, plan: Plan | None = None) -> Snapshot:
        now = self._clock.now()
        state = self._store.circumstances(now, target.workload)
        found = Snapshot(now, target, state, self._guardrails, plan=plan)
        if (kept := self._timekeeping) is None:
            return found
        return replace(found, clock=kept.wrong(), clock_set=kept.unsettled())

    def _readiness(self) -> Nodes:
        return readiness(self._cluster)

    def _seen(self, target: Target, nodes: Callable[[], Nodes]) -> dict[str, Any]:
        """Return what only the cluster knows: its nodes, workloads that there are."""
        kinds = sorted(WORKLOADS)
        return {
            "nodes": nodes(),
            "workloads": sum(count(self._cluster, kind, target.namespace) for kind in kinds),
        }

    def _ask(self, about: Snapshot, top: Ceiling | None = None) -> Objection | None:
        if top is not None:
            about = replace(about, ceiling=top.mode, said=top.said)
        return objection(about)

    def _refuse(self, when: str, found: Objection | None) -> None:
        if found is None:
            return
        self._metrics.guardrails.labels(when, found.reason.value).inc()
        raise Refused(found.reason.value, found.detail, hint=found.hint)
