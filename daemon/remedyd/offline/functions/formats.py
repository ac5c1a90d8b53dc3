"""Java date patterns, as far as DuckDB has a counterpart for each letter.

A letter without one is refused where the query is verified: a date that is parsed or printed
a little differently is worse than none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LETTERS = {
    "yyyy": ("%Y", r"\d{4}"),
    "uuuu": ("%Y", r"\d{4}"),
    "yy": ("%y", r"\d{2}"),
    "MM": ("%m", r"\d{2}"),
    "M": ("%-m", r"\d{1,2}"),
    "MMM": ("%b", r"[A-Z][a-z]{2}"),
    "MMMM": ("%B", r"[A-Z][a-z]+"),
    "dd": ("%d", r"\d{2}"),
    "d": ("%-d", r"\d{1,2}"),
    "DDD": ("%j", r"\d{3}"),
    "HH": ("%H", r"\d{2}"),
    "H": ("%-H", r"\d{1,2}"),
    "hh": ("%I", r"\d{2}"),
    "h": ("%-I", r"\d{1,2}"),
    "mm": ("%M", r"\d{2}"),
    "m": ("%-M", r"\d{1,2}"),
    "ss": ("%S", r"\d{2}"),
    "s": ("%-S", r"\d{1,2}"),
    "SSS": ("%g", r"\d{3}"),
    "a": ("%p", "[AP]M"),
    "E": ("%a", "[A-Z][a-z]{2}"),
    "EEE": ("%a", "[A-Z][a-z]{2}"),
    "EEEE": ("%A", "[A-Z][a-z]+"),
    "X": ("Z", "Z"),
    "XX": ("Z", "Z"),
    "XXX": ("Z", "Z"),
}
NAMED = {
    "date": "yyyy-MM-dd",
    "strict_date": "yyyy-MM-dd",
    "basic_date": "yyyyMMdd",
    "date_hour_minute": "yyyy-MM-dd'T'HH:mm",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "strict_date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "year_month": "yyyy-MM",
    "strict_year_month": "yyyy-MM",
    "year": "yyyy",
    "strict_year": "yyyy",
}
DEFAULT = "strict_date_optional_time"
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A pattern as DuckDB formats it, and the regular expression of what it parses."""

    directives: str
    regex: str


class UnknownPattern(ValueError):
    """A pattern letter without a counterpart."""


def date_format(pattern: str) -> DateFormat:
    """Translate a Java pattern or a named format. Raises UnknownPattern."""
    directives, regex = "", ""
    for match in _TOKEN.finditer(NAMED.get(pattern, pattern)):
        quoted, letter, other = match.groups()
        if letter:
            if match[0] not in _LETTERS:
                raise UnknownPattern(match[0])
            directive, part = _LETTERS[match[0]]
            directives, regex = directives + directive, regex + part
            continue
        text = other if other else (quoted or "").replace("''", "'") or "'"
        directives += text.replace("%", "%%")
        regex += re.escape(text)
    return DateFormat(directives, regex)
