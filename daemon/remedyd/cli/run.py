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
    import uvicorn

    from remedyd import settings
    from remedyd.app import App
    from remedyd.observability import logs
    from remedyd.server.asgi import create
    from remedyd.server.auth import Authenticator
    from remedyd.server.context import Context

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
        server = uvicorn.Server(
            uvicorn.Config(
                create(context, body_limit=loaded.server.body_limit_bytes),
                host=loaded.server.host,
                port=loaded.server.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                server_header=False,
            )
        )
        server.run()
    finally:
        app.stop()
