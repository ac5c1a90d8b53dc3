"""HTTP for the endpoint: loopback, keep-alive, one thread per connection, every request noted."""

import gzip
import json
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.messages import Reply, Request
from remedyd.lab.elasticsearch.script import Script

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
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def reply(self, request: Request) -> Reply | None:
        """Answer one request, with scripted trouble first; None closes the connection."""
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], owner: ElasticsearchServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that hang up; anything else is a bug and is printed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        request = self._read()
        owner = cast(_Server, self.server).owner
        reply = owner.reply(request)
        owner.requests.append(Exchange(request, reply.status if reply else 0))
        if reply is None:
            self.close_connection = True
            return
        payload = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.all_headers(request).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(self.command, parts.path, query, headers, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests are kept in `requests`."""
