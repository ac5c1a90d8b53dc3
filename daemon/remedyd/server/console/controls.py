"""The switches: pause and resume, quarantines, and what mode everything is in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from remedyd.model import HoldKind, Scope
from remedyd.server.console import pages, paths
from remedyd.server.console.forms import Form, posted
from remedyd.server.context import Caller, Ctx

router = APIRouter(prefix=paths.HOME, include_in_schema=False, route_class=pages.Page)

_DONE = {
    "pause": "Writes are paused.",
    "resume": "Writes are allowed again.",
    "lift": "The quarantine is lifted.",
}


@router.get("/controls")
def controls(request: Request, principal: Caller, ctx: Ctx, did: str = "") -> Response:
    """Show the switches."""
    holds = ctx.service.controls.holds(principal, ended=True)
    return pages.render(
        request,
        "controls.html",
        done=_DONE.get(did, ""),
        ready=ctx.service.readiness(),
        holds=[hold for hold in holds if hold.ended_at is None],
        ended=[hold for hold in holds if hold.ended_at is not None][:20],
        quarantine=HoldKind.QUARANTINE,
        policies=[policy for policy, _ in ctx.service.policies(principal)],
        can_pause=principal.may(Scope.PROPOSER) and principal.namespaces is None,
        can_resume=principal.may(Scope.APPROVER) and principal.namespaces is None,
        can_lift=principal.may(Scope.APPROVER),
        refusals=ctx.service.refusals(principal, limit=20),
    )


@router.post("/pause")
def pause(principal: Caller, ctx: Ctx, sent: Annotated[Form, Depends(posted("pause"))]) -> Response:
    """Stop every write at once."""
    ctx.service.controls.pause(principal, sent.text("reason"))
    return pages.redirect(f"{paths.HOME}/controls?did=pause")


@router.post("/resume")
def resume(
    principal: Caller, ctx: Ctx, sent: Annotated[Form, Depends(posted("resume"))]
) -> Response:
    """Allow writes again."""
    ctx.service.controls.resume(principal, sent.text("reason"))
    return pages.redirect(f"{paths.HOME}/controls?did=resume")


@router.post("/holds/{hold_id}/lift")
def lift(
    hold_id: str,
    principal: Caller,
    ctx: Ctx,
    sent: Annotated[Form, Depends(posted("lift quarantine"))],
) -> Response:
    """Lift a quarantine."""
    ctx.service.controls.lift(principal, hold_id, sent.text("reason"))
    return pages.redirect(f"{paths.HOME}/controls?did=lift")
