"""A page as an answer: rendered, with the headers that keep it to itself."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from remedyd.errors import RemedydError, Throttled, Unauthenticated
from remedyd.observability import logs
from remedyd.server import problems
from remedyd.server.console import paths
from remedyd.server.console.entering import session_of
from remedyd.server.console.sessions import Session
from remedyd.server.console.templates import environment
from remedyd.server.context import context

log = logs.get(__name__)

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def render(request: Request, template: str, status: int = 200, **more: Any) -> Response:
    """Return the page for whoever has signed in; `more` is what the template shows."""
    ctx = context(request)
    try:
        session: Session | None = session_of(request)
    except Unauthenticated:
        session = None
    values = {
        "cluster": ctx.cluster,
        "csrf": session.csrf if session else "",
        "dry_run": ctx.dry_run,
        "now": ctx.clock.now(),
        "path": request.url.path,
        "paused": ctx.service.controls.paused(session.principal) if session else None,
        "principal": session.principal if session else None,
        "query": request.url.query,
    }
    html = environment().get_template(template).render(values | more)
    return HTMLResponse(html, status, HEADERS)


def redirect(address: str) -> Response:
    """Send the browser on after a form, so that going back repeats nothing."""
    return RedirectResponse(address, 303, HEADERS)


def failure(request: Request, error: RemedydError) -> Response:
    """Tell what is wrong and what to do, as REST does with problem details."""
    status = problems.status_of(error)
    if isinstance(error, Unauthenticated) and not isinstance(error, Throttled):
        return redirect(paths.sign_in(request.scope))
    return trouble(request, status, error.message, error.hint)


def trouble(request: Request, status: int, detail: str, hint: str = "") -> Response:
    """Return a page that only says what is wrong; a store that fails has no say in it."""
    told = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail, "hint": hint}
    request_id = logs.bound().get("request_id", "")
    html = environment().get_template("error.html").render(problem=told, request_id=request_id)
    return HTMLResponse(html, status, HEADERS)


class Page(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, held to answer with a page whatever happens."""
        handler = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handler(request)
            except RemedydError as error:
                return await run_in_threadpool(failure, request, error)
            except RequestValidationError:
                words = "the address or the form holds a value that cannot be"
                return await run_in_threadpool(trouble, request, 422, words)
            except HTTPException as error:
                return await run_in_threadpool(
                    trouble, request, error.status_code, str(error.detail)
                )
            except Exception as error:
                log.error("a bug made the page fail", path=request.url.path, exc_info=error)
                words = "internal error; the log has the details"
                return await run_in_threadpool(trouble, request, 500, words)

        return page
