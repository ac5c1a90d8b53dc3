"""Times as Go reads them, with Go's words for what is wrong with one."""

import re
from datetime import UTC, datetime
from functools import lru_cache

_SECONDS = ("2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05", "Z07:00")
_MICRO = (*_SECONDS[:-1], ".000000", "Z07:00")
_FORMS = {
    "2006": re.compile(r"\d{4}"),
    ".000000": re.compile(r"\.\d{6}"),
    "Z07:00": re.compile(r"Z|[+-]\d\d:\d\d"),
    "-": re.compile("-"),
    ":": re.compile(":"),
    "T": re.compile("T"),
}
_TWO_DIGITS = re.compile(r"\d\d")
_FRACTION = re.compile(r"\.\d+")


def _check(text: str, layout: tuple[str, ...]) -> None:
    rest = text
    for part in layout:
        found = _FORMS.get(part, _TWO_DIGITS).match(rest)
        if not found:
            shape = "".join(layout)
            raise ValueError(
                f'parsing time "{text}" as "{shape}": cannot parse "{rest}" as "{part}"'
            )
        rest = rest[found.end() :]
        if part == "05" and ".000000" not in layout and (more := _FRACTION.match(rest)):
            rest = rest[more.end() :]
    if rest:
        raise ValueError(f'parsing time "{text}": extra text: "{rest}"')


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@lru_cache(maxsize=4096)  # an object's times stay the same from write to write
def seconds(text: str) -> str:
    """Return a time to the second, in UTC; raises ValueError."""
    _check(text, _SECONDS)
    return _moment(text).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4096)
def micro(text: str) -> str:
    """Return a time to the microsecond, in UTC; the six digits must be there."""
    _check(text, _MICRO)
    return _moment(text).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
