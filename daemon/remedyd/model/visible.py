"""Texts of others made safe to look at.

Names, reasons and messages come from telemetry, the cluster and from callers. None of them may
rearrange the page, the terminal or the log in which it stands, or forge a line of it.
"""

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return the text with control and direction characters as escapes; lines and tabs stay."""
    return _UNSAFE.sub(_escape, text)


def in_one_line(text: str) -> str:
    """Return the text so that it cannot be taken for several lines either."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def in_json(text: str) -> str:
    """Return JSON with such characters escaped within its strings: it means the same."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
