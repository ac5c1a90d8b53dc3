"""Reading dates: the ISO forms Elasticsearch accepts, as milliseconds or nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_FORM = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(?:(\d{2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?)?"
    r"(Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO = "strict_date_optional_time"


@lru_cache(maxsize=4096)
def parse_nanos(text: str) -> int | None:
    """Return nanoseconds since 1970 of an ISO date, or None where it is none.

    Missing parts are the smallest ones (`2026-11` is the first of November), no zone is UTC.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    seconds = (moment - _EPOCH) // timedelta(seconds=1) - _offset(zone)
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
    return -seconds if zone[0] == "-" else seconds


def parse_millis(text: str) -> int | None:
    """Return milliseconds since 1970 of an ISO date; finer digits are cut off."""
    nanos = parse_nanos(text)
    return None if nanos is None else nanos // 1_000_000


def millis(moment: datetime) -> int:
    """Return milliseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_millis(value: int) -> datetime:
    """Return the aware UTC datetime of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=value)


def iso(value: int, *, nanos: bool = False) -> str:
    """Format milliseconds (or nanoseconds) since 1970 as Elasticsearch prints a date."""
    scale = 1_000_000_000 if nanos else 1000
    seconds, fraction = divmod(value, scale)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    if not nanos:
        return f"{text}.{fraction:03d}Z"
    digits = f"{fraction:09d}"
    while len(digits) > 3 and digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z"
