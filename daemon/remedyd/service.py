"""The application service: every way in (REST, /manage, CLI, agents) calls these operations.

Scopes are checked here, once, so that no face can forget to. A face only translates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from remedyd.actions.planner import Planner
from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.errors import (
    Conflict,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    Refused,
    RemedydError,
    StoreError,
)
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
from remedyd.observability import traces
from remedyd.observability.alerts import Alerts
from remedyd.policy.policy import Policy, PolicySet
from remedyd.proposals.answers import Answer
from remedyd.proposals.attempts import Attempts
from remedyd.proposals.gate import Gate
from remedyd.proposals.notices import Listener
from remedyd.proposals.query import Page, ProposalFilter
from remedyd.proposals.refusals import Refusal
from remedyd.proposals.signouts import SignOuts
from remedyd.proposals.store import Store, absent
from remedyd.proposals.trail import Entry, TrailFilter
from remedyd.stages.controls import Controls
from remedyd.stages.guard import Guard
from remedyd.stages.pace import Pace
from remedyd.stages.propose import tell
from remedyd.stages.recent import Judged, Recent
from remedyd.stages.signals import Signal, Signals

_PATIENCE_SECONDS = 30.0
"""How long a caller waits for a write that another thread is at."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether the daemon can do its work, and why not."""

    ready: bool
    reasons: tuple[str, ...]
    notices: tuple[str, ...] = ()
    """What an operator should know although work goes on."""


