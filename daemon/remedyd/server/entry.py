"""The way in, in front of every route: who asks, how often, and with what body.

It is plain ASGI and comes before routing and parsing, so that a caller without a valid credential
learns nothing, not even which paths exist or whether its body could be read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remedyd.errors import RemedydError, Throttled, Unauthenticated
from remedyd.model import Principal, monotonic
from remedyd.observability import logs
from remedyd.server import bodies, problems
from remedyd.server.console import entering, paths
from remedyd.server.context import Context
from remedyd.server.rates import Rates
from remedyd.server.repeats import Repeats
from remedyd.stages.pace import arrived

log = logs.get(__name__)

PUBLIC: Final = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OWN_BODIES: Final = frozenset({"/mcp"})
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class Entry:
    """Wraps the application; `scope["state"]["principal"]` says who was let in."""

    def __init__(
        self,
        app: ASGIApp,
        ctx: Context,
        *,
        body_limit: int,
        rates: Rates,
        new_id: Callable[[], str],
    ) -> None:
        """Take the bound of a body in bytes, the rates, and the source of request ids."""
        self._app = app
        self._ctx = ctx
        self._limit = body_limit
        self._rates = rates
        self._new_id = new_id
        self._repeats = Repeats(app, ctx.service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP goes straight on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = bodies.header(scope, "x-request-id")
        request_id = given if _REQUEST_ID.fullmatch(given) else self._new_id()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, source=_source(scope))
        answer = _Answer(send, request_id)
        begun = monotonic()
        arrived.set(begun)
        try:
            await self._serve(scope, receive, answer)
        except Exception as error:
            if answer.status:
                raise
            await problems.bug(Request(scope), error)(scope, receive, answer)
        finally:
            self._told(scope, answer.status, monotonic() - begun)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = await self._admit(scope)
        if refused is None:
            try:
                body = await bodies.read(scope, receive, self._limit)
                if scope["path"] not in _OWN_BODIES and not paths.owns(scope["path"]):
                    bodies.check_json(scope, body)
            except bodies.Refusal as error:
                refused = problems.problem(
                    Request(scope), error.status, error.detail, hint=error.hint
                )
            else:
                again = bodies.replay(body, receive)
                if paths.owns(scope["path"]):  # pages hold the session's token: never kept
                    await self._app(scope, again, send)
                else:
                    await self._repeats.serve(scope, body, again, send)
                return
        await refused(scope, receive, send)

    async def _admit(self, scope: Scope) -> Response | None:
        """Let a known principal in, within its rate; return the refusal otherwise."""
        if scope["path"] in PUBLIC:
            return None
        if paths.owns(scope["path"]):
            seated = await entering.admit(self._ctx, scope)
            return self._let_in(scope, seated) if isinstance(seated, Principal) else seated
        try:
            principal = await self._principal(scope)
        except RemedydError as error:
            return problems.answer(Request(scope), error)
        return self._let_in(scope, principal)

    def _let_in(self, scope: Scope, principal: Principal) -> Response | None:
        """Remember who it is, within its rate; return the refusal beyond it."""
        scope.setdefault("state", {})["principal"] = principal
        structlog.contextvars.bind_contextvars(principal=principal.name)
        if wait := self._rates.take(principal.name):
            slow = Throttled(f"too many requests; wait {wait} s", wait)
            return problems.problem(
                Request(scope), 429, slow.message, headers={"Retry-After": str(wait)}
            )
        return None

    async def _principal(self, scope: Scope) -> Principal:
        scheme, _, token = bodies.header(scope, "authorization").partition(" ")
        source = _source(scope)
        try:
            if scheme.lower() != "bearer" or not token.strip():
                raise Unauthenticated(
                    "no bearer token", hint="send the header Authorization: Bearer <token>"
                )
            if (listed := self._ctx.listed(token.strip())) is not None:
                return listed
            return await run_in_threadpool(self._ctx.authenticate, token.strip(), source)
        except Unauthenticated as error:
            self._ctx.metrics.authentication_failures.inc()
            if not isinstance(error, Throttled):
                log.warning(f"authentication failed: {error.message}", path=scope["path"])
            raise

    def _told(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = route.path if isinstance(route, APIRoute) else _unrouted(scope, status)
        self._ctx.metrics.requests.labels(path, str(status)).inc()
        self._ctx.metrics.request_seconds.labels(path).observe(seconds)
        level = 20 if scope["method"] not in ("GET", "HEAD") else 10
        log.log(
            level,
            f"{scope['method']} {path} answered {status}",
            method=scope["method"],
            route=path,
            status=status,
            **{"event.duration": int(seconds * 1e9)},
        )


class _Answer:
    """A `send` that adds our headers and remembers the status; 0 before the answer begins."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._own = (*_HEADERS, (b"x-request-id", request_id.encode("latin-1")))
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            present = {key.lower() for key, _ in message.get("headers", ())}
            own = [pair for pair in self._own if pair[0] not in present]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await self._send(message)


def _source(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _unrouted(scope: Scope, status: int) -> str:
    """Name what no route took; paths of strangers are no labels."""
    if scope["path"] in _OWN_BODIES:
        return str(scope["path"])
    return "refused" if status in (400, 401, 408, 413, 415, 429) else "unmatched"
