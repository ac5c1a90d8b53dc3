"""A real HTTP server on loopback whose answers a test scripts, faults of the wire included.

`Wire` answers by a function. `forwarded` passes requests on to another server, so that a fault can
be put between a client and a server that really did the work: the answer that got lost.
"""

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def writes(self) -> bool:
        """Whether it would store something."""
        return self.method != "GET" and "dryRun=All" not in self.path


@dataclass(frozen=True)
class Answer:
    """What comes back. `cut` closes the connection after that many bytes of the body (0: before
    the status line), `pause` waits before answering, `drip` waits after every byte of the body,
    `head` after every one before it. `endless` repeats the body for ever, in
    chunks; with `drip` it comes to no whole one."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    pause: float = 0.0
    drip: float = 0.0
    head: float = 0.0
    endless: bool = False


Fault = Callable[[Asked, int], "Callable[[Answer], Answer] | Answer | None"]


def told(status: int, body: Any, **headers: str) -> Answer:
    """Return an answer with a JSON body."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), names)


@dataclass
class Wire:
    """The running server: its URL, what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def count(self, method: str) -> int:
        """Return how many requests that store something came by a method."""
        return sum(1 for one in self.asked if one.method == method and one.writes)

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig for this server and return its path."""
        path = folder / "kubeconfig"
        entry = {"name": "x"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "clusters": [entry | {"cluster": {"server": self.url}}],
            "users": [entry | {"user": {"token": "t"}}],
            "contexts": [entry | {"context": {"cluster": "x", "user": "x"}}],
        }
        path.write_text(json.dumps(config))
        return path


@contextmanager
def listening(
    handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve on a free port of loopback until the block ends; give the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Scripted(BaseHTTPRequestHandler):
    """Sends answers as they are scripted."""

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def send(self, reply: Answer, stopping: threading.Event) -> None:
        stopping.wait(reply.pause)
        if reply.cut == 0:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        if reply.endless:
            self._send_on(reply, stopping)
            return
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.head:
            self._trickle(b"".join(self._headers_buffer), reply.head, stopping)
            self._headers_buffer = []
        self.end_headers()
        if reply.drip:
            self._trickle(reply.body, reply.drip, stopping)
            return
        self.wfile.write(reply.body[: reply.cut])
        self.close_connection = reply.cut is not None

    def _send_on(self, reply: Answer, stopping: threading.Event) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not stopping.is_set():
            if reply.drip:  # the line with a chunk's size, which has no end
                self._trickle(b"0", reply.drip, stopping)
            else:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(reply.body), reply.body))

    def _trickle(self, content: bytes, seconds: float, stopping: threading.Event) -> None:
        for byte in content:
            self.wfile.write(bytes([byte]))
            if stopping.wait(seconds):
                return

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def serving(answer: Callable[[Asked], Answer], tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """Serve on loopback until the block ends."""
    stopping = threading.Event()

    class Handler(_Scripted):
        def answer_it(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            names = {name.title(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, names, self.rfile.read(length))
            wire.asked.append(asked)
            self.send(answer(asked), stopping)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer_it

    wire = Wire("")
    with listening(Handler, tls) as wire.url:
        try:
            yield wire
        finally:
            stopping.set()


def collector() -> AbstractContextManager[Wire]:
    """Serve an OTLP endpoint that takes all it is sent."""
    return serving(lambda _: Answer(body=b""))


def forwarded(url: str, asked: Asked, *names: str) -> Answer:
    """Pass a request on and return the answer, with further headers of these names."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        kept = {k: v for k, v in asked.headers.items() if k.lower() not in ("host", "connection")}
        connection.request(asked.method, asked.path, asked.body or None, kept)
        response = connection.getresponse()
        headers = {
            k.title(): v
            for k, v in response.getheaders()
            if k.lower() in ("retry-after", "warning", *names)
        }
        return Answer(response.status, response.read(), headers)
    finally:
        connection.close()


def faulty(url: str, fault: Fault) -> Callable[[Asked], Answer]:
    """Return an answer function that forwards, but for the requests that `fault` spoils.

    `fault(asked, n)` gets the request and how many that store something came before it. An
    Answer is sent instead of forwarding; a function changes the answer after forwarding.
    """
    lock = threading.Lock()
    seen = 0

    def answer(asked: Asked) -> Answer:
        nonlocal seen
        with lock:
            number = seen
            seen += asked.writes
        spoilt = fault(asked, number)
        if isinstance(spoilt, Answer):
            return spoilt
        reply = forwarded(url, asked)
        return spoilt(reply) if spoilt else reply

    return answer


def lost(reply: Answer) -> Answer:
    """The connection is reset before the answer."""
    return replace(reply, cut=0)


def late(reply: Answer) -> Answer:
    """The answer comes after the client has given up."""
    return replace(reply, pause=5.0)


def dripping(reply: Answer) -> Answer:
    """The answer comes byte by byte, for ever."""
    return replace(reply, drip=0.05)


def cut_short(reply: Answer) -> Answer:
    """The connection ends in the middle of the body."""
    return replace(reply, cut=20)
