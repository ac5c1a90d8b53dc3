"""Dates as text, and conditions and groups of time that are other expressions in disguise."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.formats import DEFAULT, UnknownPattern, date_format
from remedyd.offline.functions.moments import ISO
from remedyd.offline.functions.patterns import quote
from remedyd.offline.functions.signature import (
    Emitter,
    Function,
    Parameter,
    dates,
    gives,
    guarded,
    strings,
    template,
)
from remedyd.offline.plan import Call, Constant, Expression
from remedyd.offline.types import SPANS, STRINGS, DataType

_BAD_DATE = "java.lang.IllegalArgumentException: failed to parse date field [{}] with format ["


def _pattern(call: Call) -> str:
    pattern = call.arguments[0]
    assert isinstance(pattern, Constant)
    return str(pattern.value)


def _moment(call: Call, argument: str) -> str:
    nanos = call.arguments[1].type is DataType.DATE_NANOS
    return f"esql_micros({argument})" if nanos else argument


def _format(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    pattern, moment = _pattern(call), _moment(call, arguments[1])
    if pattern == DEFAULT:
        return f"esql_timestamp_text({moment})"
    if pattern == "epoch_millis":
        return f"CAST(epoch_ms({moment}) AS VARCHAR)"
    if pattern == "epoch_second":
        return f"CAST(epoch_ms({moment}) // 1000 AS VARCHAR)"
    return f"strftime({moment}, {quote(date_format(pattern).directives)})"


def _parse(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    pattern, text = _pattern(call), arguments[1]
    if pattern == DEFAULT:
        value = f"date_trunc('millisecond', esql_text_timestamp({text}))"
    else:
        parsed = date_format(pattern)
        fits = f"regexp_full_match({text}, {quote(parsed.regex)})"
        value = f"CASE WHEN {fits} THEN try_strptime({text}, {quote(parsed.directives)}) END"
    failed = f"{value} IS NULL AND {text} IS NOT NULL"
    shown_format = ISO if pattern == DEFAULT else pattern
    note = emitter.note(call, failed, f"{_BAD_DATE}{shown_format}]", shown=text)
    return guarded(note, value, failed)


def _pattern_limits(arguments: Sequence[Expression]) -> str:
    pattern = arguments[0].value if isinstance(arguments[0], Constant) else None
    if pattern is None or pattern in {DEFAULT, "epoch_millis", "epoch_second"}:
        return ""
    try:
        date_format(str(pattern))
    except UnknownPattern as letter:
        return f"date pattern {letter}"
    return ""


def _named(directive: str) -> Function:
    name = "DAY_NAME" if directive == "%A" else "MONTH_NAME"
    sql = template(f"strftime(CAST({{0}} AS TIMESTAMP), '{directive}')")
    return Function(
        name, (dates("date"),), gives(DataType.KEYWORD), sql, topic="date", since=(9, 2)
    )


_SPAN = Parameter("value", SPANS | STRINGS, "date_period or string", constant=True)

FUNCTIONS = (
    Function(
        "DATE_FORMAT",
        (strings("format", constant=True), dates("date")),
        gives(DataType.KEYWORD),
        _format,
        limits=_pattern_limits,
        topic="date",
        leading=DEFAULT,
        repeats=True,
    ),
    Function(
        "DATE_PARSE",
        (strings("format", constant=True), strings("string")),
        gives(DataType.DATE),
        _parse,
        limits=_pattern_limits,
        topic="date",
        leading=DEFAULT,
        repeats=True,
    ),
    _named("%A"),
    _named("%B"),
)
