"""The approval gate: what becomes a proposal, and who lets which one through.

An approval names the digest of what its author read. Whatever else is stored by now, whoever
else was faster, or a time that has run out turns it into a refusal that says so. Nothing in here
is decided from memory: every answer follows from one record and one compare-and-set.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from remedyd.errors import Conflict, Expired, Forbidden, InvalidInput, Refused, Stale
from remedyd.model import (
    Approval,
    Clock,
    Decision,
    DecisionKind,
    Digest,
    Mode,
    Plan,
    Principal,
    Proposal,
    ProposalId,
    Scope,
    State,
    VerifySpec,
)
from remedyd.proposals import approvals
from remedyd.proposals.digest import differences, digest_of_proposal
from remedyd.proposals.drafts import Draft, of_decision, of_request, proposal_of
from remedyd.proposals.flags import Flag
from remedyd.proposals.lifecycle import allowed
from remedyd.proposals.store import Store

INTERACTIVE: Final = timedelta(minutes=15)
WORKFLOW: Final = timedelta(hours=24)
_IN_TIME: Final = "nobody approved it in time"

Review = Callable[[Proposal, Principal], None]
"""Raises `Stale` if the plan no longer fits its target, `Refused` if it must not be made now."""


class Gate:
    """Makes proposals and takes decisions about them; safe to share between threads."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Callable[[], ProposalId],
        *,
        life: timedelta = INTERACTIVE,
        workflow_life: timedelta = WORKFLOW,
        review: Review | None = None,
    ) -> None:
        """Take how long a policy's proposal, and a requested one, wait for approval.

        `review` looks at the world once more when a proposal is approved.
        """
        self._store = store
        self._clock = clock
        self._ids = ids
        self._life = life
        self._workflow_life = workflow_life
        self._review = review

    def propose(self, plan: Plan, decision: Decision) -> Proposal:
        """Create the proposal a policy decided on; in mode DryRun it ends as DryRun at once.

        A plan that only tells a person waits for nobody: it is Escalated at once.

        Raise `Conflict` if the workload has an open one, `Refused` for a plan unfit for approval.
        """
        if decision.kind is not DecisionKind.PROPOSE or decision.mode is Mode.DISABLED:
            raise InvalidInput(f"a decision to {decision.kind} ({decision.mode}) proposes nothing")
        return self._create(plan, of_decision(decision), self._life)

    def request(
        self,
        plan: Plan,
        principal: Principal,
        comment: str = "",
        *,
        verify: VerifySpec | None = None,
        life: timedelta | None = None,
        mode: Mode = Mode.PROPOSE,
    ) -> Proposal:
        """Create the proposal a principal asks for; raise as `propose`, or `Forbidden`.

        `life` is how long it may wait for approval, the workflow's time by default. In `mode`
        DryRun it ends as DryRun at once.
        """
        _require(principal, Scope.PROPOSER, plan.target.namespace)
        draft = of_request(principal, comment, verify or VerifySpec(), mode)
        return self._create(plan, draft, life or self._workflow_life)

    def approve(
        self,
        key: ProposalId,
        digest: Digest,
        principal: Principal,
        comment: str = "",
        *,
        execution_url: str = "",
    ) -> Proposal:
        """Let through exactly what `digest` names; the same approval twice is one.

        Where the policy wants several approvals, the proposal stays Proposed until the last.

        `execution_url` is where the caller says the decision was taken: a workflow's run.

        Raise `Forbidden` without the approver's scope, `Conflict` for another digest, another
        approver or a proposal decided otherwise, `Expired`, `Refused` for a blocked plan.
        """
        proposal = self._store.get(key)
        while True:
            _require(principal, Scope.APPROVER, proposal.plan.target.namespace)
            approvals.check_approver(principal, proposal)
            if digest != proposal.digest:
                raise self._other_digest(proposal, digest)
            if proposal.approval is None:
                _still_proposed(proposal)
            if approvals.already_in(principal, proposal):
                return proposal
            try:
                return self._approve(proposal, principal, comment, execution_url)
            except Stale:
                raise
            except Conflict as lost:
                proposal = self._moved(proposal, lost)

    def reject(self, key: ProposalId, principal: Principal, comment: str = "") -> Proposal:
        """End the proposal; a proposer may do so too, and the same rejection twice is one."""
        proposal = self._store.get(key)
        while True:
            _require(principal, Scope.PROPOSER, proposal.plan.target.namespace)
            if proposal.state is State.REJECTED and self._last_mover(proposal) == principal.name:
                return proposal
            _still_proposed(proposal)
            try:
                return self._store.transition(
                    proposal,
                    State.REJECTED,
                    action="reject",
                    principal=principal.name,
                    detail=comment,
                    data=_asserted(principal),
                )
            except Conflict as lost:
                proposal = self._moved(proposal, lost)

    def rollback(self, key: ProposalId, principal: Principal, reason: str = "") -> Proposal:
        """Have a change that was applied taken back; asked twice is asked once.

        Raise `Forbidden` without the approver's scope, `Conflict` where nothing of it is in the
        cluster or another proposal holds the workload, `Refused` for a change without an undo.
        """
        proposal = self._store.get(key)
        while True:
            _require(principal, Scope.APPROVER, proposal.plan.target.namespace)
            if proposal.state in (State.ROLLING_BACK, State.ROLLED_BACK):
                return proposal
            _applied_with_undo(proposal)
            try:
                return self._store.transition(
                    proposal,
                    State.ROLLING_BACK,
                    action="rollback",
                    principal=principal.name,
                    detail=reason,
                    data=_asserted(principal),
                    rollback=None,  # a second attempt after RollbackFailed writes again
                )
            except Conflict as lost:
                proposal = self._moved(proposal, lost)

    def supersede(self, key: ProposalId, reason: str) -> Proposal:
        """End a proposal that is no longer needed: the workload recovered, or a newer plan."""
        proposal = self._store.get(key)
        return self._store.transition(proposal, State.SUPERSEDED, action="supersede", detail=reason)

    def expire(self, now: datetime) -> list[Proposal]:
        """End every proposal that waited too long at `now`; return those ended here."""
        return [done for due in self._store.due(now) if (done := self._expired(due)) is not None]

    def fence(self, key: str) -> None:
        """Raise `Refused` unless a write for this proposal is allowed at this very moment.

        Called by the door immediately before a write: in a state that writes, with an approval
        of exactly what is stored, and, looked at last of all, not paused.
        """
        proposal, pause = self._store.now(ProposalId(key))
        _authorised(proposal)
        if pause:
            raise _paused(pause)

    def check_pause(self) -> None:
        """Raise `Refused` while writes are paused."""
        if pause := self._store.flags.paused():
            raise _paused(pause)

    def authorised(self, key: str) -> None:
        """Raise `Refused` unless the proposal is in a state that writes, approved as stored."""
        _authorised(self._store.get(ProposalId(key)))

    def _create(self, plan: Plan, draft: Draft, life: timedelta) -> Proposal:
        now = self._clock.now()
        proposal = proposal_of(draft, plan, self._ids(), now, now + life)
        action = "escalate" if proposal.state is State.ESCALATED else "propose"
        return self._store.create(proposal, action=action, detail=draft.because)

    def _approve(
        self, proposal: Proposal, principal: Principal, comment: str, execution_url: str
    ) -> Proposal:
        now = self._clock.now()
        if approvals.outlived(proposal, now):
            self._expired(proposal)
            raise Expired(
                f"proposal {proposal.id} expired at {proposal.expires_at:%Y-%m-%d %H:%M:%SZ}",
                hint="wait for the next audit to propose it again, or request it anew",
            )
        if proposal.plan.blocked:
            block = proposal.plan.blocked[0]
            raise Refused("Blocked", f"{block.name}: {block.evidence}", hint=block.next_step)
        if digest_of_proposal(proposal) != proposal.digest:
            raise Refused("DigestMismatch", f"proposal {proposal.id} was changed in the store")
        self._reviewed(proposal, principal)
        approval = Approval(principal, proposal.digest, now, comment)
        given = (*approvals.given_to(proposal), approval)
        still = approvals.missing(proposal, given)
        noted: dict[str, Any] = {
            "action": "approve",
            "principal": principal.name,
            "detail": comment,
            "data": {"digest": proposal.digest, **_asserted(principal, execution_url)},
            "approvals": given,
        }
        if still:
            noted["data"]["still_needed"] = still
            return self._store.amend(proposal, **noted)
        return self._store.transition(proposal, State.APPROVED, approval=approval, **noted)

    def _reviewed(self, proposal: Proposal, principal: Principal) -> None:
        """Look once more; a plan that no longer fits ends, whoever was about to approve it."""
        if self._review is None:
            return
        try:
            self._review(proposal, principal)
        except Stale as stale:
            self._store.transition(proposal, State.STALE, action="stale", detail=stale.message)
            raise

    def _expired(self, proposal: Proposal) -> Proposal | None:
        ahead = proposal.created_at > self._clock.now()
        told = "it is dated later than now: the clock was set back" if ahead else _IN_TIME
        try:
            return self._store.transition(proposal, State.EXPIRED, action="expire", detail=told)
        except Conflict:
            return None  # decided in the meantime

    def _moved(self, seen: Proposal, lost: Conflict) -> Proposal:
        """Read again after a lost race; a refusal that was none is passed on."""
        now = self._store.get(seen.id)
        if now.version == seen.version:
            raise lost
        return now

    def _last_mover(self, proposal: Proposal) -> str:
        return self._store.events(proposal.id)[-1].principal

    def _other_digest(self, proposal: Proposal, digest: Digest) -> Conflict:
        known = self._store.by_digest(digest)
        if known is None:
            what = "it is not a digest of any proposal"
        elif known.plan.target.workload != proposal.plan.target.workload:
            what = f"it belongs to proposal {known.id} about {known.plan.target}"
        else:
            changed = "; ".join(differences(known, proposal)) or "only the time of proposal"
            what = f"it belongs to proposal {known.id} ({known.state}). Since then: {changed}"
        return Conflict(
            f"the digest {digest[:12]} is not that of proposal {proposal.id}: {what}",
            hint=f"read the proposal again and approve digest {proposal.digest}",
        )


