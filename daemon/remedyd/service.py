"""The application service: every way in (REST, /manage, CLI, agents) calls these operations.

Scopes are checked here, once, so that no face can forget to. A face only translates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from remedyd.actions.planner import Planner
from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.errors import Conflict, Forbidden, NotFound, Refused
from remedyd.loop import Loop
from remedyd.model import (
    ActionRequest,
    AuditResult,
    Digest,
    Event,
    Plan,
    Principal,
    Proposal,
    ProposalId,
    Scope,
    State,
    Target,
)
from remedyd.proposals.gate import Gate
from remedyd.proposals.query import Page, ProposalFilter
from remedyd.proposals.store import Store


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether the daemon can do its work, and why not."""

    ready: bool
    reasons: tuple[str, ...]


class Service:
    """What can be asked of a running daemon; each operation names the principal that asks."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        loop: Loop,
        planner: Planner,
        runner: AuditRunner,
        audits: Mapping[str, AuditDefinition],
        readiness: Callable[[], Sequence[str]],
        wake: Callable[[ProposalId], None],
        run_now: Callable[[str], bool],
    ) -> None:
        """Take the rooms it speaks for; `wake` has the loop look at a proposal soon."""
        self._store = store
        self._gate = gate
        self._loop = loop
        self._planner = planner
        self._runner = runner
        self._audits = audits
        self._readiness = readiness
        self._wake = wake
        self._run_now = run_now

    def proposals(self, principal: Principal, wanted: ProposalFilter) -> Page:
        """Return a page of proposals, newest first, within the principal's namespaces."""
        _require(principal, Scope.VIEWER)
        if principal.namespaces is not None:
            wanted = wanted.within(principal.namespaces)
        return self._store.list(wanted)

    def proposal(self, principal: Principal, proposal_id: ProposalId) -> Proposal:
        """Return one proposal; raise NotFound where the principal may not see it."""
        _require(principal, Scope.VIEWER)
        proposal = self._store.get(proposal_id)
        if not principal.may(Scope.VIEWER, proposal.plan.target.namespace):
            raise NotFound(f"no proposal {proposal_id}")
        return proposal

    def events(self, principal: Principal, proposal_id: ProposalId) -> Sequence[Event]:
        """Return the history of one proposal, oldest first."""
        self.proposal(principal, proposal_id)
        return self._store.events(proposal_id)

    def approve(
        self, principal: Principal, proposal_id: ProposalId, digest: Digest, comment: str = ""
    ) -> Proposal:
        """Let the proposal with exactly this digest through; the loop applies it at once."""
        proposal = self.proposal(principal, proposal_id)
        _require(principal, Scope.APPROVER, proposal.plan.target.namespace)
        approved = self._gate.approve(proposal_id, digest, principal, comment)
        self._wake(proposal_id)
        return approved

    def reject(self, principal: Principal, proposal_id: ProposalId, reason: str = "") -> Proposal:
        """End the proposal; a proposer may do this too."""
        proposal = self.proposal(principal, proposal_id)
        _require(principal, Scope.PROPOSER, proposal.plan.target.namespace)
        return self._gate.reject(proposal_id, principal, reason)

    def audits(self, principal: Principal) -> Sequence[AuditDefinition]:
        """Return the loaded audits by name."""
        _require(principal, Scope.VIEWER)
        return [self._audits[name] for name in sorted(self._audits)]

    def run_audit(self, principal: Principal, name: str) -> AuditResult:
        """Run an audit now, for its rows; raise NotFound for an unknown one.

        The scheduled run, with its decisions, is brought forward as well.
        """
        _require(principal, Scope.PROPOSER)
        if name not in self._audits:
            known = ", ".join(sorted(self._audits))
            raise NotFound(f"no audit {name!r}", hint=f"known audits: {known}")
        result = self._runner.run(self._audits[name])
        self._run_now(name)
        if principal.namespaces is None:
            return result
        rows = tuple(r for r in result.rows if r.target.namespace in principal.namespaces)
        return replace(result, rows=rows, table=None)

    def status(self, principal: Principal, target: Target) -> Plan:
        """Read a workload; the plan writes nothing and its consequence says how it stands."""
        _require(principal, Scope.VIEWER, target.namespace)
        return self._planner.plan(target, ActionRequest("Status"))

    def request(
        self, principal: Principal, target: Target, action: ActionRequest, comment: str = ""
    ) -> Proposal:
        """Plan and propose a typed action that a principal asks for."""
        _require(principal, Scope.PROPOSER, target.namespace)
        plan = self._planner.plan(target, action)
        if plan.blocked:
            block = plan.blocked[0]
            raise Refused(block.name, block.evidence, hint=block.next_step)
        return self._gate.request(plan, principal, comment)

    def apply_now(self, principal: Principal, proposal: Proposal, comment: str = "") -> Proposal:
        """Approve and apply in one call, for an approver who asked for the change.

        Returns the proposal once the write is done; verification goes on in the background.
        Raises Conflict or Refused with the proposal's own words when nothing was written.
        """
        _require(principal, Scope.APPROVER, proposal.plan.target.namespace)
        self._gate.approve(proposal.id, proposal.digest, principal, comment)
        moved = self._loop.advance(proposal.id) or self._store.get(proposal.id)
        if moved.state in (State.STALE, State.EXPIRED):
            raise Conflict(moved.reason or f"proposal {moved.id} is {moved.state}")
        if moved.state is State.FAILED:
            raise Refused("ApplyFailed", moved.reason or "the write was refused")
        return moved

    def readiness(self) -> Ready:
        """Return whether audits and writes can run, with every reason why not."""
        reasons = tuple(self._readiness())
        return Ready(not reasons, reasons)


def _require(principal: Principal, scope: Scope, namespace: str | None = None) -> None:
    if not principal.may(scope, namespace):
        where = f" in namespace {namespace}" if namespace else ""
        raise Forbidden(
            f"{principal.name} lacks the scope {scope.value}{where}",
            hint="use a token that has this scope",
        )
