"""Constants and identifiers as DuckDB SQL."""

from __future__ import annotations

from datetime import timedelta

from remedyd.offline.functions.moments import from_millis
from remedyd.offline.functions.patterns import quote
from remedyd.offline.plan import Constant, Scalar
from remedyd.offline.types import DATES, DataType, storage

__all__ = ["constant", "identifier", "quote", "value"]


def identifier(name: str) -> str:
    """Return a quoted identifier."""
    return '"' + name.replace('"', '""').replace("\0", "") + '"'


def value(scalar: Scalar, data_type: DataType) -> str:
    """Return the SQL of one value in the storage type of `data_type`."""
    if scalar is None:
        return f"CAST(NULL AS {storage(data_type)})"
    if isinstance(scalar, bool):
        return "TRUE" if scalar else "FALSE"
    if isinstance(scalar, str):
        return quote(scalar)
    if data_type in DATES:
        return _moment(int(scalar), data_type)
    if data_type is DataType.DOUBLE:
        text = repr(float(scalar))
        text = text if "e" in text else f"{text}e0"
        return text if scalar >= 0 else f"({text})"
    text = str(scalar) if scalar >= 0 else f"({scalar})"
    return text if data_type is DataType.INTEGER else f"CAST({text} AS {storage(data_type)})"


def _moment(number: int, data_type: DataType) -> str:
    if data_type is DataType.DATE_NANOS:
        return f"make_timestamp_ns(CAST({number} AS BIGINT))"
    try:
        moment = from_millis(number)
    except OverflowError:
        return f"make_timestamp({number * 1000})"
    if moment.year < 1000:
        return f"make_timestamp({number * 1000})"
    return f"TIMESTAMP '{moment.replace(tzinfo=None).isoformat(sep=' ', timespec='milliseconds')}'"


def constant(expression: Constant, data_type: DataType | None = None) -> str:
    """Return the SQL of a constant, a multivalue as a list."""
    target = data_type or expression.type
    scale = _scale(expression.type, target)
    if isinstance(expression.value, tuple):
        items = ", ".join(value(item, target) for item in expression.value)
        return f"CAST([{items}] AS {storage(target, multi=True)})"
    scalar = expression.value
    if scale != 1 and isinstance(scalar, int):
        scalar *= scale
    return value(scalar, target)


def _scale(source: DataType, target: DataType) -> int:
    widened = source is DataType.DATE and target is DataType.DATE_NANOS
    return timedelta(milliseconds=1) // timedelta(microseconds=1) * 1000 if widened else 1
