"""The first request opens the face; when that fails, the next one tries again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from remedyd.server.context import Context
from remedyd.server.mcp.face import PATH, Face
from remedyd.server.mcp.origins import NO_PAGE

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": PATH,
    "headers": [],
    "query_string": b"",
}


class Manager:
    """Speaks no protocol; `trouble` keeps it from running."""

    def __init__(self, trouble: Exception | None) -> None:
        self.trouble = trouble
        self.asked = 0

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        if self.trouble is not None:
            raise self.trouble
        yield

    async def handle_request(self, *_: Any) -> None:
        self.asked += 1


def test_what_cannot_be_opened_is_tried_again_by_the_next_request() -> None:
    """Nobody waits for ever for what has failed."""
    managers = [Manager(OSError("no room")), Manager(None)]
    last = managers[-1]

    async def nothing(*_: Any) -> Any:
        return None

    async def asked_twice() -> None:
        ctx = cast(Context, None)
        face = Face(ctx, NO_PAGE, 1000, lambda *_: cast(Any, managers.pop(0)))
        with pytest.raises(OSError, match="no room"):
            await asyncio.wait_for(face(SCOPE, nothing, nothing), 5)
        await asyncio.wait_for(face(SCOPE, nothing, nothing), 5)
        await asyncio.wait_for(face.end(), 5)

    asyncio.run(asked_twice())
    assert last.asked == 1
