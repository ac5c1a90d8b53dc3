"""Document values as the mapping says they are stored.

Elasticsearch indexes `"5"` into a long and 3 into a keyword, cuts a date to milliseconds, keeps
several values of a field sorted, and drops (or rejects) what does not fit: so do these.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from remedyd.offline.functions.moments import parse_nanos
from remedyd.offline.keys import ip_key, version_key
from remedyd.offline.types import DataType, plain

Stored: TypeAlias = "str | int | float | bool | None"
Convert: TypeAlias = "Callable[[object], Stored]"

IGNORE_ABOVE = 1024
_nanos = lru_cache(maxsize=4096)(parse_nanos)
"""The documents of one scrape share their times."""
_RANGES = {
    DataType.INTEGER: (-(2**31), 2**31 - 1),
    DataType.LONG: (-(2**63), 2**63 - 1),
    DataType.UNSIGNED_LONG: (0, 2**64 - 1),
}


class Malformed(ValueError):
    """A value that does not fit the type of its field."""


def _whole(data_type: DataType) -> Convert:
    low, high = _RANGES[data_type]

    def convert(value: object) -> Stored:
        if type(value) is int and low <= value <= high:
            return value
        if isinstance(value, str):
            value = _number(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Malformed(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise Malformed(value)
            value = int(value)
        if not low <= value <= high:
            raise Malformed(value)
        return value

    return convert


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise Malformed(text) from None


def _double(value: object) -> Stored:
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Malformed(value)
    return float(value)


def _boolean(value: object) -> Stored:
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False, "": False}
    if not isinstance(value, str) or value not in known:
        raise Malformed(value)
    return known[value]


def _keyword(value: object) -> Stored:
    if type(value) is str:
        return value if len(value) <= IGNORE_ABOVE else None
    text = _text(value)
    return text if isinstance(text, str) and len(text) <= IGNORE_ABOVE else None


def _text(value: object) -> Stored:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise Malformed(value)


def _address(value: object) -> Stored:
    key = ip_key(value) if isinstance(value, str) else None
    if key is None:
        raise Malformed(value)
    return key


def _version(value: object) -> Stored:
    return version_key(str(_text(value)))


def _microseconds(value: object) -> Stored:
    """Return microseconds, cut to whole milliseconds, since 1970."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    nanos = _nanos(value) if isinstance(value, str) else None
    if nanos is None:
        raise Malformed(value)
    return nanos // 1_000_000 * 1000


def _nanoseconds(value: object) -> Stored:
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1_000_000
    nanos = _nanos(value) if isinstance(value, str) else None
    if nanos is None:
        raise Malformed(value)
    return nanos


_CONVERTERS: dict[DataType, Convert] = {
    **{data_type: _whole(data_type) for data_type in _RANGES},
    DataType.DOUBLE: _double,
    DataType.BOOLEAN: _boolean,
    DataType.KEYWORD: _keyword,
    DataType.TEXT: _text,
    DataType.IP: _address,
    DataType.VERSION: _version,
    DataType.DATE: _microseconds,
    DataType.DATE_NANOS: _nanoseconds,
}


def converter(data_type: DataType) -> Convert | None:
    """Return the conversion into a type, None for one that cannot be read back."""
    return _CONVERTERS.get(plain(data_type))


def several(values: list[Stored], data_type: DataType) -> list[Stored]:
    """Return the values of one field in the order they are read back."""
    present = [value for value in values if value is not None]
    if data_type in {DataType.KEYWORD, DataType.IP, DataType.VERSION, DataType.TEXT}:
        if data_type is DataType.TEXT:
            return list(present)
        return sorted(set(present), key=lambda value: str(value).encode())
    return sorted(present, key=lambda value: value)  # type: ignore[arg-type, return-value]
