"""A new proposal, complete with digest and summary, before it is stored. Pure.

A plan that nobody could approve (no live object behind it, a precheck in the way, not yet shown
to the API server) does not become a proposal, except in mode DryRun, where seeing the block is
the point.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from remedyd.errors import Refused
from remedyd.model import (
    AuditRow,
    Decision,
    Digest,
    Mode,
    Plan,
    Principal,
    Proposal,
    ProposalId,
    State,
    VerifySpec,
)
from remedyd.proposals import summary
from remedyd.proposals.digest import digest_of


@dataclass(frozen=True, slots=True)
class Draft:
    """Where a proposal comes from: a policy's decision, or a principal's request."""

    mode: Mode
    verify: VerifySpec
    because: str
    policy: str = ""
    policy_hash: str = ""
    step: str = ""
    audit: str = ""
    row: AuditRow | None = None
    principal: Principal | None = None
    after: str = ""
    approvals: int = 1
    approvers: tuple[str, ...] | None = None


def of_decision(decision: Decision) -> Draft:
    """Return the draft of a policy's proposal."""
    return Draft(
        mode=decision.mode,
        verify=decision.verify,
        because=decision.detail,
        policy=decision.policy,
        policy_hash=decision.policy_hash,
        step=decision.step,
        audit=decision.audit,
        row=decision.row,
        after=decision.after,
        approvals=decision.approvals,
        approvers=decision.approvers,
    )


def of_request(
    principal: Principal, comment: str, verify: VerifySpec, mode: Mode = Mode.PROPOSE
) -> Draft:
    """Return the draft of a proposal that a principal asks for."""
    return Draft(mode=mode, verify=verify, because=comment, principal=principal)


def proposal_of(
    draft: Draft, plan: Plan, key: ProposalId, now: datetime, expires_at: datetime
) -> Proposal:
    """Return the proposal to store; raise `Refused` for a plan that is not fit for approval."""
    dry = draft.mode is Mode.DRY_RUN
    _refuse_unfit(plan, dry)
    bare = Proposal(
        id=key,
        version=0,
        state=_first_state(plan, dry),
        source="request" if draft.principal else "audit",
        policy=draft.policy,
        policy_hash=draft.policy_hash,
        step=draft.step,
        mode=draft.mode,
        audit=draft.audit,
        plan=plan,
        row=draft.row,
        verify=draft.verify,
        digest=Digest(""),
        summary="",
        created_at=now,
        updated_at=now,
        expires_at=expires_at,
        requested_by=draft.principal,
        reason=draft.because,
        after=draft.after,
        approvals_needed=draft.approvals,
        approvers=draft.approvers,
    )
    digest = digest_of(
        plan,
        policy=draft.policy,
        policy_hash=draft.policy_hash,
        row=draft.row,
        expires_at=expires_at,
    )
    signed = replace(bare, digest=digest)
    return replace(signed, summary=summary.plain(signed, because=draft.because))


def _first_state(plan: Plan, dry: bool) -> State:
    """A call for a person waits for nobody's approval: it is recorded and over."""
    if dry:
        return State.DRY_RUN
    return State.ESCALATED if plan.tells else State.PROPOSED


def _refuse_unfit(plan: Plan, dry: bool) -> None:
    if not plan.target.uid:
        raise Refused(
            "NoIdentity",
            f"{plan.target} has no uid: the plan was not made from a live object",
            hint="plan again from the Kubernetes API",
        )
    if dry:
        return
    if plan.blocked:
        block = plan.blocked[0]
        raise Refused("Blocked", f"{block.name}: {block.evidence}", hint=block.next_step)
    if plan.patch is not None and not plan.dry_run:
        raise Refused(
            "NotDryRun",
            f"the API server was not asked whether it accepts the change to {plan.target}",
            hint="plan again with the server's dry run",
        )
