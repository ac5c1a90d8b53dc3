"""How many approvals, by whom, and whether they still stand. Pure.

Approvers are counted by name: an identity that a caller only asserts makes no second pair of
eyes. Where a policy names its approvers, nobody else counts, and an empty list means nobody.
"""

from datetime import datetime, timedelta

from remedyd.errors import Conflict, Forbidden
from remedyd.model import AUTO, Approval, Mode, Principal, Proposal
from remedyd.proposals.digest import digest_of_proposal

SLACK = timedelta(minutes=1)
"""By how much the clocks of replicas may differ. What is dated later than that was dated by a clock
that has been set back since: nobody knows how old it is, so it counts as too old."""


def beyond(approval: Approval, life: timedelta, now: datetime) -> timedelta:
    """Return for how long the approval has been out of use; not positive while it is good."""
    return max(now - (approval.at + life), approval.at - SLACK - now)


def outlived(proposal: Proposal, now: datetime) -> bool:
    """Whether it is too late to approve the proposal, or not known how late it is."""
    return now >= proposal.expires_at or now < proposal.created_at - SLACK


def check_approver(principal: Principal, proposal: Proposal) -> None:
    """Raise `Forbidden` unless the proposal's own rules let this principal approve it."""
    if principal.name == AUTO.name and proposal.mode is not Mode.AUTO:
        raise Forbidden(
            f"proposal {proposal.id} is in mode {proposal.mode}: a principal has to approve it",
            hint="set the policy's mode to Auto if nobody need be asked",
        )
    if proposal.approvers is not None and principal.name not in proposal.approvers:
        named = ", ".join(proposal.approvers) or "nobody"
        raise Forbidden(
            f"policy {proposal.policy} does not name {principal.name} as an approver",
            hint=f"it may be approved by: {named}",
        )


def already_in(principal: Principal, proposal: Proposal) -> bool:
    """Whether this very approval is recorded; raise `Conflict` if it cannot count any more."""
    given = given_to(proposal)
    if any(_same(approval.principal, principal) for approval in given):
        return True
    if proposal.approval is not None:
        last = proposal.approval
        raise Conflict(
            f"proposal {proposal.id} was approved by {last.principal.name} "
            f"at {last.at:%Y-%m-%d %H:%M:%SZ} and is {proposal.state} now",
            hint="nothing is left to approve",
        )
    if principal.name in _names(given):
        raise Conflict(
            f"{principal.name} has approved proposal {proposal.id} before, for someone else",
            hint="another principal has to approve it too",
        )
    return False


def given_to(proposal: Proposal) -> tuple[Approval, ...]:
    """Return the approvals so far, the deciding one included."""
    last = proposal.approval
    if last is None or last in proposal.approvals:
        return proposal.approvals
    return (*proposal.approvals, last)


def missing(proposal: Proposal, given: tuple[Approval, ...]) -> int:
    """Return how many further principals have to approve."""
    return max(0, proposal.approvals_needed - len(_names(given)))


def stand(proposal: Proposal) -> bool:
    """Whether enough approvals exist, each of exactly what is stored, by whom it may be."""
    given = given_to(proposal)
    named = proposal.approvers
    return (
        proposal.approval is not None
        and digest_of_proposal(proposal) == proposal.digest
        and all(approval.digest == proposal.digest for approval in given)
        and (named is None or all(approval.principal.name in named for approval in given))
        and missing(proposal, given) == 0
    )


def _same(one: Principal, other: Principal) -> bool:
    return (one.name, one.on_behalf_of) == (other.name, other.on_behalf_of)


def _names(given: tuple[Approval, ...]) -> set[str]:
    return {approval.principal.name for approval in given}
