"""Audits with what their last run saw, and policies with what they made of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from remedyd.model import AuditResult, Principal, Scope
from remedyd.server.console import pages, paths, standing
from remedyd.server.console.forms import Form, posted
from remedyd.server.console.overview import audits_of, failed, in_flight
from remedyd.server.context import Caller, Context, Ctx

router = APIRouter(prefix=paths.HOME, include_in_schema=False, route_class=pages.Page)
_SHOWN = 500
"""Rows on the page: nobody reads further, and a big cluster's would be megabytes."""


@router.get("/audits")
def list_audits(request: Request, principal: Caller, ctx: Ctx) -> Response:
    """List the audits."""
    used: dict[str, list[str]] = {}
    for policy, _ in ctx.service.policies(principal):
        used.setdefault(policy.audit, []).append(policy.name)
    audited = audits_of(ctx, principal)
    return pages.render(request, "audits.html", audited=audited, used=used, failed=failed)


@router.get("/audits/{name}")
def show_audit(request: Request, name: str, principal: Caller, ctx: Ctx) -> Response:
    """Show an audit with the rows of its last scheduled run."""
    _, last = ctx.service.audit(principal, name)
    return _audit(request, ctx, principal, name, last, by_hand=False)


@router.post("/audits/{name}/run")
def run_audit(
    request: Request,
    name: str,
    principal: Caller,
    ctx: Ctx,
    sent: Annotated[Form, Depends(posted("run audit"))],
) -> Response:
    """Run it now and show what this run saw; the scheduled one is brought forward."""
    result = ctx.service.run_audit(principal, name)
    return _audit(request, ctx, principal, name, result, by_hand=True)


def _audit(
    request: Request,
    ctx: Context,
    principal: Principal,
    name: str,
    result: AuditResult | None,
    *,
    by_hand: bool,
) -> Response:
    definition, _ = ctx.service.audit(principal, name)
    rows = sorted(result.rows if result else (), key=lambda r: (-r.severity, r.target.workload))
    return pages.render(
        request,
        "audit.html",
        audit=definition,
        result=result,
        rows=rows[:_SHOWN],
        total=len(rows),
        columns=standing.evidence_columns(definition),
        by_hand=by_hand,
        failed=failed,
        can_run=principal.may(Scope.PROPOSER),
        policies=[p for p, _ in ctx.service.policies(principal) if p.audit == name],
    )


@router.get("/policies")
def list_policies(request: Request, principal: Caller, ctx: Ctx) -> Response:
    """List the policies with how much of what they see they answer."""
    ruled = ctx.service.policies(principal)
    audited = audits_of(ctx, principal)
    troubles = standing.troubles(audited, ruled, in_flight(ctx, principal))
    return pages.render(
        request,
        "policies.html",
        ruled=[(policy, judged, standing.coverage(judged)) for policy, judged in ruled],
        troubles=[trouble for trouble in troubles if trouble.proposal is None],
        uncovered=standing.uncovered(audited, ruled),
    )


@router.get("/policies/{name}")
def show_policy(request: Request, name: str, principal: Caller, ctx: Ctx) -> Response:
    """Show a policy with its last decision on each row."""
    policy, judged = ctx.service.policy(principal, name)
    order = ("Propose", "Hold", "Error", "Skip")
    decisions = sorted(
        judged.decisions if judged else (),
        key=lambda d: (order.index(d.kind.value), d.target.workload),
    )
    return pages.render(
        request,
        "policy.html",
        policy=policy,
        judged=judged,
        decisions=decisions,
        coverage=standing.coverage(judged),
    )
