"""For kubelets and Prometheus: alive, ready, and the numbers. No token needed."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict

from remedyd.observability.metrics import CONTENT_TYPE
from remedyd.server.context import Ctx

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process serves requests."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = "ok"


class Readiness(BaseModel):
    """Whether audits and writes can run, and every reason why not.

    `notices` are things to look at while work goes on: events that wait for Elasticsearch.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "ready", "reasons": [], "notices": []}]}
    )

    status: str
    reasons: list[str]
    notices: list[str] = []


@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process serves requests."""
    return Health()


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not ready, with the reasons"}},
)
def readyz(ctx: Ctx) -> JSONResponse:
    """Say whether audits and writes can run, and if not, why."""
    state = ctx.service.readiness()
    body = {
        "status": "ready" if state.ready else "not ready",
        "reasons": list(state.reasons),
        "notices": list(state.notices),
    }
    return JSONResponse(body, 200 if state.ready else 503)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"example": 'remedyd_proposals_open{state="Proposed"} 1'}}}
    },
)
def metrics(ctx: Ctx) -> Response:
    """Give the metrics in Prometheus' text format."""
    return Response(ctx.metrics.exposition(), media_type=CONTENT_TYPE)