@dataclass(frozen=True, slots=True)
class Workload:
    """How a workload stands, and its proposals, newest first."""

    status: Plan
    history: tuple[Proposal, ...]


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
        policies: Callable[[], PolicySet],
        recent: Recent,
        guard: Guard,
        controls: Controls,
        attempts: Attempts,
        readiness: Callable[[], Sequence[str]],
        notices: Callable[[], Sequence[str]],
        wake: Callable[[ProposalId], None],
        run_now: Callable[[str], bool],
        signals: Signals,
        alerts: Alerts,
        pace: Pace,
    ) -> None:
        """Take the rooms it speaks for; `wake` has the loop look at a proposal soon."""
        self._store = store
        self._gate = gate
        self._loop = loop
        self._planner = planner
        self._runner = runner
        self._audits = audits
        self._policies = policies
        self._recent = recent
        self._guard = guard
        self.controls = controls
        """Pause and resume; quarantines and storms."""
        self._attempts = attempts
        self._readiness = readiness
        self._notices = notices
        self._wake = wake
        self._run_now = run_now
        self._signals = signals
        self._alerts = alerts
        self._pace = pace

    def proposals(self, principal: Principal, wanted: ProposalFilter) -> Page:
        """Return a page of proposals, newest first, within the principal's namespaces."""
        _require(principal, Scope.VIEWER)
        if (reach := principal.reach) is not None:
            wanted = wanted.within(reach)
        return self._store.list(wanted)

    def proposal(self, principal: Principal, proposal_id: ProposalId) -> Proposal:
        """Return one proposal; raise NotFound where the principal may not see it."""
        _require(principal, Scope.VIEWER)
        proposal = self._store.get(proposal_id)
        if not principal.may(Scope.VIEWER, proposal.plan.target.namespace):
            raise absent(proposal_id)
        return proposal

    def events(self, principal: Principal, proposal_id: ProposalId) -> Sequence[Event]:
        """Return the history of one proposal, oldest first."""
        self.proposal(principal, proposal_id)
        return self._store.events(proposal_id)

    def signal(self, principal: Principal, proposal_id: ProposalId) -> Signal:
        """Return the audited numbers of its target before and after, for the eye."""
        return self._signals.of(self.proposal(principal, proposal_id))

    def approve(
        self,
        principal: Principal,
        proposal_id: ProposalId,
        digest: Digest,
        comment: str = "",
        *,
        execution_url: str = "",
    ) -> Proposal:
        """Let the proposal with exactly this digest through; the loop applies it at once."""
        with self._attempts.watch(principal, "approve", proposal_id):
            proposal = self.proposal(principal, proposal_id)
            _require(principal, Scope.APPROVER, proposal.plan.target.namespace)
            with self._pace.approving(proposal_id):
                approved = self._gate.approve(
                    proposal_id, digest, principal, comment, execution_url=execution_url
                )
        self._wake(proposal_id)
        return approved

    def reject(self, principal: Principal, proposal_id: ProposalId, reason: str = "") -> Proposal:
        """End the proposal; a proposer may do this too."""
        with self._attempts.watch(principal, "reject", proposal_id):
            proposal = self.proposal(principal, proposal_id)
            _require(principal, Scope.PROPOSER, proposal.plan.target.namespace)
            return self._gate.reject(proposal_id, principal, reason)

    def rollback(self, principal: Principal, proposal_id: ProposalId, reason: str = "") -> Proposal:
        """Have an applied change taken back, where it still is ours; the loop does it at once."""
        with self._attempts.watch(principal, "rollback", proposal_id):
            proposal = self.proposal(principal, proposal_id)
            _require(principal, Scope.APPROVER, proposal.plan.target.namespace)
            started = self._gate.rollback(proposal_id, principal, reason)
        self._wake(proposal_id)
        return started

    def audits(self, principal: Principal) -> Sequence[AuditDefinition]:
        """Return the loaded audits by name."""
        _require(principal, Scope.VIEWER)
        return [self._audits[name] for name in sorted(self._audits)]

    def audit(self, principal: Principal, name: str) -> tuple[AuditDefinition, AuditResult | None]:
        """Return an audit with its last scheduled result, within the principal's namespaces."""
        _require(principal, Scope.VIEWER)
        found, last = self._audit(name), self._recent.result(name)
        return found, None if last is None else _within(last, principal)

    def run_audit(self, principal: Principal, name: str) -> AuditResult:
        """Run an audit now, for its rows; raise NotFound for an unknown one.

        The scheduled run, with its decisions, is brought forward as well.
        """
        with self._attempts.watch(principal, "run audit"):
            _require(principal, Scope.PROPOSER)
        result = self._runner.run(self._audit(name))
        self._run_now(name)
        return _within(result, principal)

    def _audit(self, name: str) -> AuditDefinition:
        if name not in self._audits:
            known = ", ".join(sorted(self._audits))
            raise NotFound(f"no audit {name!r}", hint=f"known audits: {known}")
        return self._audits[name]

    def policies(self, principal: Principal) -> Sequence[tuple[Policy, Judged | None]]:
        """Return the policies in force with what they decided last, in the caller's namespaces."""
        _require(principal, Scope.VIEWER)
        return [self._policy(principal, policy) for policy in self._policies().values()]

    def policy(self, principal: Principal, name: str) -> tuple[Policy, Judged | None]:
        """Return one policy with what it decided last; raise NotFound."""
        _require(principal, Scope.VIEWER)
        return self._policy(principal, self._policies().find(name))

    def _policy(self, principal: Principal, policy: Policy) -> tuple[Policy, Judged | None]:
        judged = self._recent.judged(policy.name)
        if judged is not None and principal.reach is not None:
            seen = tuple(
                d for d in judged.decisions if principal.may(Scope.VIEWER, d.target.namespace)
            )
            judged = replace(judged, decisions=seen)
        return policy, judged

    def workload(self, principal: Principal, target: Target, limit: int = 20) -> Workload:
        """Read a workload and its proposals; raise NotFound where there is no such object."""
        status = self.status(principal, target)
        page = self._store.list(ProposalFilter(workload=target.workload, limit=limit))
        return Workload(status, page.items)

    def trail(self, principal: Principal, wanted: TrailFilter) -> tuple[Entry, ...]:
        """Return events of all proposals within the principal's namespaces."""
        _require(principal, Scope.VIEWER)
        if (reach := principal.reach) is not None:
            wanted = wanted.within(reach)
        return self._store.trail.read(wanted)

    def last_position(self, principal: Principal) -> int:
        """Return where the trail ends now."""
        _require(principal, Scope.VIEWER)
        return self._store.trail.last()

    def refusals(
        self,
        principal: Principal,
        *,
        proposal: str = "",
        who: str = "",
        before: int = 0,
        limit: int = 100,
    ) -> tuple[Refusal, ...]:
        """Return what was tried and refused in the principal's namespaces, newest first."""
        _require(principal, Scope.VIEWER)
        return self._store.refusals.read(
            proposal=proposal,
            principal=who,
            namespaces=principal.reach,
            before=before,
            limit=limit,
        )

    def listen(self, told: Listener) -> Callable[[], None]:
        """Call `told` after each move of a proposal; return what ends this."""
        return self._store.notices.listen(told)

    def status(self, principal: Principal, target: Target) -> Plan:
        """Read a workload; the plan writes nothing and its consequence says how it stands."""
        with self._attempts.watch(principal, "read status", namespace=target.namespace):
            _require(principal, Scope.VIEWER, target.namespace)
        return self._planner.plan(target, ActionRequest("Status"))

    def first_container(self, principal: Principal, target: Target) -> str:
        """Return the first container's name, for callers whose words have no place for one."""
        with self._attempts.watch(principal, "read status", namespace=target.namespace):
            _require(principal, Scope.PROPOSER, target.namespace)
        return self._planner.first_container(target)

    def request(
        self, principal: Principal, target: Target, action: ActionRequest, comment: str = ""
    ) -> Proposal:
        """Plan and propose a typed action that a principal asks for."""
        with self._attempts.watch(principal, f"propose {action.type}", namespace=target.namespace):
            _require(principal, Scope.PROPOSER, target.namespace)
        plan = self._planner.plan(target, action)
        if plan.blocked:
            block = plan.blocked[0]
            raise Refused(block.name, block.evidence, hint=block.next_step)
        mode = self._guard.check_request(plan)
        proposal = self._gate.request(plan, principal, comment, mode=mode)
        traces.began(proposal.id, target=str(plan.target))
        tell(self._alerts, proposal)
        return proposal

    def apply_now(self, principal: Principal, proposal: Proposal, comment: str = "") -> Proposal:
        """Approve and apply in one call, for an approver who asked for the change.

        Returns the proposal once the write is done; verification goes on in the background.
        In dry run the proposal comes back as it is. Raises Conflict or Refused with the proposal's
        own words when nothing was written, OutcomeUnknown while that is not known.
        """
        if proposal.state in (State.DRY_RUN, State.ESCALATED):
            return proposal
        with self._attempts.watch(principal, "approve", proposal.id):
            _require(principal, Scope.APPROVER, proposal.plan.target.namespace)
            with self._pace.approving(proposal.id):
                self._gate.approve(proposal.id, proposal.digest, principal, comment)
        self._loop.advance(proposal.id, patience=_PATIENCE_SECONDS)
        moved = self._store.get(proposal.id)
        if moved.state in (State.APPROVED, State.APPLYING):
            raise OutcomeUnknown(
                f"proposal {moved.id} is approved and not yet known to be applied",
                hint="remedyd finds out by itself: look at the proposal",
            )
        if moved.state in (State.STALE, State.EXPIRED):
            raise Conflict(moved.reason or f"proposal {moved.id} is {moved.state}")
        if moved.state is State.FAILED:
            raise Refused("ApplyFailed", moved.reason or "the write was refused")
        return moved

    def refuse(
        self,
        principal: Principal,
        operation: str,
        error: RemedydError,
        proposal_id: ProposalId | None = None,
    ) -> NoReturn:
        """Raise what a face had to refuse before it could ask, and keep the attempt."""
        with self._attempts.watch(principal, operation, proposal_id):
            raise error

    @property
    def sign_outs(self) -> SignOuts:
        """Return which sessions of the console are over before their time, at every replica."""
        return self._store.sign_outs

    def begin_answer(self, key: str, request: str) -> Answer | None:
        """Return the earlier answer to a repeated request, or take its key and return None."""
        return self._store.answers.begin(key, request)

    def end_answer(self, key: str, answer: Answer | None) -> None:
        """Keep the answer for a day; without one, give the key back."""
        if answer is None:
            self._store.answers.forget(key)
        else:
            self._store.answers.finish(key, answer)

    def readiness(self) -> Ready:
        """Return whether audits and writes can run, with every reason why not."""
        reasons = tuple(self._readiness())
        try:
            notices = tuple(self._notices())
        except StoreError:
            notices = ()  # the store is among the reasons already
        return Ready(not reasons, reasons, notices)


def _within(result: AuditResult, principal: Principal) -> AuditResult:
    """Return the result with only the rows that the principal may see."""
    seen = principal.reach
    if seen is None:
        return result
    return replace(
        result,
        rows=tuple(row for row in result.rows if row.target.namespace in seen),
        set_aside=tuple(s for s in result.set_aside if s.row.target.namespace in seen),
        table=None,
    )


def _require(principal: Principal, scope: Scope, namespace: str | None = None) -> None:
    if not principal.may(scope, namespace):
        where = f" in namespace {namespace}" if namespace else ""
        raise Forbidden(
            f"{principal.name} lacks the scope {scope.value}{where}",
            hint="use a token that has this scope",
        )