def _authorised(proposal: Proposal) -> None:
    if proposal.state not in (State.APPLYING, State.ROLLING_BACK):
        told = f"proposal {proposal.id} is {proposal.state}: nothing to write"
        raise Refused("NotApproved", told)
    if not approvals.stand(proposal):
        raise Refused(
            "DigestMismatch",
            f"proposal {proposal.id} is not what was approved",
            hint="look at its events; make a new proposal",
        )


def _paused(pause: Flag) -> Refused:
    why = f": {pause.reason}" if pause.reason else ""
    return Refused(
        "Paused",
        f"writes are paused since {pause.at:%Y-%m-%d %H:%M:%SZ} by {pause.principal}{why}",
        hint="resume when it is safe: remedyd resume",
    )


def _require(principal: Principal, scope: Scope, namespace: str) -> None:
    if not principal.may(scope, namespace):
        raise Forbidden(
            f"{principal.name} lacks the scope {scope} in namespace {namespace}",
            hint="use a token that has this scope there",
        )


def _still_proposed(proposal: Proposal) -> None:
    if proposal.state is State.EXPIRED:
        raise Expired(
            f"proposal {proposal.id} expired at {proposal.expires_at:%Y-%m-%d %H:%M:%SZ}",
            hint="wait for the next audit to propose it again, or request it anew",
        )
    if proposal.state is not State.PROPOSED:
        why = f": {proposal.reason}" if proposal.reason else ""
        raise Conflict(
            f"proposal {proposal.id} is {proposal.state} since "
            f"{proposal.updated_at:%Y-%m-%d %H:%M:%SZ}{why}",
            hint="nothing is left to decide; see its events",
        )


def _applied_with_undo(proposal: Proposal) -> None:
    if proposal.applied is None or not allowed(proposal.state, State.ROLLING_BACK):
        raise Conflict(
            f"proposal {proposal.id} is {proposal.state}: nothing of it is there to take back",
            hint="only a change that was applied can be rolled back; see its events",
        )
    if proposal.plan.undo is None:
        raise Refused(
            "NothingToUndo",
            f"{proposal.plan.action} of {proposal.plan.target} has no undo",
            hint="request the change you want instead",
        )


def _asserted(principal: Principal, execution_url: str = "") -> dict[str, str]:
    """Return what the caller says about itself: recorded, never trusted."""
    said = {"on_behalf_of": principal.on_behalf_of, "execution_url": execution_url}
    return {name: value for name, value in said.items() if value}
