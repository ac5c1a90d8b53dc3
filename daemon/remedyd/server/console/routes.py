"""Every page's router, in the order in which addresses are tried."""

from fastapi import APIRouter, Request, Response

from remedyd.errors import NotFound
from remedyd.server.console import (
    assets,
    audits,
    controls,
    live,
    overview,
    pages,
    paths,
    proposals,
    signing_in,
)

_rest = APIRouter(include_in_schema=False, route_class=pages.Page)


@_rest.get(f"{paths.HOME}/{{rest:path}}")
def nowhere(request: Request, rest: str) -> Response:
    """Say so as a page; a slash too many is forgiven."""
    if not rest:
        return pages.redirect(paths.HOME)
    raise NotFound("there is no such page", hint="begin at the overview")


ROUTERS = (
    signing_in.router,
    assets.router,
    live.router,
    overview.router,
    proposals.router,
    audits.router,
    controls.router,
    _rest,
)
