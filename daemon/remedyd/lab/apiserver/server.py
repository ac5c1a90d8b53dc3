"""The API server on a loopback socket: HTTP/1.1, keep-alive, one thread per connection."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from remedyd.lab.apiserver import gojson, plugins, router
from remedyd.lab.apiserver.access import ADMINISTRATOR, ANONYMOUS, AUDIENCE, Authorizer, Tokens
from remedyd.lab.apiserver.apifaults import Fault, Faults
from remedyd.lab.apiserver.backend import Backend, LogSource, MetricsSource
from remedyd.lab.apiserver.messages import Request, Response, User
from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

_LOGGED_REQUESTS = 100_000


@dataclass(frozen=True, slots=True)
class Logged:
    """One request as it was answered; `status` 0 when the connection was cut instead."""

    method: str
    path: str
    query: dict[str, list[str]]
    user_agent: str
    body: Any
    status: int
    user: str


_TIMEOUT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def _unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized", "Unauthorized")


def _too_late() -> StatusError:
    message = "Timeout: request did not complete within the allotted timeout"
    return StatusError(504, "Timeout", message, details={})


def _seconds(query: str) -> float | None:
    """Return for how long the body is waited for: `timeout=8500ms`; None for no such limit."""
    found = _TIMEOUT.fullmatch(parse_qs(query).get("timeout", [""])[0])
    return float(found[1]) * _UNITS[found[2]] if found else None


class Moment(StrEnum):
    """How far a request has come when it is announced."""

    BEGUN = "begun"
    """Its head is read; who asks is not looked at yet and the body is missing."""
    READ = "read"
    """It is read whole; nothing is done yet."""
    DONE = "done"
    """It took effect, or was refused; nothing is answered yet."""


Announce = Callable[[Moment, Request, int], None]
"""Called in the thread of the request; the last argument is the status, 0 before `DONE`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], api: "LabApiServer") -> None:
        self.api = api
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "lab"
    wbufsize = 1 << 16
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.api.connections.add(self.connection)

    def finish(self) -> None:
        self.server.api.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept in `LabApiServer.requests`, not printed."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Date answers by the cluster's clock."""
        return super().date_time_string(timestamp or self.server.api.now().timestamp())

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        headers = {key.lower(): value for key, value in self.headers.items()}
        query = parse_qs(parts.query, keep_blank_values=True)
        api = self.server.api
        head = Request(self.command, parts.path, query, headers, b"", ANONYMOUS)
        api.announce(Moment.BEGUN, head, 0)
        try:
            body = self._body(parts.query)
        except TimeoutError:
            api.announce(Moment.DONE, head, 504)
            self.close_connection = True
            self.send(Response(504, _too_late().body()))
            return
        api.handle(self, self.command, parts.path, query, headers, body)

    def _body(self, query: str) -> bytes:
        """Read the body, within the `timeout` that the request gives itself."""
        length = int(self.headers.get("Content-Length") or 0)
        if not length:
            return b""
        self.connection.settimeout(_seconds(query))
        try:
            return self.rfile.read(length)
        finally:
            self.connection.settimeout(None)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def send(self, response: Response, slow: float = 0.0) -> None:
        """Write an answer."""
        self.send_response(response.status)
        if "Cache-Control" not in response.headers:
            self.send_header("Cache-Control", "no-cache, private")
        if response.content_type:
            self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        for warning in response.warnings:
            self.send_header("Warning", f"299 - {gojson.quote(warning)}")
        if response.stream is not None:
            self._send_stream(response)
            return
        payload = response.payload()
        if response.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command == "HEAD" or response.status == 204:
            payload = b""
        if slow:
            for byte in payload:
                self.wfile.write(bytes((byte,)))
                self.wfile.flush()
                time.sleep(slow)
        else:
            self.wfile.write(payload)
        self.wfile.flush()

    def _send_stream(self, response: Response) -> None:
        assert response.stream is not None
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            for chunk in response.stream:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        finally:
            close = getattr(response.stream, "close", None)
            if close is not None:
                close()


