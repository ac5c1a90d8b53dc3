"""Sign in and out.

A token is shown once, in a form, or an OpenID provider is asked; from then on the browser holds a
session. The provider's way needs a second, shorter cookie that comes along when another site sends
the browser back, which the session's own never does.
"""

import hmac
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from remedyd.errors import (
    Forbidden,
    NotFound,
    RemedydError,
    StoreError,
    Throttled,
    Unauthenticated,
)
from remedyd.model import Principal
from remedyd.observability import logs
from remedyd.server import problems
from remedyd.server.console import forms, pages, paths
from remedyd.server.console.entering import over_tls, seated, session_of, unseated
from remedyd.server.console.forms import Form
from remedyd.server.console.provider import Provider, same_nonce
from remedyd.server.context import Context, Ctx, context

log = logs.get(__name__)

router = APIRouter(include_in_schema=False, route_class=pages.Page)

_PENDING: Final = "remedyd-signing-in"
_PENDING_SECONDS: Final = 600


def form(request: Request, problem: str = "", status: int = 200, wanted: str = "") -> Response:
    """Return the sign-in page."""
    provider = context(request).provider
    return pages.render(
        request,
        "sign_in.html",
        status,
        problem=problem,
        next=wanted,
        provider=provider.name if provider else "",
    )


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
    if not token:
        return form(request, "Paste your token into the field.", 422, back)
    try:
        principal = ctx.authenticate(token, _source(request))
        return _begun(request, ctx, principal, token, pages.redirect(back or paths.HOME))
    except Unauthenticated as error:
        return _failed(request, ctx, error, back)


@router.get(paths.PROVIDER)
def ask_provider(request: Request, ctx: Ctx, next: str = "") -> Response:
    """Send the browser to the provider."""
    address, pending = _provider(ctx).begin(paths.back(next) if next else "")
    answer = pages.redirect(address)
    answer.set_cookie(
        _PENDING,
        ctx.sessions.seal(pending),
        max_age=_PENDING_SECONDS,
        path=paths.SIGN_IN,
        secure=over_tls(request.scope),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(paths.CALLBACK)
def called_back(
    request: Request, ctx: Ctx, code: str = "", state: str = "", error: str = ""
) -> Response:
    """Take the provider's answer; the page in between lets the browser send the strict cookie."""
    provider, back = _provider(ctx), ""
    try:
        pending = ctx.sessions.unseal(request.cookies.get(_PENDING, ""))
        if not hmac.compare_digest(state.encode(), pending["state"].encode()):
            raise Unauthenticated("the answer belongs to another sign-in", hint="sign in again")
        back = pending["wanted"]
        if error or not code:
            raise Unauthenticated("the identity provider did not sign you in", hint="try again")
        token = provider.finish(code, pending, _source(request))
        principal = ctx.authenticate(token, _source(request))
        if not same_nonce(token, pending):
            raise Unauthenticated("the ID token belongs to another sign-in", hint="sign in again")
        page = pages.render(request, "signed_in.html", next=back or paths.HOME)
        answer = _begun(request, ctx, principal, token, page, at_provider=True)
    except RemedydError as refused:
        answer = _failed(request, ctx, refused, back)
    answer.delete_cookie(_PENDING, path=paths.SIGN_IN, httponly=True, samesite="lax")
    return answer


@router.post(f"{paths.HOME}/sign-out")
def sign_out(
    request: Request, ctx: Ctx, sent: Annotated[Form, Depends(forms.posted("sign out"))]
) -> Response:
    """End the session, here and wherever its cookie was copied to."""
    session = session_of(request)
    name = session.principal.name
    try:
        ctx.sessions.end(session)
    except StoreError as error:
        until = session.expires.isoformat(timespec="seconds")
        told = f"signed out here; other replicas may take a copy of the cookie until {until}"
        log.error(f"{name} {told}: {error.message}", principal=name, hint=error.hint)
        return unseated(request, pages.trouble(request, 503, told, error.hint))
    log.info(f"{name} signed out", principal=name)
    return unseated(request, pages.redirect(paths.SIGN_IN))


def _begun(
    request: Request,
    ctx: Context,
    principal: Principal,
    token: str,
    answer: Response,
    *,
    at_provider: bool = False,
) -> Response:
    value, session = ctx.sessions.begin(principal, token, at_provider=at_provider)
    until = session.expires.isoformat(timespec="seconds")
    log.info(f"{principal.name} signed in until {until}", principal=principal.name)
    return seated(request, answer, value, session)


def _failed(request: Request, ctx: Context, error: RemedydError, back: str) -> Response:
    """Show the form again with what is wrong; count it as REST counts it."""
    if isinstance(error, Unauthenticated):
        ctx.metrics.authentication_failures.inc()
        if not isinstance(error, Throttled):
            log.warning(f"authentication failed: {error.message}", path=request.url.path)
    words = error.message[:1].upper() + error.message[1:]
    answer = form(request, f"{words}.", problems.status_of(error), back)
    if isinstance(error, Throttled):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _provider(ctx: Context) -> Provider:
    if ctx.provider is None:
        raise NotFound("no identity provider to sign in with", hint="sign in with a token")
    return ctx.provider


def _source(request: Request) -> str:
    return request.client.host if request.client else ""
