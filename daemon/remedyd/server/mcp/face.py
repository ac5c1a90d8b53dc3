"""`/mcp`: streamable HTTP without sessions, behind the same entry as everything else.

The SDK costs half a second and some 20 MB, so it is loaded by the first request, in a thread.
"""

import asyncio
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from remedyd.errors import RemedydError
from remedyd.server import bodies, problems
from remedyd.server.context import Context
from remedyd.server.mcp.origins import Misdirected, Origins

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH: Final = "/mcp"
ABSENT: Final = "the MCP server is not installed here"
INSTALL: Final = "install it with: pip install 'remedyd[mcp]'"


Load = Callable[[Context, int], "StreamableHTTPSessionManager"]


def installed() -> bool:
    """Whether the SDK is there, without loading it."""
    return importlib.util.find_spec("mcp") is not None


class Face:
    """The ASGI endpoint; one for each application."""

    def __init__(
        self, ctx: Context, origins: Origins, body_limit: int, load: Load | None = None
    ) -> None:
        """Take whom to serve, whose pages may ask, and the bound of a body in bytes.

        `load` makes what speaks the protocol, by default from the SDK.
        """
        self._load = load or _load
        self._ctx = ctx
        self._origins = origins
        self._limit = body_limit
        self._lock = asyncio.Lock()
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refused = self._refused(Request(scope))
        if refused is not None:
            await refused(scope, receive, send)
            return
        manager = await self._opened()
        await manager.handle_request(scope, receive, send)

    async def end(self) -> None:
        """Stop serving; what is under way is cancelled."""
        self._ending.set()
        if self._running is not None:
            await self._running

    def _refused(self, request: Request) -> Response | None:
        try:
            self._origins.check(
                bodies.header(request.scope, "origin"), bodies.header(request.scope, "host")
            )
        except Misdirected as error:
            return problems.problem(request, 421, error.message, hint=error.hint)
        except RemedydError as error:
            return problems.answer(request, error)
        if request.method != "POST":
            told = "there are no sessions and no streams here: POST each message"
            return problems.problem(request, 405, told, headers={"Allow": "POST"})
        if not installed():
            return problems.problem(request, 501, ABSENT, hint=INSTALL)
        return None

    async def _opened(self) -> "StreamableHTTPSessionManager":
        async with self._lock:
            if self._manager is None:
                manager = await run_in_threadpool(self._load, self._ctx, self._limit)
                ready = asyncio.get_running_loop().create_future()
                self._running = asyncio.create_task(self._run(manager, ready), name="mcp")
                await ready  # raises what kept it from running: the next request tries again
                self._manager = manager
        return self._manager

    async def _run(
        self, manager: "StreamableHTTPSessionManager", ready: asyncio.Future[None]
    ) -> None:
        try:
            async with manager.run():
                ready.set_result(None)
                await self._ending.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)


def _load(ctx: Context, body_limit: int) -> "StreamableHTTPSessionManager":
    from remedyd.server.mcp import protocol

    return protocol.manager(ctx, body_limit)
