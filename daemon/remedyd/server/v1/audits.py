"""Audits: what is measured, what the last run saw, and a run on request."""

from typing import Annotated

from fastapi import APIRouter, Query

from remedyd.server import views
from remedyd.server.context import Caller, Ctx
from remedyd.server.v1.outcomes import problems

router = APIRouter(prefix="/v1/audits", tags=["audits"])
_ROWS = 1_000
Limit = Annotated[int, Query(ge=1, le=100_000, description="Rows to show, the most severe first")]


@router.get("")
def list_audits(principal: Caller, ctx: Ctx) -> list[views.AuditView]:
    """List the loaded audits."""
    return [views.audit_view(audit) for audit in ctx.service.audits(principal)]


@router.get("/{name}", responses=problems(404))
def get_audit(
    name: str, principal: Caller, ctx: Ctx, limit: Limit = _ROWS
) -> views.AuditDetailView:
    """Show an audit with its query and the rows of its last scheduled run."""
    audit, last = ctx.service.audit(principal, name)
    return views.audit_detail_view(audit, last, limit)


@router.post("/{name}/run", responses=problems(404))
def run_audit(name: str, principal: Caller, ctx: Ctx, limit: Limit = _ROWS) -> views.ResultView:
    """Run an audit now and show its rows; trouble with the query is the outcome's name."""
    return views.result_view(ctx.service.run_audit(principal, name), limit)
