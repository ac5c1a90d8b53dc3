"""Style sheet, scripts and icon: files of the package, with a hash in their address."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from remedyd.errors import NotFound
from remedyd.server.console.paths import STATIC

router = APIRouter(include_in_schema=False)

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_YEAR: Final = "public, max-age=31536000, immutable"


@cache
def _files() -> Mapping[str, bytes]:
    """Read them all once; only what is in the folder can ever be asked for."""
    return {f.name: f.read_bytes() for f in _FOLDER.iterdir() if f.suffix in _TYPES}


@cache
def address(name: str) -> str:
    """Return the address of a file; it changes with the content."""
    return f"{STATIC}{name}?v={hashlib.sha256(_files()[name]).hexdigest()[:12]}"


@router.get(f"{STATIC}{{name}}")
def asset(name: str) -> Response:
    """Give one file."""
    if name not in _files():
        raise NotFound(f"there is no file {name}")
    headers = {"Cache-Control": _YEAR, "Referrer-Policy": "same-origin"}
    return Response(_files()[name], media_type=_TYPES[Path(name).suffix], headers=headers)
