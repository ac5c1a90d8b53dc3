"""The switches a person holds: pause, resume, and lifting what was set aside."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from remedyd.server.context import Caller, Ctx
from remedyd.server.v1.outcomes import problems
from remedyd.server.views.controls import HoldView, PauseView, hold_view, pause_view

router = APIRouter(prefix="/v1", tags=["controls"])


class SwitchRequest(BaseModel):
    """Says why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "change freeze"}]})

    reason: str = Field("", max_length=2000)


@router.get("/pause")
def get_pause(principal: Caller, ctx: Ctx) -> PauseView:
    """Show whether writes are paused."""
    return pause_view(ctx.service.controls.paused(principal))


@router.post("/pause", responses=problems(409, 422))
def pause(principal: Caller, ctx: Ctx, body: SwitchRequest | None = None) -> PauseView:
    """Stop every write at once; it holds across restarts."""
    return pause_view(ctx.service.controls.pause(principal, body.reason if body else ""))


@router.delete("/pause", responses=problems(409))
def resume(principal: Caller, ctx: Ctx, reason: str = "") -> PauseView:
    """Allow writes again."""
    ctx.service.controls.resume(principal, reason[:2000])
    return pause_view(ctx.service.controls.paused(principal))


@router.get("/holds")
def list_holds(principal: Caller, ctx: Ctx, ended: bool = False) -> list[HoldView]:
    """List quarantines and storms in force, with `ended` also those that are over."""
    return [hold_view(hold) for hold in ctx.service.controls.holds(principal, ended=ended)]


@router.delete("/holds/{hold_id}", responses=problems(404, 409))
def lift_hold(hold_id: str, principal: Caller, ctx: Ctx, reason: str = "") -> HoldView:
    """Lift a quarantine; its target may be changed again."""
    return hold_view(ctx.service.controls.lift(principal, hold_id, reason[:2000]))
