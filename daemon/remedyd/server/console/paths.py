"""Where the console lives, and which of its paths anyone may ask for."""

from typing import Final
from urllib.parse import quote

from starlette.types import Scope

HOME: Final = "/console"
SIGN_IN: Final = f"{HOME}/sign-in"
PROVIDER: Final = f"{SIGN_IN}/provider"
CALLBACK: Final = f"{SIGN_IN}/callback"
STATIC: Final = f"{HOME}/static/"


def owns(path: str) -> bool:
    """Whether a request for `path` is the console's."""
    return path == HOME or path.startswith(f"{HOME}/")


def public(path: str) -> bool:
    """Whether a stranger may have it: the sign-in form, and what it looks like."""
    return path in (SIGN_IN, PROVIDER, CALLBACK) or path.startswith(STATIC)


def sign_in(scope: Scope) -> str:
    """Return the address of the sign-in form that leads back to what was asked for."""
    path, query = str(scope["path"]), scope.get("query_string", b"").decode("latin-1")
    back = f"{path}?{query}" if query else path
    return SIGN_IN if back == HOME else f"{SIGN_IN}?next={quote(back, safe='')}"


def back(wanted: str) -> str:
    """Return `wanted` if it is a page of the console, its start otherwise: no open redirect."""
    path = wanted.partition("?")[0]
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and "//" not in path
    return wanted if plain and owns(path) and ".." not in path else HOME
