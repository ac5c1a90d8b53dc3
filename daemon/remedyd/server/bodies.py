"""Reads a request's body whole, within its bound, before any handler sees it.

Bodies here are a few hundred bytes; buffering them lets one place say 413, 415 and "no JSON",
and lets a repeated request be recognised by its hash.
"""

import asyncio
import json
import re
from typing import Any, Final

from starlette.types import Message, Receive, Scope

_JSON: Final = "application/json"
_LENGTH: Final = re.compile("[0-9]{1,18}")
_SECONDS: Final = 30.0


class Refusal(Exception):
    """The body cannot be taken: `status`, what is wrong, and the next step."""

    def __init__(self, status: int, detail: str, hint: str = "") -> None:
        """Take the HTTP status and the words."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint


def header(scope: Scope, name: str) -> str:
    """Return a request header, "" when it is absent."""
    wanted = name.lower().encode("latin-1")
    for key, value in scope["headers"]:
        if key == wanted:
            return str(value.decode("latin-1"))
    return ""


async def read(scope: Scope, receive: Receive, limit: int, seconds: float = _SECONDS) -> bytes:
    """Return the body; raise Refusal: 413 beyond `limit` bytes, declared or counted, 408 too late.

    Anyone may begin to sign in: a body that never ends must not keep its connection for ever.
    """
    length = header(scope, "content-length") or "0"
    if not _LENGTH.fullmatch(length):
        raise Refusal(400, "the header Content-Length is not a number")
    if int(length) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _whole(receive, limit)
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {seconds:.0f} s") from None


async def _whole(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refusal(400, "the connection ended before the body did")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"the body is larger than {limit} bytes")


def check_json(scope: Scope, body: bytes) -> None:
    """Raise Refusal unless the body is empty, or JSON and says so: 415, or 422 with the place."""
    if not body:
        return
    kind = header(scope, "content-type").partition(";")[0].strip().lower()
    if kind != _JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        named = f"{kind!r} is" if kind else "the body's type is missing or"
        raise Refusal(415, f"{named} not JSON", hint=f"send the header Content-Type: {_JSON}")
    try:
        json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Refusal(422, f"the body is not valid JSON: {error.msg} at {place}") from None
    except UnicodeDecodeError:
        raise Refusal(422, "the body is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise Refusal(422, "the body is not valid JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more, then what comes from the client."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
