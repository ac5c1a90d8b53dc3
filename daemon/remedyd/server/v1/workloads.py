"""Workloads: how one stands, and every proposal there was about it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from remedyd.model import Target
from remedyd.server import views
from remedyd.server.context import Caller, Ctx
from remedyd.server.v1.outcomes import problems
from remedyd.server.v1.proposals import Kind, Name, Namespace

router = APIRouter(prefix="/v1/workloads", tags=["workloads"])


@router.get("/{namespace}/{kind}/{name}", responses=problems(404, 409, 422, 502))
def get_workload(
    namespace: Annotated[Namespace, Path()],
    kind: Annotated[Kind, Path()],
    name: Annotated[Name, Path()],
    principal: Caller,
    ctx: Ctx,
    limit: Annotated[int, Query(ge=1, le=200, description="Proposals to show")] = 20,
) -> views.WorkloadView:
    """Read the live object, and its proposals, newest first."""
    target = Target(ctx.cluster, namespace, kind, name)
    return views.workload_view(ctx.service.workload(principal, target, limit))
