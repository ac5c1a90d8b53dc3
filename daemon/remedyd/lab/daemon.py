"""A real daemon beside the lab: its own process, told everything through its settings."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml

from remedyd.errors import RemedydError
from remedyd.lab.running import Running

ROLES: Final = ("viewer", "proposer", "approver")
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_LOWEST_PORT: Final = 20_000
_PORTS: Final = 12_000


class Daemon(Running):
    """Runs `remedyd run` in a directory of its own; its log is `daemon.log` there."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        """Take a directory for store, tokens and log, and settings as `REMEDYD_*` values."""
        self.directory = directory
        self.tokens = {role: secrets.token_urlsafe(32) for role in ROLES}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "daemon.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Return the environment the daemon is started with; it names files, not secrets."""
        own = {
            "DATABASE": f"sqlite:///{self.directory / 'remedyd.db'}",
            "SERVER__HOST": "127.0.0.1",
            "SERVER__PORT": str(self.port),
            "SERVER__TOKENS_FILE": str(self._token_file()),
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("REMEDYD_")}
        return kept | {f"REMEDYD_{k}": v for k, v in (own | dict(self._settings)).items()}

    def command(self) -> list[str]:
        """Return the program to run."""
        return [sys.executable, "-m", "remedyd", "run"]

    def start(self) -> None:
        """Start the process and wait until it answers; raise RemedydError with its last words."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self.command(),
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )
        self._await_ready()

    def _await_ready(self) -> None:
        assert self._process is not None
        transport = httpx2.HTTPTransport(retries=3)
        with httpx2.Client(base_url=self.url, transport=transport, timeout=2.0) as client:
            waited = 0.0
            while waited < _START_SECONDS:
                try:
                    if client.get("/readyz").is_success:
                        return
                except httpx2.HTTPError:
                    pass
                try:
                    self._process.wait(0.1)
                except subprocess.TimeoutExpired:
                    waited += 0.1
                    continue
                break
        last = self.log.read_text(encoding="utf-8").splitlines()[-5:]
        raise RemedydError("the daemon did not become ready: " + "\n".join(last))

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None
        return self._process.pid

    def wait(self, seconds: float) -> int:
        """Wait for the process to end by itself and return its exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def kill(self) -> None:
        """End the process at once, as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """End the process with SIGTERM and return its exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def client(self, role: str) -> httpx2.Client:
        """Return an HTTP client that holds the token of `role`."""
        return httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.tokens[role]}"},
            timeout=10.0,
        )

    def token_file(self, role: str) -> Path:
        """Write the token of `role` into a file of its own, for a client, and return it."""
        path = self.directory / f"{role}.token"
        path.touch(mode=0o600)
        path.write_text(self.tokens[role], encoding="utf-8")
        return path

    def _token_file(self) -> Path:
        path = self.directory / "tokens.yaml"
        entries: list[dict[str, Any]] = [
            {"name": f"demo-{role}", "token": token, "scopes": [role]}
            for role, token in self.tokens.items()
        ]
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump({"tokens": entries}), encoding="utf-8")
        return path


def free_port() -> int:
    """Return a port on loopback that nothing listens on now.

    It lies below the range that the kernel hands out by itself: nobody else gets it meanwhile.
    """
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
