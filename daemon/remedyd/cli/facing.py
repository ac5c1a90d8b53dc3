"""What a daemon shows the world: REST, console and MCP over one service.

Its imports take a while, so that `run` alone loads it, once the port is open.
"""

from fastapi import FastAPI

from remedyd.app import App
from remedyd.server.asgi import create
from remedyd.server.auth import Authenticator
from remedyd.server.console.provider import Provider
from remedyd.server.console.sessions import Sessions
from remedyd.server.context import Context
from remedyd.server.mcp.origins import Origins
from remedyd.service import Service
from remedyd.settings import Settings


def facing(
    settings: Settings, app: App, known: Authenticator, service: Service
) -> tuple[FastAPI, Context]:
    """Return the application that serves an app, to those who are known, and its context.

    Raises ConfigurationError for a session key or an identity provider that cannot be used.
    """
    server = settings.server
    context = Context(
        service,
        known.authenticate,
        app.metrics,
        settings.cluster_name,
        sessions=Sessions.configured(server, known.holder, known.lasting, service.sign_outs),
        provider=Provider.configured(server.oidc, app.credentials.follow),
        clock=app.clock,
        dry_run=settings.dry_run,
        listed=known.listed,
    )
    application = create(
        context,
        body_limit=server.body_limit_bytes,
        requests_per_minute=server.requests_per_minute,
        origins=Origins(server.allowed_origins, server.allowed_hosts) if server.mcp else None,
    )
    return application, context
