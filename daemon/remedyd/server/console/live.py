"""The event stream for pages: the one of REST, for who has signed in.

The events have no names here: a page only wants to know that something moved, whatever it was.
"""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse

from remedyd.server.console import paths
from remedyd.server.context import Caller, Ctx
from remedyd.server.v1.stream import stream_events

router = APIRouter(include_in_schema=False)

_LIFE_SECONDS = 600.0


@router.get(f"{paths.HOME}/events")
async def follow(
    principal: Caller, ctx: Ctx, last_event_id: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """Follow what moves; the page asks for itself again and shows no more than this."""
    named = await stream_events(principal, ctx, last_event_id, seconds=_LIFE_SECONDS)
    return StreamingResponse(_unnamed(named.body_iterator), media_type=named.media_type)


async def _unnamed(events: AsyncIterable[str | bytes | memoryview]) -> AsyncIterator[str]:
    async for event in events:
        lines = str(event).split("\n")
        yield "\n".join(line for line in lines if not line.startswith("event: "))
