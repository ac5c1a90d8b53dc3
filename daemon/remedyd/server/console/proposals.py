"""A proposal on one screen, the decisions about it, and the history of all."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from remedyd.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused, RemedydError
from remedyd.model import Digest, Principal, Proposal, ProposalId, Scope, State
from remedyd.proposals.query import ProposalFilter
from remedyd.server import problems
from remedyd.server.console import chart, pages, paths, standing, words
from remedyd.server.console.forms import Form, posted
from remedyd.server.context import Caller, Context, Ctx

router = APIRouter(prefix=paths.HOME, include_in_schema=False, route_class=pages.Page)

PAGE = 50
_ONE = "/proposals/{proposal_id}"
_UNDOABLE = frozenset(
    {
        State.APPLIED,
        State.VERIFYING,
        State.EFFECTIVE,
        State.INEFFECTIVE,
        State.HARMFUL,
        State.INCONCLUSIVE,
        State.ROLLBACK_FAILED,
    }
)
_DONE = {
    "approve": "Approved. It is applied now; this page follows it.",
    "reject": "Rejected. Nothing was written.",
    "rollback": "The change is being taken back.",
}


@router.get("/history")
def history(
    request: Request,
    principal: Caller,
    ctx: Ctx,
    state: Annotated[list[str] | None, Query()] = None,
    namespace: str = "",
    workload: str = "",
    policy: str = "",
    source: str = "",
    since: str = "",
    until: str = "",
    cursor: str = "",
) -> Response:
    """List proposals, newest first."""
    chosen: dict[str, Any] = {
        "state": [name for name in state or [] if name],
        "namespace": namespace.strip(),
        "workload": workload.strip(),
        "policy": policy.strip(),
        "source": source.strip(),
        "since": since,
        "until": until,
    }
    page = ctx.service.proposals(principal, _wanted(chosen, cursor))
    kept = [(name, value) for name, value in chosen.items() if value]
    return pages.render(
        request,
        "history.html",
        chosen=chosen,
        filtered=bool(kept),
        items=page.items,
        next=urlencode([*kept, ("cursor", page.next)], doseq=True) if page.next else "",
        first=urlencode(kept, doseq=True) if cursor else None,
        policies=[policy.name for policy, _ in ctx.service.policies(principal)],
    )


def _wanted(chosen: Mapping[str, Any], cursor: str) -> ProposalFilter:
    """Return what the form's fields, by name, ask for."""
    rest = {name: chosen[name] for name in ("namespace", "workload", "policy", "source")}
    return ProposalFilter(
        states=frozenset(_state(name) for name in chosen["state"]),
        since=_day(chosen["since"], "from"),
        until=_day(chosen["until"], "to"),
        limit=PAGE,
        cursor=cursor,
        **rest,
    )


@router.get(_ONE)
def show(
    request: Request, proposal_id: str, principal: Caller, ctx: Ctx, did: str = ""
) -> Response:
    """Show a proposal whole."""
    proposal = ctx.service.proposal(principal, ProposalId(proposal_id))
    return _page(request, ctx, principal, proposal, done=_DONE.get(did, ""))


@router.get(f"{_ONE}/signal")
def signal(request: Request, proposal_id: str, principal: Caller, ctx: Ctx) -> Response:
    """Draw the audited numbers before and after; asked for by the page once it is there."""
    proposal = ctx.service.proposal(principal, ProposalId(proposal_id))
    found = ctx.service.signal(principal, proposal.id)
    curves = []
    if any(moment.values for moment in found.moments):
        definition, _ = ctx.service.audit(principal, proposal.audit)
        weighty = _weighty(ctx, principal, proposal)
        curves = chart.charts(proposal, definition, found.moments, weighty)
    return pages.render(
        request,
        "signal.html",
        charts=curves,
        missing=found.missing,
        complete=found.complete,
        p=proposal,
    )


