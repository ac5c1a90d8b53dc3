"""The HTTP server: uvicorn, with a word to those who wait before it stops."""

from types import FrameType
from typing import Any

import uvicorn

from remedyd.server.context import Context
from remedyd.settings import ServerSettings


class Server(uvicorn.Server):
    """Ends open event streams and waiting reads with the signal, not with the last grace second."""

    def __init__(self, application: Any, ctx: Context, settings: ServerSettings) -> None:
        """Take what to serve and where."""
        super().__init__(
            uvicorn.Config(
                application,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                server_header=False,
            )
        )
        self._ctx = ctx

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._ctx.streams.end()
        super().handle_exit(sig, frame)
