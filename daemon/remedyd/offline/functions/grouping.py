"""BUCKET and TBUCKET: groups of equal width. TRANGE: a window of time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from remedyd.offline.functions.dates import truncated
from remedyd.offline.functions.moments import from_millis, millis
from remedyd.offline.functions.signature import Emitter, Function, Kind, Parameter
from remedyd.offline.plan import Call, Span
from remedyd.offline.types import DATES, NUMERIC, SPANS, STRINGS, DataType

_DAY = 86_400_000
_STEPS = (
    (1, 0, 0),
    (0, 7, 0),
    (0, 1, 0),
    *((0, 0, hours * 3_600_000) for hours in (12, 3, 1)),
    *((0, 0, minutes * 60_000) for minutes in (30, 10, 5, 1)),
    *((0, 0, seconds * 1000) for seconds in (30, 10, 5, 1)),
    *((0, 0, milliseconds) for milliseconds in (100, 50, 10, 1)),
)
"""Readable steps below a year, as (months, days, milliseconds)."""


def human_step(buckets: int, start: int, end: int) -> tuple[int, int, int]:
    """Return (months, days, milliseconds) of the finest readable step with enough buckets.

    From a year down, as long as `buckets` steps of it reach from `start` to `end`
    (milliseconds since 1970).
    """
    best = (12, 0, 0)
    for step in _STEPS:
        if not _reaches(step, buckets, start, end):
            return best
        best = step
    return best


def _reaches(step: tuple[int, int, int], buckets: int, start: int, end: int) -> bool:
    months, days, milliseconds = step
    if months:
        first, last = from_millis(start), from_millis(end)
        needed = (last.year - first.year) * 12 + last.month - first.month
        if millis(last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)) < end:
            needed += 1
        return needed <= buckets
    width = milliseconds or days * _DAY
    offset = 3 * _DAY if days == 7 else 0  # weeks start on Monday, 1970 started on a Thursday
    first_bucket = (start + offset) // width * width - offset
    return math.ceil((end - first_bucket) / width) <= buckets


def number_step(buckets: int, start: float, end: float) -> float:
    """Return the width of numeric buckets: a power of ten, or half of one."""
    precise = (end - start) / buckets
    power = math.pow(10, math.ceil(math.log10(precise)))
    return power / 2 if precise < power / 2 else power


def _bucket(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    step = call.arguments[1]
    if isinstance(step, Span):
        if call.type is DataType.DATE:
            return truncated(arguments[0], step) or "NULL"
        value = truncated(f"esql_micros({arguments[0]})", step)
        return f"CAST({value} AS TIMESTAMP_NS)"
    number, width = (emitter.emit_as(item, DataType.DOUBLE) for item in call.arguments[:2])
    return f"(floor({number} / {width}) * {width})"


def _type(types: Sequence[DataType]) -> DataType:
    return types[0] if types[0] in DATES else DataType.DOUBLE


_FIELD = Parameter("field", DATES | NUMERIC, "datetime or numeric")
_WIDTH = Parameter("buckets", SPANS | NUMERIC, "integral, date_period or time_duration")
_BOUND = Parameter("bound", DATES | NUMERIC | STRINGS, "datetime or string", optional=True)
_EITHER = Parameter("interval", SPANS | {DataType.INTEGER}, "integer, date_period or time_duration")
_MOMENT = Parameter(
    "start_time_or_offset",
    SPANS | DATES | STRINGS | {DataType.LONG},
    "time_duration or date_period",
)

FUNCTIONS = (
    Function(
        "BUCKET",
        (_FIELD, _WIDTH, _BOUND, _BOUND),
        _type,
        _bucket,
        kind=Kind.GROUPING,
        topic="grouping",
        since=(8, 14),
    ),
    Function(
        "TBUCKET",
        (_EITHER, _BOUND, _BOUND),
        _type,
        kind=Kind.GROUPING,
        topic="grouping",
        since=(9, 2),
    ),
    Function(
        "TRANGE",
        (_MOMENT, _BOUND),
        lambda _: DataType.BOOLEAN,
        topic="date",
        since=(9, 3),
    ),
)
