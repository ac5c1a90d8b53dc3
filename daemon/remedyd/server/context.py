"""What a request handler needs: the service, who is asking, and where the daemon lives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from remedyd.errors import Unauthenticated
from remedyd.model import Principal
from remedyd.observability.metrics import Metrics
from remedyd.service import Service


@dataclass(frozen=True, slots=True)
class Context:
    """The daemon behind the handlers; `authenticate` maps a bearer token, sent from an
    address, to its principal.
    """

    service: Service
    authenticate: Callable[[str, str], Principal]
    metrics: Metrics
    cluster: str


def context(request: Request) -> Context:
    """Return the application's context."""
    found: Context = request.app.state.context
    return found


def caller(request: Request, ctx: Annotated[Context, Depends(context)]) -> Principal:
    """Return who is asking; raise Unauthenticated without a valid bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated(
                "no bearer token", hint="send the header Authorization: Bearer <token>"
            )
        return ctx.authenticate(token.strip(), request.client.host if request.client else "")
    except Unauthenticated:
        ctx.metrics.authentication_failures.inc()
        raise
