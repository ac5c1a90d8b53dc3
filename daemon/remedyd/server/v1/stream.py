"""The event stream (Server-Sent Events): the trail as it grows.

Every event carries its position as `id`; a client that reconnects with `Last-Event-ID` loses and
repeats nothing. A stream ends after ten minutes, so that a token that has expired or lost its
scope does not listen on; clients reconnect by themselves.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from remedyd.errors import InvalidInput, RemedydError
from remedyd.model import Principal
from remedyd.observability import logs
from remedyd.proposals.trail import Entry, TrailFilter
from remedyd.server import views
from remedyd.server.context import Caller, Context, Ctx
from remedyd.server.v1.outcomes import problems
from remedyd.server.waiting import Moved

log = logs.get(__name__)

router = APIRouter(prefix="/v1", tags=["trail"])

_MEDIA_TYPE: Final = "text/event-stream"
_LIFE_SECONDS: Final = 600.0
_BEAT_SECONDS: Final = 3.0
_BATCH: Final = 100
_EXAMPLE: Final = (
    'id: 42\nevent: approve\ndata: {"position": 42, "proposal": "01m82yjdbz28c1ps1fwsh6ztct", '
    '"state": "Approved", "principal": "on-call"}\n\n'
)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events, each with its position as `id` and its action as `event`",
            "content": {_MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **problems(422),
    },
)
async def stream_events(
    principal: Caller,
    ctx: Ctx,
    last_event_id: Annotated[
        str, Header(description="Go on behind this position; left out: from now on")
    ] = "",
    namespace: str = "",
    policy: str = "",
    proposal: str = "",
    seconds: Annotated[float, Query(gt=0, le=_LIFE_SECONDS, description="End after this time")] = (
        _LIFE_SECONDS
    ),
) -> StreamingResponse:
    """Follow the events of all proposals as they happen."""
    after = await run_in_threadpool(_position, ctx, principal, last_event_id)
    wanted = TrailFilter(
        after=after,
        namespace=namespace,
        policy=policy,
        proposal=proposal,
        limit=_BATCH,
        oldest_first=True,
    )
    ctx.streams.check(principal.name)
    return StreamingResponse(_events(ctx, principal, wanted, seconds), media_type=_MEDIA_TYPE)


def _position(ctx: Context, principal: Principal, last_event_id: str) -> int:
    if not last_event_id:
        return ctx.service.last_position(principal)
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 15:
        raise InvalidInput("Last-Event-ID: not a position that was handed out")
    return int(last_event_id)


async def _events(
    ctx: Context, principal: Principal, wanted: TrailFilter, seconds: float
) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with ctx.streams.opened(principal.name), Moved(ctx.service, ctx.streams) as moved:
        yield f": from {wanted.after}\nretry: 2000\n\n"
        while not ctx.streams.ending and loop.time() < end:
            try:
                entries = await run_in_threadpool(ctx.service.trail, principal, wanted)
            except RemedydError as error:  # the client reconnects behind what it has
                log.warning(f"the event stream ended: {error.message}")
                return
            if entries:
                yield "".join(_event(entry) for entry in entries)
                wanted = replace(wanted, after=entries[-1].position)
            if len(entries) == _BATCH:
                continue
            if not await moved.within(min(_BEAT_SECONDS, max(end - loop.time(), 0.001))):
                yield ": still here\n\n"


def _event(entry: Entry) -> str:
    data = views.entry_view(entry).model_dump_json()
    return f"id: {entry.position}\nevent: {entry.event.action}\ndata: {data}\n\n"
