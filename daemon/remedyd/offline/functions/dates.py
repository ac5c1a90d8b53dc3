"""Dates: truncating, taking apart, counting units between."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.arithmetic import interval
from remedyd.offline.functions.signature import (
    Emitter,
    Function,
    Parameter,
    dates,
    gives,
    guarded,
    strings,
)
from remedyd.offline.plan import Call, Constant, Expression, Span
from remedyd.offline.types import DATES, SPANS, DataType

UNITS = {
    "year": "year", "years": "year", "yyyy": "year", "yy": "year",
    "quarter": "quarter", "quarters": "quarter", "qq": "quarter", "q": "quarter",
    "month": "month", "months": "month", "mm": "month", "m": "month",
    "dayofyear": "day", "dy": "day", "y": "day",
    "day": "day", "days": "day", "dd": "day", "d": "day",
    "week": "week", "weeks": "week", "wk": "week", "ww": "week",
    "weekday": "day", "weekdays": "day", "dw": "day",
    "hour": "hour", "hours": "hour", "hh": "hour",
    "minute": "minute", "minutes": "minute", "mi": "minute", "n": "minute",
    "second": "second", "seconds": "second", "ss": "second", "s": "second",
    "millisecond": "millisecond", "milliseconds": "millisecond", "ms": "millisecond",
    "microsecond": "microsecond", "microseconds": "microsecond", "mcs": "microsecond",
    "nanosecond": "nanosecond", "nanoseconds": "nanosecond", "ns": "nanosecond",
}  # fmt: skip
"""Every unit and abbreviation of DATE_DIFF, and the unit it counts."""

_PARTS = {
    "year": "year({0})",
    "year_of_era": "year({0})",
    "month_of_year": "month({0})",
    "proleptic_month": "(year({0}) * 12 + month({0}) - 1)",
    "day_of_month": "day({0})",
    "day_of_year": "dayofyear({0})",
    "day_of_week": "isodow({0})",
    "epoch_day": "(CAST({0} AS DATE) - DATE '1970-01-01')",
    "aligned_week_of_year": "((dayofyear({0}) - 1) // 7 + 1)",
    "aligned_week_of_month": "((day({0}) - 1) // 7 + 1)",
    "aligned_day_of_week_in_month": "((day({0}) - 1) % 7 + 1)",
    "aligned_day_of_week_in_year": "((dayofyear({0}) - 1) % 7 + 1)",
    "ampm_of_day": "(hour({0}) // 12)",
    "hour_of_day": "hour({0})",
    "hour_of_ampm": "(hour({0}) % 12)",
    "clock_hour_of_day": "(CASE WHEN hour({0}) = 0 THEN 24 ELSE hour({0}) END)",
    "clock_hour_of_ampm": "((hour({0}) + 11) % 12 + 1)",
    "minute_of_hour": "minute({0})",
    "minute_of_day": "(hour({0}) * 60 + minute({0}))",
    "second_of_minute": "(microsecond({0}) // 1000000)",
    "second_of_day": "(hour({0}) * 3600 + minute({0}) * 60 + microsecond({0}) // 1000000)",
    "milli_of_second": "(microsecond({0}) // 1000 % 1000)",
    "milli_of_day": "((hour({0}) * 60 + minute({0})) * 60000 + microsecond({0}) // 1000)",
    "micro_of_second": "(microsecond({0}) % 1000000)",
    "nano_of_second": "(microsecond({0}) % 1000000 * 1000)",
    "offset_seconds": "(year({0}) * 0)",
}


def _difference(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    unit_argument, start, end = call.arguments
    assert isinstance(unit_argument, Constant)
    unit = UNITS[str(unit_argument.value).lower()]
    nanos = DataType.DATE_NANOS in {start.type, end.type}
    kind = DataType.DATE_NANOS if nanos else DataType.DATE
    first, last = emitter.emit_as(start, kind), emitter.emit_as(end, kind)
    value = _units_between(unit, first, last, nanos=nanos)
    if unit in {"year", "quarter", "month", "week", "day", "hour", "minute"}:
        return f"CAST({value} AS INTEGER)"
    failed = f"abs({value}) > 2147483647"
    message = (
        "org.elasticsearch.xpack.esql.core.InvalidArgumentException: [{}] out of [integer] range"
    )
    note = emitter.note(call, failed, message, shown=f"CAST({value} AS VARCHAR)")
    return guarded(note, f"CAST({value} AS INTEGER)", failed)


def _units_between(unit: str, first: str, last: str, *, nanos: bool) -> str:
    if unit == "nanosecond":
        return f"(epoch_ns({last}) - epoch_ns({first}))"
    if nanos:
        first, last = f"esql_micros({first})", f"esql_micros({last})"
    if unit in _MONTHS:
        return f"(esql_months({first}, {last}) // {_MONTHS[unit]})"
    return f"date_sub('{unit}', {first}, {last})"


_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def truncated(moment: str, span: Span) -> str | None:
    """Return the SQL of a timestamp rounded down, or None for a span that cannot be used.

    Durations and numbers of days count from 1970; a day, week (from Monday), month, quarter and
    year follow the calendar; numbers of months and years count from the year 1.
    """
    calendar = {(0, 1): "day", (0, 7): "week", (1, 0): "month", (3, 0): "quarter", (12, 0): "year"}
    if not span.milliseconds and (span.months, span.days) in calendar:
        unit = calendar[span.months, span.days]
        return f"CAST(date_trunc('{unit}', {moment}) AS TIMESTAMP)"
    given = [part for part in (span.months, span.days, span.milliseconds) if part]
    if len(given) != 1 or given[0] < 0:
        return None
    origin = "0001-01-01" if span.months else "1970-01-01"
    return f"time_bucket({interval(span)}, {moment}, TIMESTAMP '{origin}')"


def _truncate(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    span = call.arguments[0]
    assert isinstance(span, Span)
    if call.type is DataType.DATE:
        return truncated(arguments[1], span) or "NULL"
    value = truncated(f"esql_micros({arguments[1]})", span)
    return f"CAST({value} AS TIMESTAMP_NS)"


def _extract(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    part = call.arguments[0]
    assert isinstance(part, Constant)
    moment = arguments[1]
    if call.arguments[1].type is DataType.DATE_NANOS:
        if str(part.value).lower() == "nano_of_second":
            return f"CAST(epoch_ns({moment}) % 1000000000 AS BIGINT)"
        moment = f"esql_micros({moment})"
    return f"CAST({_PARTS[str(part.value).lower()].format(moment)} AS BIGINT)"


def _second_type(types: Sequence[DataType]) -> DataType:
    return types[1]


def _unknown_unit(arguments: Sequence[Expression]) -> str:
    unit = arguments[0].value if isinstance(arguments[0], Constant) else None
    if unit is None or str(unit).lower() in UNITS:
        return ""
    known = (
        "YEAR, QUARTER, MONTH, DAYOFYEAR, DAY, WEEK, WEEKDAY, HOUR, MINUTE, SECOND, MILLISECOND, "
        "MICROSECOND, NANOSECOND"
    )
    return f"A value of [{known}] or their aliases is required; received [{unit}]"


def _unknown_part(arguments: Sequence[Expression]) -> str:
    part = arguments[0].value if isinstance(arguments[0], Constant) else None
    known = part is None or str(part).lower() in _PARTS
    return "" if known else f"invalid date field for [{part}]"


def _unusable_span(arguments: Sequence[Expression]) -> str:
    span = arguments[0]
    if not isinstance(span, Span) or truncated("", span) is not None:
        return ""
    return "Zero or negative time interval is not supported"


_SPAN = Parameter("interval", SPANS, "dateperiod or timeduration", constant=True)

FUNCTIONS = (
    Function(
        "DATE_DIFF",
        (strings("unit", constant=True), dates("start"), dates("end")),
        gives(DataType.INTEGER),
        _difference,
        invalid=_unknown_unit,
        topic="date",
        since=(8, 13),
        repeats=True,
    ),
    Function(
        "DATE_EXTRACT",
        (strings("part", constant=True), dates("date")),
        gives(DataType.LONG),
        _extract,
        invalid=_unknown_part,
        topic="date",
        repeats=True,
    ),
    Function(
        "DATE_TRUNC",
        (_SPAN, Parameter("date", DATES, "datetime or date_nanos")),
        _second_type,
        _truncate,
        invalid=_unusable_span,
        topic="date",
    ),
)
