"""A scripted Elasticsearch on loopback: answers what a test tells it to, and remembers requests."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.wire import listening

JSON = "application/vnd.elasticsearch+json;compatible-with=9"


@dataclass(frozen=True)
class Reply:
    """One answer. `body` is JSON unless it is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    product: bool = True
    drip_seconds: float = 0.0
    drip_from_the_start: bool = False
    reset: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Answer = Callable[[Request], Reply]


def table(*rows: Mapping[str, Any], types: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the body of a whole ES|QL answer with these rows."""
    names = list(types or (rows[0] if rows else {}))
    return {
        "took": 3,
        "is_partial": False,
        "columns": [{"name": n, "type": (types or {}).get(n, "keyword")} for n in names],
        "values": [[row[n] for n in names] for row in rows],
    }


def refusal(status: int, kind: str, reason: str) -> Reply:
    """Return an error answer as Elasticsearch shapes it."""
    cause = {"type": kind, "reason": reason}
    return Reply(status, {"error": {"root_cause": [cause], **cause}, "status": status})


class FakeElasticsearch:
    """Routes by the first path segment; the last reply of a list is repeated."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.routes: dict[str, list[Reply] | Answer] = {
            "/": [Reply(body={"version": {"number": "9.5.1"}})],
            "/_field_caps": [Reply(body={"indices": [], "fields": {}})],
            "/_query": [Reply(body=table())],
            "/_security": [Reply(body={"has_all_requested": True, "index": {}})],
        }
        self.url = ""

    def on(self, path: str, *replies: Reply) -> None:
        """Answer requests under `path` with `replies`, one after the other."""
        self.routes[path] = list(replies)

    def sent(self, path: str) -> list[Request]:
        """Return the requests that went to `path`."""
        return [request for request in self.requests if _route(request.path) == path]

    def answer(self, request: Request) -> Reply:
        """Remember the request and pick its reply."""
        self.requests.append(request)
        script = self.routes.get(_route(request.path), [Reply(404, {"error": "no such API"})])
        if not isinstance(script, list):
            return script(request)
        return script.pop(0) if len(script) > 1 else script[0]


def _route(path: str) -> str:
    plain = path.partition("?")[0]
    for part in ("_field_caps", "_query", "_security"):
        if f"/{part}" in plain:
            return f"/{part}"
    return plain


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeElasticsearch

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length)
        body = json.loads(raw) if raw else None
        reply = self.fake.answer(
            Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        )
        if reply.reset:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        if reply.product:
            self.send_header("X-Elastic-Product", "Elasticsearch")
        for name, value in {"Content-Type": JSON, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) + (1000 if reply.cut else 0)))
        if reply.drip_from_the_start:
            data = b"".join([*self._headers_buffer, b"\r\n", data])
        else:
            self.end_headers()
        self._write(data, reply)

    def _write(self, data: bytes, reply: Reply) -> None:
        try:
            if not reply.drip_seconds:
                self.wfile.write(data)
            else:
                for offset in range(len(data)):
                    self.wfile.write(data[offset : offset + 1])
                    self.wfile.flush()
                    time.sleep(reply.drip_seconds)
        except OSError:
            self.close_connection = True
        if reply.cut:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_HEAD = _serve

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@contextmanager
def fake_elasticsearch() -> Iterator[FakeElasticsearch]:
    """Run a scripted Elasticsearch on a free loopback port."""
    fake = FakeElasticsearch()
    with listening(type("Handler", (_Handler,), {"fake": fake})) as fake.url:
        yield fake
