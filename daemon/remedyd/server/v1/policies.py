"""Policies: what they may do, what they decided last, and how often what."""

from fastapi import APIRouter

from remedyd.server import views
from remedyd.server.context import Caller, Ctx
from remedyd.server.v1.outcomes import problems

router = APIRouter(prefix="/v1/policies", tags=["policies"])


@router.get("")
def list_policies(principal: Caller, ctx: Ctx) -> list[views.PolicyView]:
    """List the policies in force with their mode and what they decided since the start."""
    return [views.policy_view(p, judged) for p, judged in ctx.service.policies(principal)]


@router.get("/{name}", responses=problems(404))
def get_policy(name: str, principal: Caller, ctx: Ctx) -> views.PolicyView:
    """Show one policy with its last decision on each row."""
    return views.policy_view(*ctx.service.policy(principal, name))
