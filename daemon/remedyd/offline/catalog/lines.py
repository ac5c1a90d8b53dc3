"""Where in a JSON text a member is, which parsing alone does not tell."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def line_of(text: str, keys: Sequence[str]) -> int:
    """Return the line, from 1, of the member these keys lead to in a valid JSON text.

    Where the last keys are missing it is the line of the last one found, 0 for none.
    """
    at, found = _skip(text, 0), -1
    for key in keys:
        place = _member(text, at, key)
        if place is None:
            break
        found, at = place
    return 0 if found < 0 else text.count("\n", 0, found) + 1


def _member(text: str, at: int, wanted: str) -> tuple[int, int] | None:
    """Return where a member of the object at `at` begins, and where its value does."""
    if text[at : at + 1] != "{":
        return None
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        key, end = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, end) + 1)
        if key == wanted:
            return at, value
        _, end = _DECODER.raw_decode(text, value)
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
    return None


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return at if match is None else match.end()
