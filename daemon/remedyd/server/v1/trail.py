"""The audit trail: every event of every proposal, and every refused attempt."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from remedyd.model import State
from remedyd.proposals.trail import MAX_PAGE, TrailFilter
from remedyd.server import views
from remedyd.server.context import Caller, Ctx
from remedyd.server.v1.outcomes import problems
from remedyd.server.v1.proposals import Aware, aware

router = APIRouter(prefix="/v1", tags=["trail"])

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Before = Annotated[int, Query(ge=0, le=2**53, description="Older than this position; 0: newest")]


@router.get("/trail", responses=problems(422))
def query_trail(
    principal: Caller,
    ctx: Ctx,
    who: Annotated[str, Query(description="Only what this principal did")] = "",
    action: Annotated[str, Query(description="Such as `approve` or `applied`")] = "",
    state: Annotated[list[State] | None, Query(description="Entering any of these")] = None,
    proposal: str = "",
    namespace: str = "",
    policy: str = "",
    since: Aware = None,
    until: Annotated[datetime | None, Query()] = None,
    before: Before = 0,
    limit: Limit = 100,
) -> views.TrailView:
    """Query the events of all proposals, newest first."""
    wanted = TrailFilter(
        principal=who,
        action=action,
        states=frozenset(state or ()),
        proposal=proposal,
        namespace=namespace,
        policy=policy,
        since=aware(since, "since"),
        until=aware(until, "until"),
        before=before,
        limit=limit,
    )
    entries = ctx.service.trail(principal, wanted)
    more = entries[-1].position if len(entries) == limit else 0
    return views.TrailView(items=[views.entry_view(entry) for entry in entries], before=more)


@router.get("/refusals", responses=problems(422))
def query_refusals(
    principal: Caller,
    ctx: Ctx,
    who: Annotated[str, Query(description="Only what this principal tried")] = "",
    proposal: str = "",
    before: Before = 0,
    limit: Limit = 100,
) -> views.RefusalsView:
    """Query what known callers tried and were refused, newest first."""
    found = ctx.service.refusals(principal, proposal=proposal, who=who, before=before, limit=limit)
    more = found[-1].position if len(found) == limit else 0
    return views.RefusalsView(items=[views.refusal_view(r) for r in found], before=more)
