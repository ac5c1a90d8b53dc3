"""Sign in and out.

A token is shown once, in a form; from then on the browser holds a session. Another way to prove
who one is (an identity provider's redirect) ends in the same place: `ctx.sessions.begin` and
`entering.seated`.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from remedyd.errors import Forbidden, Throttled, Unauthenticated
from remedyd.observability import logs
from remedyd.server.console import forms, pages, paths
from remedyd.server.console.entering import seated, session_of, unseated
from remedyd.server.console.forms import Form
from remedyd.server.context import Ctx

log = logs.get(__name__)

router = APIRouter(include_in_schema=False, route_class=pages.Page)


def form(request: Request, problem: str = "", status: int = 200, wanted: str = "") -> Response:
    """Return the sign-in page."""
    return pages.render(request, "sign_in.html", status, problem=problem, next=wanted)


@router.get(paths.SIGN_IN)
def ask(request: Request, next: str = "") -> Response:
    """Show the form; whoever has a session may use another token."""
    return form(request, wanted=paths.back(next) if next else "")


@router.post(paths.SIGN_IN)
def sign_in(request: Request, ctx: Ctx, sent: Annotated[Form, Depends(forms.read)]) -> Response:
    """Begin a session for a good token; a bad one is counted as REST counts it."""
    if why := forms.foreign(request):
        raise Forbidden(f"the form was not sent by a page of this console: {why}")
    token, wanted = sent.text("token", 8192), sent.text("next")
    back = paths.back(wanted) if wanted else ""
    source = request.client.host if request.client else ""
    if not token:
        return form(request, "Paste your token into the field.", 422, back)
    try:
        principal = ctx.authenticate(token, source)
        value, session = ctx.sessions.begin(principal, token)
    except Unauthenticated as error:
        ctx.metrics.authentication_failures.inc()
        slow = isinstance(error, Throttled)
        if not slow:
            log.warning("authentication failed", path=paths.SIGN_IN, detail=error.message)
        words = error.message[:1].upper() + error.message[1:]
        answer = form(request, f"{words}.", 429 if slow else 401, back)
        if isinstance(error, Throttled):
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    log.info("signed in", principal=principal.name, expires=session.expires.isoformat())
    return seated(request, pages.redirect(back or paths.HOME), value, session)


@router.post(f"{paths.HOME}/sign-out")
def sign_out(
    request: Request, ctx: Ctx, sent: Annotated[Form, Depends(forms.posted("sign out"))]
) -> Response:
    """End the session, here and wherever its cookie was copied to."""
    session = session_of(request)
    ctx.sessions.end(session)
    log.info("signed out", principal=session.principal.name)
    return unseated(request, pages.redirect(paths.SIGN_IN))
