"""A whole daemon in this process: the real app on the lab, served on a loopback port."""

import secrets
import threading
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import uvicorn
import yaml

from remedyd.app import App
from remedyd.lab.world import Lab
from remedyd.server.asgi import create
from remedyd.server.callers import authenticator
from remedyd.server.console.provider import Provider
from remedyd.server.console.sessions import Sessions
from remedyd.server.context import Context
from remedyd.settings import Settings
from support.sections import sections

T = TypeVar("T", bound=AbstractContextManager[Any])
ROLES = ("viewer", "proposer", "approver", "admin")
TOKENS = {role: secrets.token_urlsafe(32) for role in (*ROLES, "elsewhere", "expired", "wrong")}


class Running:
    """The daemon between `with` and its end; `client(role)` speaks to it."""

    def __init__(
        self,
        lab: Lab,
        directory: Path,
        *,
        server: dict[str, Any] | None = None,
        failures: int = 10,
        **settings: Any,
    ) -> None:
        """Take the lab it works on and a directory for its store; `server` adds settings there.

        `failures` are the wrong tokens a minute that are put up with.
        """
        self._failures = failures
        tokens: list[dict[str, Any]] = [
            {"name": role, "token": TOKENS[role], "scopes": [role]} for role in ROLES
        ]
        tokens.append(
            {
                "name": "elsewhere",
                "token": TOKENS["elsewhere"],
                "scopes": ["approver"],
                "namespaces": ["another"],
            }
        )
        tokens.append(
            {
                "name": "expired",
                "token": TOKENS["expired"],
                "scopes": ["admin"],
                "expires": "2020-01-01T00:00:00Z",
            }
        )
        settings = {"database": f"sqlite:///{directory / 'remedyd.db'}", **settings}
        settings["server"] = {"tokens": yaml.safe_dump({"tokens": tokens}), **(server or {})}
        self._take(App(Settings(**sections(lab.daemon_settings(directory), **settings))))

    def _take(self, app: App) -> None:
        """Take the app that is to be served."""
        self.app, self.settings = app, app.settings
        self._thread: threading.Thread | None = None
        self._clients = ExitStack()
        self._known: dict[str, httpx2.Client] = {}

    def __enter__(self) -> Self:
        """Start, and wait until the port is open."""
        follow = self.app.credentials.follow
        known = authenticator(
            self.settings.server,
            self.app.clock,
            self.app.reviewer,
            failures=self._failures,
            follow=follow,
        )
        service = self.app.start()
        self.service = service
        context = Context(
            service,
            known.authenticate,
            self.app.metrics,
            "lab",
            sessions=Sessions.configured(
                self.settings.server, known.holder, known.lasting, service.sign_outs
            ),
            provider=Provider.configured(self.settings.server.oidc, follow),
            clock=self.app.clock,
            dry_run=self.settings.dry_run,
            listed=known.listed,
        )
        opened = threading.Event()

        class Server(uvicorn.Server):
            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets)
                opened.set()

        application = create(context, requests_per_minute=self.settings.server.requests_per_minute)
        config = uvicorn.Config(
            application, host="127.0.0.1", port=0, log_config=None, access_log=False
        )
        self._server = Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        assert opened.wait(10), "the server did not open its port"
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def client(self, role: str = "") -> httpx2.Client:
        """Return the client with the token of `role`; none for ""."""
        if role not in self._known:
            headers = {"Authorization": f"Bearer {TOKENS[role]}"} if role else {}
            self._known[role] = self._clients.enter_context(
                # http alone: reading the system's certificates would be most of a test's work
                httpx2.Client(base_url=self.url, headers=headers, timeout=20, verify=False)
            )
        return self._known[role]

    def keep(self, opened: T) -> T:
        """Close what a test opened together with the daemon's own clients."""
        return self._clients.enter_context(opened)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving, then stop the app."""
        self._clients.close()
        self._server.should_exit = True
        assert self._thread is not None
        self._thread.join(10)
        self.app.stop()
