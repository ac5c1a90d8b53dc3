"""The daemon's port answers from the first moment on, and nobody who waits there is lost."""

import contextlib
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from remedyd import doorstep
from remedyd.doorstep import Doorstep
from remedyd.errors import ConfigurationError


@pytest.fixture
def door() -> Iterator[Doorstep]:
    """Open a door on loopback."""
    opened = Doorstep("127.0.0.1", 0)
    yield opened
    opened.close()


def ask(door: Doorstep, path: str) -> tuple[int, dict[str, object]]:
    """Return status and body of a GET."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{door.port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_every_address_is_both_families() -> None:
    """A cluster may have either: a kubelet asks at the pod's address, others at loopback."""
    door = Doorstep("::", 0)
    try:
        assert ask(door, "/healthz")[0] == 200
        with contextlib.suppress(OSError), socket.create_connection(("::1", door.port)) as caller:
            caller.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert b"200 OK" in caller.makefile("rb").read()
            assert len(door._sockets) == 2
    finally:
        door.close()


def test_the_process_is_alive_but_not_ready(door: Doorstep) -> None:
    """A probe for life is content, one for readiness hears why it is not."""
    assert ask(door, "/healthz") == (200, {"status": "ok"})
    status, body = ask(door, "/readyz?verbose")
    assert (status, body["reasons"]) == (503, ["starting"])


def test_everything_else_is_asked_to_come_again(door: Doorstep) -> None:
    """A caller learns that it is too early, not that there is nothing."""
    status, body = ask(door, "/v1/proposals")
    assert (status, body["detail"]) == (503, "starting")


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"GET\r\n\r\n", b"x" * 70_000])
def test_strangers_do_not_stop_it(door: Doorstep, sent: bytes) -> None:
    """Silence, TLS, half a request and too long a one are passed over."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as stranger:
        with contextlib.suppress(OSError):  # who says too much may find the door shut already
            stranger.sendall(sent)
            stranger.shutdown(socket.SHUT_WR)
        assert ask(door, "/healthz")[0] == 200


def test_who_drips_does_not_keep_the_door(door: Doorstep) -> None:
    """A byte now and then is no request: neither probes nor the start wait for its end."""
    over = threading.Event()

    def drip(stranger: socket.socket) -> None:
        try:
            while not over.wait(0.05):
                stranger.sendall(b"x")
        except OSError:
            return

    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as stranger:
        thread = threading.Thread(target=drip, args=(stranger,))
        thread.start()
        try:
            assert ask(door, "/healthz")[0] == 200
        finally:
            over.set()
            thread.join()


class _Real(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b'"real"')

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_the_real_server_takes_over_with_whoever_waits() -> None:
    """A connection that came between the two is served by the second."""
    door = Doorstep("127.0.0.1", 0)
    port = door.port
    [handed] = door.hand_over()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as early:
        early.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        server = HTTPServer(("127.0.0.1", 0), _Real, bind_and_activate=False)
        server.socket.close()
        server.socket = handed
        handed.setblocking(True)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert early.makefile("rb").read().endswith(b'"real"')
        thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, ("0.0.0.0", 8000)),
        ([], {"REMEDYD_SERVER__PORT": "9000"}, ("0.0.0.0", 9000)),
        ([], {"remedyd_server__host": "::1", "REMEDYD_SERVER__PORT": "1"}, ("::1", 1)),
        (["--config", "{file}"], {}, ("127.0.0.1", 8123)),
        (["--config={file}"], {"REMEDYD_SERVER__PORT": "9000"}, ("127.0.0.1", 9000)),
        (["-c", "{file}"], {}, ("127.0.0.1", 8123)),
        ([], {"REMEDYD_CONFIG": "{file}"}, ("127.0.0.1", 8123)),
    ],
)
def test_the_address_is_that_of_the_settings(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], expected: tuple[str, int]
) -> None:
    """Environment before file before default, as for every setting."""
    file = tmp_path / "remedyd.yaml"
    file.write_text("server: {host: 127.0.0.1, port: 8123}\n")
    words = [word.format(file=file) for word in arguments]
    values = {name: value.format(file=file) for name, value in environment.items()}
    assert doorstep._address(words, values) == expected


@pytest.mark.parametrize("port", ["nonsense", "70000", "-1"])
def test_a_wrong_address_is_left_to_the_settings(port: str) -> None:
    """They say what is wrong; here nothing is opened."""
    doorstep.begin([], {"REMEDYD_SERVER__HOST": "127.0.0.1", "REMEDYD_SERVER__PORT": port})
    assert doorstep._open is None


def test_a_missing_or_broken_file_is_left_to_the_settings(tmp_path: Path) -> None:
    """The same for a file that cannot be read."""
    file = tmp_path / "remedyd.yaml"
    doorstep.begin(["-c", str(file)], {})
    assert doorstep._open is None
    file.write_text("server: [")
    doorstep.begin(["-c", str(file)], {})
    assert doorstep._open is None


def test_a_door_at_another_address_is_closed() -> None:
    """When the settings came to another address after all, the port is free again."""
    doorstep.begin([], {"REMEDYD_SERVER__HOST": "127.0.0.1", "REMEDYD_SERVER__PORT": "0"})
    door = doorstep._open
    assert door is not None
    port = door.port
    found = doorstep.opened("localhost", 0)
    assert found is not None
    found.close()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_the_door_that_is_open_is_the_one_that_is_given() -> None:
    """It is opened once, however early."""
    doorstep.begin([], {"REMEDYD_SERVER__HOST": "127.0.0.1", "REMEDYD_SERVER__PORT": "0"})
    early = doorstep._open
    found = doorstep.opened("127.0.0.1", 0)
    assert found is not None
    assert found is early
    found.close()


def test_a_port_that_is_taken_is_told(door: Doorstep) -> None:
    """By its address, and with what to do."""
    with pytest.raises(ConfigurationError, match=f"127.0.0.1 port {door.port}: Address already"):
        doorstep.opened("127.0.0.1", door.port)


def test_a_name_is_left_to_the_real_server() -> None:
    """It may know how to look it up."""
    assert doorstep.opened("no-such-host.invalid", 0) is None
