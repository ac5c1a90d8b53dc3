"""The endpoint on a port: scripted trouble first, then the real answer, every request noted."""

import json
import time
from collections import deque
from dataclasses import dataclass

from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.messages import Reply, Request
from remedyd.lab.elasticsearch.script import Script
from remedyd.lab.http import LoopbackServer, Received, Sent

_KEPT_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the status of its reply (0: none was sent)."""

    request: Request
    status: int


class ElasticsearchServer:
    """Listens on loopback from `start` to `stop`."""

    def __init__(self, endpoint: Endpoint, port: int = 0) -> None:
        """Take what answers, and the port (0: any free one)."""
        self.endpoint = endpoint
        self.script = Script()
        self.requests: deque[Exchange] = deque(maxlen=_KEPT_REQUESTS)
        self._server = LoopbackServer(self._respond, port)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.stop()

    def _respond(self, received: Received) -> Sent | None:
        request = Request(
            received.method, received.path, received.query, received.headers, received.body
        )
        reply = self._reply(request)
        self.requests.append(Exchange(request, reply.status if reply else 0))
        if reply is None:
            return None
        payload = b"" if reply.body is None else json.dumps(reply.body).encode()
        return Sent(reply.status, payload, reply.all_headers(request))

    def _reply(self, request: Request) -> Reply | None:
        trouble = self.script.next(request)
        if trouble is None:
            return self.endpoint.answer(request)
        if trouble.delay_seconds:
            time.sleep(trouble.delay_seconds)
        if trouble.drop:
            return None
        if trouble.reply is not None:
            return trouble.reply
        reply = self.endpoint.answer(request)
        if trouble.partial and reply.status == 200:
            reply.body = {**reply.body, "is_partial": True}
        return reply
