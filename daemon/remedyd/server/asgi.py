"""Builds the ASGI application out of its faces."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from remedyd import __version__
from remedyd.server import health, manage, problems, rest
from remedyd.server.context import Context


def create(ctx: Context, *, body_limit: int = 1_000_000) -> FastAPI:
    """Return the application that serves `ctx`; bodies over `body_limit` bytes are 413."""
    app = FastAPI(
        title="remedyd",
        version=__version__,
        summary="Closed-loop Kubernetes remediation with an approval gate",
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = ctx
    problems.install(app)
    for router in (health.router, rest.router, manage.router):
        app.include_router(router)

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > body_limit:
            return problems.problem(request, 413, f"the body is larger than {body_limit} bytes")
        response = await call_next(request)
        route = request.scope.get("route")
        path = route.path if isinstance(route, APIRoute) else "unmatched"
        ctx.metrics.requests.labels(path, str(response.status_code)).inc()
        return response

    return app
