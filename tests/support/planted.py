"""A daemon of its own process, full of planted secrets, and everything that leaves it."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2

from remedyd.lab.elasticsearch.security import Account
from remedyd.lab.world import TOKEN, Lab
from support.openid import SignIn
from support.trail import Receiver
from support.ways import rarely
from support.wire import Wire

ROLES = ("viewer", "proposer", "approver", "admin")


def a_secret() -> str:
    """Return what nobody else could say by chance."""
    return secrets.token_urlsafe(32)


@dataclass
class Planted:
    """The secrets, by kind; `forms` are all the texts in which one could be betrayed."""

    known: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, kind: str) -> str:
        """Return the secret of a kind, made when it is first asked for."""
        return self.known.setdefault(kind, a_secret())

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """Yield each secret plainly, and as the credentials of basic authentication."""
        for kind, value in self.known.items():
            yield kind, value.encode()
            yield f"{kind}, as base64", b64encode(value.encode()).rstrip(b"=")

    def found_in(self, text: bytes) -> list[str]:
        """Return which kinds stand in a text."""
        return [kind for kind, form in self.forms() if form in text]


class Process:
    """`remedyd run` with every kind of secret; `said` is what it printed."""

    def __init__(
        self,
        home: Path,
        planted: Planted,
        lab: Lab,
        trail: Receiver,
        spans: Wire,
        oidc: SignIn,
    ) -> None:
        """Write its files; nothing is started yet."""
        self.home = home
        self.said = ""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        oidc.back = f"{self.url}/console/sign-in/callback"
        oidc.secret = planted["OIDC client secret"]
        key = lab.elasticsearch.endpoint.security.add_key(
            "telemetry", planted["Elasticsearch API key"], Account("telemetry")
        )
        planted.known["Elasticsearch API key, encoded"] = key
        planted.known["kubeconfig token"] = TOKEN
        _tokens(home, planted)
        inline = {"tokens": [{"name": "inline", "token": planted["admin"], "scopes": ["admin"]}]}
        (home / "session.key").write_text(planted["session key"])
        told = lab.daemon_settings(home) | {
            "DATABASE": f"sqlite:///{home / 'remedyd.db'}",
            "AUDITS": json.dumps([str(rarely(home))]),
            "LOG_FORMAT": "console",
            "LOG_LEVEL": "DEBUG",
            "ELASTICSEARCH__API_KEY": key,
            "TRAIL__URL": trail.url,
            "TRAIL__API_KEY": planted["trail API key"],
            "TRACES__ENDPOINT": spans.url,
            "TRACES__HEADERS": f"x-key={planted['traces header']}",
            "SERVER__HOST": "127.0.0.1",
            "SERVER__PORT": str(port),
            "SERVER__TOKENS_FILE": str(home / "tokens.yaml"),
            "SERVER__TOKENS": json.dumps(inline),
            "SERVER__SESSION_KEY_FILE": str(home / "session.key"),
            "SERVER__OIDC__ISSUER": oidc.url,
            "SERVER__OIDC__AUDIENCE": "remedyd",
            "SERVER__OIDC__REDIRECT_URL": oidc.back,
            "SERVER__OIDC__CLIENT_SECRET": planted["OIDC client secret"],
        }
        self._environment = environment(**{f"REMEDYD_{name}": v for name, v in told.items()})

    def __enter__(self) -> "Process":
        """Start, and wait until it is served."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "remedyd", "run"],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._guard = threading.Timer(300, self._process.kill)
        self._guard.start()
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()
        self._until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it as Kubernetes does, and hear its last words."""
        self._process.send_signal(signal.SIGTERM)
        self._reader.join()
        self.status = self._process.wait()
        self._guard.cancel()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def arguments(self) -> bytes:
        """What everybody on the machine can read of the process."""
        return Path(f"/proc/{self._process.pid}/cmdline").read_bytes()

    def stored(self) -> bytes:
        """Return what the store's files hold, the write-ahead log too."""
        return b"".join(path.read_bytes() for path in sorted(self.home.glob("remedyd.db*")))

    def _read(self, out: IO[str]) -> None:
        for line in out:
            self.said += line

    def _until_ready(self) -> None:
        pause = threading.Event()
        with httpx2.Client(base_url=self.url, verify=False, timeout=10) as http:
            while self._process.poll() is None:
                try:
                    if http.get("/readyz").status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                pause.wait(0.1)
        raise AssertionError(f"the daemon ended: {self.said[-3000:]}")


def environment(**added: str) -> dict[str, str]:
    """Return this process's environment without any setting of a daemon but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REMEDYD_")}
    return {**kept, "NO_COLOR": "1", **added}


def uncoloured(text: str) -> str:
    """Return a log without the codes for colours, in which a secret could hide."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _tokens(home: Path, planted: Planted) -> None:
    listed: list[dict[str, Any]] = [
        {"name": role, "token": planted[role], "scopes": [role]} for role in ROLES[:2]
    ]
    (home / "approver.token").write_text(planted["approver"])
    listed.append({"name": "approver", "tokenFile": "approver.token", "scopes": ["approver"]})
    listed.append(
        {
            "name": "gone",
            "token": planted["expired token"],
            "scopes": ["admin"],
            "expires": "2020-01-01T00:00:00Z",
        }
    )
    grants = [{"from": "oidc", "user": "ann", "scopes": ["approver"]}]
    file = home / "tokens.yaml"
    file.write_text(json.dumps({"tokens": listed, "grants": grants}), encoding="utf-8")
