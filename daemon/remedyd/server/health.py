"""For kubelets and Prometheus: alive, ready, and the numbers. No token needed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from remedyd.observability.metrics import CONTENT_TYPE
from remedyd.server.context import Context, context

router = APIRouter(tags=["health"])

Ctx = Annotated[Context, Depends(context)]


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process serves requests."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready, with the reasons"}})
def readyz(ctx: Ctx) -> JSONResponse:
    """Say whether audits and writes can run, and if not, why."""
    state = ctx.service.readiness()
    body = {"status": "ready" if state.ready else "not ready", "reasons": list(state.reasons)}
    return JSONResponse(body, 200 if state.ready else 503)


@router.get("/metrics")
def metrics(ctx: Ctx) -> Response:
    """Give the metrics in Prometheus' text format."""
    return Response(ctx.metrics.exposition(), media_type=CONTENT_TYPE)
