"""A first, untrusting look at a JSON Web Token: whose it says it is, and until when.

Nothing here is verified. It only spares the API server and the identity provider requests about
texts that cannot be theirs, and ends a remembered answer with the token.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_LONGEST: Final = 16_384


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token says of itself; `expires` is None when it does not say."""

    issuer: str
    expires: datetime | None


def peek(token: str) -> Claimed | None:
    """Return what the token says of itself, None if it is no JSON Web Token."""
    parts = token.split(".")
    if len(token) > _LONGEST or len(parts) != 3 or not all(parts):
        return None
    header, claims = part(parts[0]), part(parts[1])
    if header is None or claims is None or not isinstance(claims.get("iss"), str):
        return None
    ends = claims.get("exp")
    if ends is None:
        return Claimed(claims["iss"], None)
    try:
        return Claimed(claims["iss"], datetime.fromtimestamp(float(ends), UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def part(text: str) -> dict[str, Any] | None:
    """Return the JSON object in one part of a token, None where there is none."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