class LabApiServer:
    """A simulated Kubernetes API server over an ObjectStore.

    `tokens` maps bearer tokens to users; None (the default) takes everybody for an
    administrator. With tokens, a request without credentials is `system:anonymous`.
    `authorizer` decides what users may do (default: everything; `access.RoleBased(store)` denies
    what no role allows). `logs` and `metrics` supply pod logs and metrics.k8s.io. `requests`
    logs what was asked, `faults` holds scripted failures; `crashes` collects errors of the
    simulation itself, which a client sees as a 500. `announce` hears of each request while it is
    on its way, so that somebody can strike in the middle of it.
    """

    def __init__(
        self,
        store: ObjectStore,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        tokens: Mapping[str, User] | None = None,
        authorizer: Authorizer | None = None,
        logs: LogSource | None = None,
        metrics: MetricsSource | None = None,
        ids: Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Bind the socket; `port` 0 takes a free one. `now` dates the answers."""
        self.store = store
        self.backend = Backend(store, ids or Random(0))
        plugins.install(store, self.backend.ids)
        store.on_change(self._forget)
        if authorizer is not None:
            self.backend.authorizer = authorizer
        if logs is not None:
            self.backend.logs = logs
        if metrics is not None:
            self.backend.metrics = metrics
        self.authenticates = tokens is not None
        for token, user in (tokens or {}).items():
            self.tokens.add(token, user)
        self.now = now
        self.requests: list[Logged] = []
        self.crashes: list[Exception] = []
        self.faults = Faults()
        self.announce: Announce = lambda moment, request, status: None
        self.connections: set[socket.socket] = set()
        self._server = _Server((host, port), self)
        self._thread: threading.Thread | None = None

    @property
    def tokens(self) -> Tokens:
        """The bearer tokens that are accepted."""
        return self.backend.tokens

    @property
    def address(self) -> str:
        """`host:port`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self.address}"

    def kubeconfig(self, token: str = "") -> str:
        """Return a kubeconfig for this server, as YAML (JSON is YAML)."""
        user = {"token": token} if token else {}
        name = "remedyd-lab"
        context = {"cluster": name, "user": name, "namespace": "default"}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "clusters": [{"name": name, "cluster": {"server": self.url}}],
                "users": [{"name": name, "user": user}],
                "contexts": [{"name": name, "context": context}],
            },
            indent=2,
        )

    def start(self) -> "LabApiServer":
        """Serve in a thread."""
        serve = self._server.serve_forever
        self._thread = threading.Thread(
            target=serve, kwargs={"poll_interval": 0.05}, name="lab-apiserver", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, end watches, close every connection."""
        self.backend.stopping = True
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(timeout=5)
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._server.server_close()

    def __enter__(self) -> "LabApiServer":
        """Start it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def _forget(self, type_: str, gvr: str, obj: KubeObject) -> None:
        if type_ == "DELETED":
            self.backend.wire.forget(gvr, obj)

    def _user(self, headers: Mapping[str, str]) -> User:
        if not self.authenticates:
            return ADMINISTRATOR
        given = headers.get("authorization", "")
        if not given:
            return ANONYMOUS
        scheme, _, token = given.partition(" ")
        found = self.tokens.find(token.strip(), self.store.clock.now())
        if scheme.lower() != "bearer" or found is None or AUDIENCE not in found.audiences:
            raise _unauthorized()
        return found.user

    def answer(self, request: Request) -> Response:
        """Answer a request without a socket; errors become Status bodies."""
        try:
            return router.route(self.backend, request, self.address)
        except StatusError as error:
            return Response(error.code, error.body(), headers=error.headers)
        except Exception as error:
            self.crashes.append(error)
            message = f"Internal error occurred: {type(error).__name__}: {error}"
            failure = StatusError(500, "InternalError", message, details={})
            return Response(500, failure.body())

    def handle(
        self,
        handler: _Handler,
        method: str,
        path: str,
        query: dict[str, list[str]],
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        """Answer one request on its connection, faults included."""
        try:
            request = Request(method, path, query, headers, body, self._user(headers))
        except StatusError as error:
            handler.send(Response(error.code, error.body()))
            self._log(Request(method, path, query, headers, body, ANONYMOUS), error.code)
            return
        fault = self.faults.take(request)
        if fault is not None:
            self._faulty(handler, request, fault)
            return
        self.announce(Moment.READ, request, 0)
        response = self.answer(request)
        self._log(request, response.status)
        self.announce(Moment.DONE, request, response.status)
        handler.send(response)

    def _faulty(self, handler: _Handler, request: Request, fault: Fault) -> None:
        if fault.delay and not fault.after_write:
            time.sleep(fault.delay)
        passes = fault.after_write or not (fault.error or fault.hang_up)
        response = self.answer(request) if passes else Response(500)
        if fault.delay and fault.after_write:
            time.sleep(fault.delay)
        if fault.hang_up:
            self._log(request, 0)
            handler.hang_up()
            return
        if fault.error is not None:
            response = Response(fault.error.code, fault.error.body(), headers=fault.error.headers)
        self._log(request, response.status)
        handler.send(response, fault.slow)

    def _log(self, request: Request, status: int) -> None:
        if len(self.requests) >= _LOGGED_REQUESTS:
            del self.requests[: _LOGGED_REQUESTS // 10]
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:
            body = request.body.decode(errors="replace")
        agent = request.headers.get("user-agent", "")
        query = dict(request.query)
        self.requests.append(
            Logged(request.method, request.path, query, agent, body, status, request.user.name)
        )
