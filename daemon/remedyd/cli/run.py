"""`remedyd run`: the daemon in the foreground, until SIGTERM."""

import os
import signal
import sys
from pathlib import Path

import typer


def run(
    config: Path | None = typer.Option(
        None, "--config", "-c", help="YAML settings file [env: REMEDYD_CONFIG]"
    ),
) -> None:
    """Run the daemon: audits on schedule, the gate on HTTP."""
    from remedyd import settings
    from remedyd.app import App
    from remedyd.observability import logs
    from remedyd.server.asgi import create
    from remedyd.server.auth import Authenticator
    from remedyd.server.context import Context
    from remedyd.server.serving import Server

    named = os.environ.get("REMEDYD_CONFIG")
    loaded = settings.load(config or (Path(named) if named else None))
    logs.configure(loaded.log_level, loaded.log_format)
    # uvicorn raises the signal again once it has stopped: end as a normal exit, not by the signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app = App(loaded)
    authenticator = Authenticator.configured(loaded.server, app.clock)
    service = app.start({"tokens": authenticator.reload})
    try:
        context = Context(service, authenticator.authenticate, app.metrics, loaded.cluster_name)
        application = create(
            context,
            body_limit=loaded.server.body_limit_bytes,
            requests_per_minute=loaded.server.requests_per_minute,
        )
        server = Server(application, context, loaded.server)
        server.run()
    finally:
        app.stop()
