"""Builds the ASGI application out of its faces."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from remedyd import __version__
from remedyd.model import monotonic
from remedyd.server import health, manage, openapi, problems, v1
from remedyd.server.console import routes as console
from remedyd.server.context import Context
from remedyd.server.entry import Entry
from remedyd.server.mcp import face as mcp
from remedyd.server.mcp.origins import NO_PAGE, Origins
from remedyd.server.rates import Rates


def create(
    ctx: Context,
    *,
    body_limit: int = 1_000_000,
    requests_per_minute: int = 1200,
    origins: Origins | None = NO_PAGE,
) -> FastAPI:
    """Return the application that serves `ctx`.

    Bodies over `body_limit` bytes are 413, requests of one principal beyond the rate 429.
    `origins` says which web pages may ask at /mcp; with None there is no /mcp.
    """
    agents = mcp.Face(ctx, origins, body_limit) if origins else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if agents:
            await agents.end()

    app = FastAPI(
        lifespan=lifespan,
        title="remedyd",
        version=__version__,
        summary="Closed-loop Kubernetes remediation with an approval gate",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation,
    )
    app.state.context = ctx
    problems.install(app)
    openapi.install(app)
    for router in (health.router, *v1.ROUTERS, manage.router, *console.ROUTERS):
        app.include_router(router)
    if agents:
        app.router.routes.append(Route(mcp.PATH, agents, include_in_schema=False))
    app.add_middleware(
        Entry,
        ctx=ctx,
        body_limit=body_limit,
        rates=Rates(requests_per_minute, monotonic),
        new_id=_request_id,
    )
    return app


def _operation(route: APIRoute) -> str:
    return route.name


def _request_id() -> str:
    return secrets.token_hex(10)