@router.post(f"{_ONE}/approve")
def approve(
    request: Request,
    proposal_id: str,
    principal: Caller,
    ctx: Ctx,
    sent: Annotated[Form, Depends(posted("approve"))],
) -> Response:
    """Approve the proposal with the digest of the page that was read."""

    def act() -> Proposal:
        digest = Digest(sent.text("digest", 200))
        return ctx.service.approve(principal, ProposalId(proposal_id), digest, sent.text("reason"))

    return _decided(request, ctx, principal, proposal_id, "approve", act)


@router.post(f"{_ONE}/reject")
def reject(
    request: Request,
    proposal_id: str,
    principal: Caller,
    ctx: Ctx,
    sent: Annotated[Form, Depends(posted("reject"))],
) -> Response:
    """Reject the proposal."""

    def act() -> Proposal:
        return ctx.service.reject(principal, ProposalId(proposal_id), sent.text("reason"))

    return _decided(request, ctx, principal, proposal_id, "reject", act)


@router.post(f"{_ONE}/rollback")
def rollback(
    request: Request,
    proposal_id: str,
    principal: Caller,
    ctx: Ctx,
    sent: Annotated[Form, Depends(posted("rollback"))],
) -> Response:
    """Take an applied change back."""

    def act() -> Proposal:
        return ctx.service.rollback(principal, ProposalId(proposal_id), sent.text("reason"))

    return _decided(request, ctx, principal, proposal_id, "rollback", act)


def _decided(
    request: Request,
    ctx: Context,
    principal: Principal,
    proposal_id: str,
    operation: str,
    act: Callable[[], Proposal],
) -> Response:
    """Do it and go back to the page; a refusal is told there, above the proposal as it is now."""
    try:
        act()
    except (Conflict, Forbidden, InvalidInput, Refused) as error:
        proposal = ctx.service.proposal(principal, ProposalId(proposal_id))
        return _page(request, ctx, principal, proposal, problem=error)
    return pages.redirect(f"{paths.HOME}/proposals/{proposal_id}?did={operation}")


def _page(
    request: Request,
    ctx: Context,
    principal: Principal,
    proposal: Proposal,
    *,
    done: str = "",
    problem: RemedydError | None = None,
) -> Response:
    namespace = proposal.plan.target.namespace
    waits = proposal.state is State.PROPOSED
    return pages.render(
        request,
        "proposal.html",
        problems.status_of(problem) if problem else 200,
        p=proposal,
        done=done,
        problem=problem,
        events=ctx.service.events(principal, proposal.id),
        refusals=ctx.service.refusals(principal, proposal=proposal.id, limit=20),
        columns=_columns(ctx, principal, proposal),
        can_approve=words.may_approve(principal, proposal),
        can_reject=waits and principal.may(Scope.PROPOSER, namespace),
        can_rollback=proposal.state in _UNDOABLE
        and proposal.plan.undo is not None
        and principal.may(Scope.APPROVER, namespace),
    )


def _columns(ctx: Context, principal: Principal, proposal: Proposal) -> list[tuple[str, str]]:
    """Return the evidence's columns with what they mean, as the audit declares them today.

    What it declares no longer comes last: the evidence is what was seen then.
    """
    if proposal.row is None:
        return []
    values = proposal.row.values
    try:
        definition, _ = ctx.service.audit(principal, proposal.audit)
    except NotFound:
        return [(name, "") for name in values]
    meant = {column.name: column.description for column in definition.columns}
    known = [name for name in standing.evidence_columns(definition) if name in values]
    rest = [name for name in values if name not in meant]
    return [(name, meant.get(name, "")) for name in (*known, *rest)]


def _weighty(ctx: Context, principal: Principal, proposal: Proposal) -> list[str]:
    """Return the columns that the policy's conditions look at."""
    try:
        policy, _ = ctx.service.policy(principal, proposal.policy)
    except NotFound:
        return []
    return [name for condition in policy.conditions for name in condition.columns]


def _state(name: str) -> State:
    try:
        return State(name)
    except ValueError:
        raise InvalidInput(f"there is no state {name!r}") from None


def _day(text: str, name: str) -> datetime | None:
    """Return a date, or a local time as browsers send it, in UTC."""
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(f"{name}: not a date", hint="write it as 2026-11-05") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
