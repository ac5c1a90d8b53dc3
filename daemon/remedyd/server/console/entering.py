"""The console's way in: a session instead of a bearer token, a form instead of a bare 401."""

from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from remedyd.errors import StoreError, Unauthenticated
from remedyd.model import Principal
from remedyd.observability import logs
from remedyd.server import bodies
from remedyd.server.console import paths
from remedyd.server.console.sessions import Session
from remedyd.server.context import Context

log = logs.get(__name__)

_PLAIN: Final = "remedyd-session"
_SECURE: Final = "__Host-remedyd-session"


async def admit(ctx: Context, scope: Scope) -> Principal | Response | None:
    """Return who has signed in, the way to the form, or None where anyone may go on.

    A session that is there but no longer good is counted like any failed attempt.
    """
    given = _cookie(scope)
    if paths.public(scope["path"]):
        return None
    if not given:
        return await _turned_away(scope, "")
    try:
        session = await run_in_threadpool(ctx.sessions.read, given)
    except Unauthenticated as error:
        ctx.metrics.authentication_failures.inc()
        log.warning(f"session refused: {error.message}", path=scope["path"])
        return await _turned_away(scope, error.message)
    except StoreError as error:
        from remedyd.server.console import pages

        return await run_in_threadpool(pages.failure, Request(scope), error)
    scope.setdefault("state", {})["session"] = session
    return session.principal


def session_of(request: Request) -> Session:
    """Return the session of an admitted request."""
    found = getattr(request.state, "session", None)
    if not isinstance(found, Session):
        raise Unauthenticated("nobody has signed in", hint="sign in")
    return found


def seated(request: Request, response: Response, value: str, session: Session) -> Response:
    """Put the cookie on the answer: out of reach of scripts and of other sites."""
    secure = over_tls(request.scope)
    response.set_cookie(
        _SECURE if secure else _PLAIN,
        value,
        expires=session.expires,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return response


def unseated(request: Request, response: Response) -> Response:
    """Take the cookies away."""
    response.delete_cookie(_PLAIN, path="/", httponly=True, samesite="strict")
    if over_tls(request.scope):
        response.delete_cookie(_SECURE, path="/", secure=True, httponly=True, samesite="strict")
    return response


def _cookie(scope: Scope) -> str:
    """Return the session cookie; over TLS only the one that needs TLS counts."""
    found = cookie_parser(bodies.header(scope, "cookie"))
    return found.get(_SECURE if over_tls(scope) else _PLAIN, "")


def over_tls(scope: Scope) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy before us.

    Who lies about it only changes the name of its own cookie.
    """
    return scope["scheme"] == "https" or bodies.header(scope, "x-forwarded-proto") == "https"


async def _turned_away(scope: Scope, why: str) -> Response:
    where = paths.sign_in(scope) if scope["method"] in ("GET", "HEAD") else paths.SIGN_IN
    if bodies.header(scope, "hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": where})
    if bodies.header(scope, "accept") == "text/event-stream":
        return Response(status_code=401)
    if scope["method"] in ("GET", "HEAD"):
        return RedirectResponse(where, 303)
    from remedyd.server.console import signing_in

    request = Request(scope)
    lost = why or "nobody has signed in"
    return await run_in_threadpool(signing_in.form, request, f"Nothing was done: {lost}.", 401)
