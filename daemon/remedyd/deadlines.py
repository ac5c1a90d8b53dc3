"""Answers that are read whole within their time, or not at all.

The timeout of a socket begins anew with every byte: a server that drips its headers, or the lines
between the chunks of a body, would hold a thread for days. So the time that a response may take is
counted from when it is awaited, and every read gets what is left of it. That costs a microsecond a
read, and no thread that watches.
"""

import io
import socket
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any

from remedyd.model.clock import monotonic

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Timed(io.RawIOBase):
    """Reads from a socket until the time that the socket had at first is over."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._until = monotonic() + seconds

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the answer came too slowly")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """A response whose head and body come within the socket's timeout, all in all."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        seconds = sock.gettimeout()
        if seconds is not None:
            self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, seconds))


def bounded(connection: type[HTTPConnection]) -> type[HTTPConnection]:
    """Return a kind of connections whose read timeout bounds each response as a whole."""
    return type(connection.__name__, (connection,), {"response_class": _Response})
