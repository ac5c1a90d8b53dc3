"""What a request handler needs: the service, who is asking, and where the daemon lives."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from remedyd.errors import Unauthenticated
from remedyd.model import Clock, Principal, SystemClock
from remedyd.observability.metrics import Metrics
from remedyd.server.console.provider import Provider
from remedyd.server.console.sessions import Sessions
from remedyd.server.waiting import Streams
from remedyd.service import Service

_bearer = HTTPBearer(
    scheme_name="bearer",
    description="A token of the daemon's tokens file, a ServiceAccount's, or one by OIDC",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Context:
    """The daemon behind the handlers; `authenticate` maps a bearer token, sent from an
    address, to its principal, and may wait for others. `listed` knows some without waiting.
    """

    service: Service
    authenticate: Callable[[str, str], Principal]
    metrics: Metrics
    cluster: str
    streams: Streams = field(default_factory=Streams)
    sessions: Sessions = field(default_factory=Sessions)
    provider: Provider | None = None
    clock: Clock = field(default_factory=SystemClock)
    dry_run: bool = False
    listed: Callable[[str], Principal | None] = lambda token: None


def context(request: Request) -> Context:
    """Return the application's context."""
    found: Context = request.app.state.context
    return found


async def given(request: Request) -> Context:
    """Return the application's context; FastAPI would send what is no coroutine to a thread."""
    return context(request)


async def caller(request: Request, _: Annotated[object, Depends(_bearer)] = None) -> Principal:
    """Return who was let in; without a principal nobody is served, whatever the route."""
    found = getattr(request.state, "principal", None)
    if not isinstance(found, Principal):
        raise Unauthenticated(
            "no bearer token", hint="send the header Authorization: Bearer <token>"
        )
    return found


def acting(principal: Principal, on_behalf_of: str) -> Principal:
    """Return the principal with the identity it says it acts for: recorded, never trusted."""
    return replace(principal, on_behalf_of=on_behalf_of) if on_behalf_of else principal


Caller = Annotated[Principal, Depends(caller)]
Ctx = Annotated[Context, Depends(given)]
