"""Bounds on one HTTP exchange: total time and size.

The usual timeout starts anew with every byte that arrives, so a body that trickles in holds a
thread for ever; and nothing bounds the size of an answer.
"""

from dataclasses import dataclass
from typing import Any

import urllib3
from elastic_transport import NodeConfig, Urllib3HttpNode
from urllib3.exceptions import ReadTimeoutError

from remedyd import deadlines
from remedyd.model import monotonic

MAX_BYTES = 64 << 20
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class _Response:
    """The parts of a response that the transport reads."""

    status: int
    headers: Any
    data: bytes


class _BoundedPool:
    """Reads bodies piece by piece, with an eye on the clock and the size."""

    def __init__(self, pool: urllib3.HTTPConnectionPool, seconds: float, largest: int) -> None:
        self._pool = pool
        self._seconds = seconds
        self._largest = largest

    def urlopen(self, method: str, url: str, **options: Any) -> _Response:
        seconds = options.get("timeout") or self._seconds
        until = monotonic() + float(seconds)
        response = self._pool.urlopen(method, url, preload_content=False, **options)
        try:
            body = self._body(response, url, until)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return _Response(response.status, response.headers, body)

    def _body(self, response: urllib3.BaseHTTPResponse, url: str, until: float) -> bytes:
        pieces, size = [], 0
        while piece := response.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if monotonic() > until:
                raise ReadTimeoutError(self._pool, url, "the answer took too long to arrive")
            if size > self._largest:
                raise urllib3.exceptions.HTTPError(
                    f"the answer is larger than {self._largest >> 20} MiB: ask for fewer rows, or "
                    "fewer and shorter columns"
                )
        return b"".join(pieces)

    def close(self) -> None:
        self._pool.close()


class BoundedNode(Urllib3HttpNode):
    """A node whose answers are bounded in time and size."""

    largest = MAX_BYTES
    """Bytes of one answer, unpacked."""

    def __init__(self, config: NodeConfig) -> None:
        """Take the node's configuration."""
        super().__init__(config)
        seconds = config.request_timeout or 30.0
        if config.ssl_context is not None and isinstance(self.pool, urllib3.HTTPSConnectionPool):
            self.pool.ca_certs = None  # else each connection would trust certifi's as well
        # else the head could trickle in for ever
        self.pool.ConnectionCls = deadlines.bounded(self.pool.ConnectionCls)  # type: ignore[assignment, arg-type]
        self.pool = _BoundedPool(self.pool, seconds, self.largest)  # type: ignore[assignment]


def bounded(largest: int) -> type[BoundedNode]:
    """Return a class of nodes whose answers have so many bytes at most."""
    return type("Node", (BoundedNode,), {"largest": largest})
