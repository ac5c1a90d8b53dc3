"""Answers /healthz while the rest of the daemon is still being imported.

The libraries of the daemon take seconds to import on a busy node, during which a kubelet's probe
would meet a closed port. So the port is opened first, by the standard library alone, and handed
over to the real server. Until then /healthz says that the process lives, /readyz that it is
starting, and everything else that it should be asked again.
"""

import errno
import os
import select
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_DEFAULT: Final = ("0.0.0.0", 8000)  # noqa: S104 - in a pod; the settings' own default
_EVERY: Final = {"::": ("0.0.0.0", "::")}  # noqa: S104 - two sockets: callers keep their address
_ABSENT: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
_LONGEST: Final = 65_536
_PATIENCE_SECONDS: Final = 0.5
_ALIVE: Final = ("200 OK", '{"status":"ok"}')
_STARTING: Final = (
    "503 Service Unavailable",
    '{"status":"not ready","reasons":["starting"],"notices":[]}',
)
_LATER: Final = (
    "503 Service Unavailable",
    '{"title":"Service Unavailable","status":503,"detail":"starting","hint":"try again soon"}',
)


class Doorstep:
    """Listening sockets, and a thread that answers the probes on them."""

    def __init__(self, host: str, port: int) -> None:
        """Bind; raise OSError where that is not possible."""
        self.address: Final = (host, port)
        if not 0 <= port <= 65535:
            raise ValueError(f"{port} is no port")
        self._sockets = _listening(host, port)
        self._ended, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._answer, name="doorstep", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that was bound, also where any free one was asked for."""
        return int(self._sockets[0].getsockname()[1])

    def hand_over(self) -> list[socket.socket]:
        """Stop answering and return the sockets; whoever waits on them is not lost."""
        self._stop()
        for one in self._sockets:
            one.setblocking(False)
        return self._sockets

    def close(self) -> None:
        """Stop answering and give the port up."""
        self._stop()
        for one in self._sockets:
            one.close()

    def _stop(self) -> None:
        self._end.close()
        self._thread.join()

    def _answer(self) -> None:
        while True:
            ready, _, _ = select.select([*self._sockets, self._ended], [], [])
            if self._ended in ready:
                self._ended.close()
                return
            try:
                connection, _ = ready[0].accept()
            except OSError:  # it was gone before we took it
                continue
            with connection:
                _serve(connection)


def _listening(host: str, port: int) -> list[socket.socket]:
    """Return a socket for each address that `host` stands for, IPv6 only where there is any."""
    found: list[socket.socket] = []
    for address in _EVERY.get(host, (host,)):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        at = (address, found[0].getsockname()[1] if found else port)
        try:
            found.append(socket.create_server(at, family=family, backlog=512))
        except OSError as error:
            if not found or error.errno not in _ABSENT:
                for one in found:
                    one.close()
                raise
    return found


def _serve(connection: socket.socket) -> None:
    """Answer one request; whoever is slow or speaks no HTTP is left alone."""
    received, end = b"", time.monotonic() + _PATIENCE_SECONDS
    try:
        # bounded as a whole: who sends a byte now and then would keep the door, and the start
        while b"\r\n\r\n" not in received and len(received) < _LONGEST:
            left = end - time.monotonic()
            connection.settimeout(max(left, 0.001))
            part = connection.recv(4096) if left > 0 else b""
            if not part:
                return
            received += part
        connection.settimeout(_PATIENCE_SECONDS)
        words = received.split(b"\r\n", 1)[0].split(b" ")
        path = words[1].split(b"?")[0] if len(words) == 3 else b""
        status, body = {b"/healthz": _ALIVE, b"/readyz": _STARTING}.get(path, _LATER)
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nRetry-After: 1\r\nCache-Control: no-store\r\n"
            "Connection: close\r\n\r\n"
        )
        connection.sendall((head + ("" if words[0] == b"HEAD" else body)).encode())
    except OSError:
        return


_open: Doorstep | None = None


def begin(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Open the door that the settings name, if they can be told so early.

    Anything unusual is left to the real start, which says what is wrong.
    """
    global _open
    try:
        _open = Doorstep(*_address(arguments, environment))
    except (OSError, ValueError, OverflowError):
        _open = None


def opened(host: str, port: int) -> Doorstep | None:
    """Return the door at this address, opened now if it is not yet; one elsewhere is closed.

    None for a host whose name the real server has to look up. Raise `ConfigurationError` where
    nobody can listen, before anything else has begun.
    """
    global _open
    door, _open = _open, None
    if door is not None and door.address == (host, port):
        return door
    if door is not None:
        door.close()
    try:
        return Doorstep(host, port)
    except OSError as error:
        if (error.errno or 0) < 0:  # the name was not found, as create_server tells it
            return None
        from remedyd.errors import ConfigurationError

        raise ConfigurationError(
            f"nobody can listen at {host} port {port}: {os.strerror(error.errno or 0)}",
            hint="end what listens there, or set REMEDYD_SERVER__HOST and REMEDYD_SERVER__PORT",
        ) from error


def _address(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int]:
    """Return host and port from the environment, the settings file, or the defaults."""
    known = {name.upper(): value for name, value in environment.items()}
    host, port = known.get("REMEDYD_SERVER__HOST"), known.get("REMEDYD_SERVER__PORT")
    file = _config(arguments) or environment.get("REMEDYD_CONFIG", "")
    section: Mapping[str, Any] = {}
    if file and (host is None or port is None):
        section = _section(Path(file))
    host = str(section.get("host", _DEFAULT[0])) if host is None else host
    return host, int(section.get("port", _DEFAULT[1]) if port is None else port)


def _section(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        with path.open(encoding="utf-8") as file:
            found = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    server = found.get("server") if isinstance(found, dict) else None
    return server if isinstance(server, dict) else {}


def _config(arguments: Sequence[str]) -> str:
    """Return what `--config` or `-c` names, "" when neither is given."""
    for index, word in enumerate(arguments):
        if word in ("--config", "-c") and index + 1 < len(arguments):
            return arguments[index + 1]
        if word.startswith("--config="):
            return word.removeprefix("--config=")
    return ""


def main() -> None:
    """Run the command line; a daemon opens its port before anything else is imported."""
    import sys

    if sys.argv[1:2] == ["run"] and not {"--help", "-h"} & set(sys.argv):
        begin(sys.argv[2:], os.environ)
    try:
        from remedyd.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:  # also while libraries are being imported
        sys.exit(130)
