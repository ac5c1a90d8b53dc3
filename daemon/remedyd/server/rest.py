"""REST v1: thin handlers over the service; errors become problem details elsewhere."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from remedyd.model import Digest, Principal, ProposalId, State
from remedyd.proposals.query import ProposalFilter
from remedyd.server import views
from remedyd.server.context import Context, caller, context

_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": _MEANING[status], **_PROBLEM} for status in statuses}


_MEANING = {
    401: "No valid bearer token",
    403: "The token lacks the scope",
    404: "No such thing",
    409: "The state moved on: read it again",
    410: "The proposal has expired",
    422: "The request is not valid",
    503: "The store does not answer",
}

router = APIRouter(prefix="/v1", responses=_problems(401, 403, 503))

Caller = Annotated[Principal, Depends(caller)]
Ctx = Annotated[Context, Depends(context)]


class ApproveRequest(BaseModel):
    """Names exactly what is approved."""

    digest: str = Field(min_length=1, description="The proposal's digest as shown")
    comment: str = Field("", max_length=2000)


class RejectRequest(BaseModel):
    """Says why not."""

    reason: str = Field("", max_length=2000)


@router.get("/proposals", tags=["proposals"], responses=_problems(422))
def list_proposals(
    principal: Caller,
    ctx: Ctx,
    state: Annotated[list[State] | None, Query()] = None,
    namespace: str = "",
    policy: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str = "",
) -> views.PageView:
    """List proposals, newest first."""
    wanted = ProposalFilter(
        states=frozenset(state or ()),
        namespace=namespace,
        policy=policy,
        limit=limit,
        cursor=cursor,
    )
    page = ctx.service.proposals(principal, wanted)
    items = [views.proposal_view(proposal) for proposal in page.items]
    return views.PageView(items=items, next=page.next)


@router.get("/proposals/{proposal_id}", tags=["proposals"], responses=_problems(404))
def get_proposal(proposal_id: str, principal: Caller, ctx: Ctx) -> views.ProposalView:
    """Show one proposal whole: diff, evidence, prechecks, digest."""
    return views.proposal_view(ctx.service.proposal(principal, ProposalId(proposal_id)))


@router.get("/proposals/{proposal_id}/events", tags=["proposals"], responses=_problems(404))
def get_events(proposal_id: str, principal: Caller, ctx: Ctx) -> list[views.EventView]:
    """Show a proposal's history, oldest first."""
    events = ctx.service.events(principal, ProposalId(proposal_id))
    return [views.event_view(event) for event in events]


@router.post(
    "/proposals/{proposal_id}/approve",
    tags=["proposals"],
    responses=_problems(404, 409, 410, 422),
)
def approve(
    proposal_id: str, body: ApproveRequest, principal: Caller, ctx: Ctx
) -> views.ProposalView:
    """Approve the proposal with exactly this digest; it is applied at once."""
    approved = ctx.service.approve(
        principal, ProposalId(proposal_id), Digest(body.digest), body.comment
    )
    return views.proposal_view(approved)


@router.post(
    "/proposals/{proposal_id}/reject", tags=["proposals"], responses=_problems(404, 409, 422)
)
def reject(
    proposal_id: str, principal: Caller, ctx: Ctx, body: RejectRequest | None = None
) -> views.ProposalView:
    """Reject the proposal."""
    reason = body.reason if body else ""
    return views.proposal_view(ctx.service.reject(principal, ProposalId(proposal_id), reason))


@router.get("/audits", tags=["audits"])
def list_audits(principal: Caller, ctx: Ctx) -> Sequence[views.AuditView]:
    """List the loaded audits."""
    return [views.audit_view(audit) for audit in ctx.service.audits(principal)]


@router.post("/audits/{name}/run", tags=["audits"], responses=_problems(404))
def run_audit(name: str, principal: Caller, ctx: Ctx) -> views.ResultView:
    """Run an audit now and show its rows."""
    return views.result_view(ctx.service.run_audit(principal, name))
