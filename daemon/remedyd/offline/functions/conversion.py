"""Type conversions. What cannot be converted is null with a warning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from remedyd.offline.functions.moments import ISO, parse_millis, parse_nanos
from remedyd.offline.functions.signature import (
    Emitter,
    Fold,
    Function,
    Parameter,
    Sql,
    gives,
    guarded,
)
from remedyd.offline.keys import ip_key, version_key
from remedyd.offline.plan import Call, Scalar
from remedyd.offline.types import COUNTERS, DATES, NUMERIC, SPANS, STRINGS, DataType, plain, storage

_INVALID = "org.elasticsearch.xpack.esql.core.InvalidArgumentException: "
_UNPARSED = _INVALID + "Cannot parse number [{}]"
_BAD_DATE = (
    "java.lang.IllegalArgumentException: failed to parse date field [{}] with format [" + ISO + "]"
)
_ILLEGAL = "java.lang.IllegalArgumentException: "
_NEGATIVE_NANOS = "Nanosecond dates before 1970-01-01T00:00:00.000Z are not supported."
_BEFORE = "before the epoch in 1970 and cannot be processed in nanosecond resolution"
_AFTER = "after 2262-04-11T23:47:16.854775807 and cannot be processed in nanosecond resolution"
_STORED_BEFORE = _BEFORE.replace("processed", "stored")
_STORED_AFTER = _AFTER.replace("processed", "stored")
_BAD_ADDRESS = "java.lang.IllegalArgumentException: '{}' is not an IP string literal."
_KEYS = frozenset({DataType.IP, DataType.VERSION})
_RANGES = {
    DataType.INTEGER: (-(2**31), 2**31 - 1),
    DataType.LONG: (-(2**63), 2**63 - 1),
    DataType.UNSIGNED_LONG: (0, 2**64 - 1),
}


def _source(call: Call) -> DataType:
    return plain(call.arguments[0].type)


def as_text(argument: str, data_type: DataType) -> str:
    """Return the SQL that prints a value as Elasticsearch does."""
    if data_type is DataType.DATE:
        return f"esql_timestamp_text({argument})"
    if data_type is DataType.DATE_NANOS:
        return f"esql_nanos_text({argument})"
    if data_type is DataType.DOUBLE:
        return f"esql_double_text({argument})"
    if data_type in _KEYS:
        return f"esql_{data_type.value}_text({argument})"
    return argument if storage(data_type) == "VARCHAR" else f"CAST({argument} AS VARCHAR)"


def _checked(emitter: Emitter, call: Call, value: str, argument: str, message: str) -> str:
    failed = f"{value} IS NULL AND {argument} IS NOT NULL"
    note = emitter.note(call, failed, message, shown=as_text(argument, _source(call)))
    return guarded(note, value, failed)


def _to_whole(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    argument, source, target = arguments[0], _source(call), storage(call.type)
    if source is call.type:
        return argument
    if source is DataType.BOOLEAN:
        return f"CAST({argument} AS {target})"
    if source in STRINGS:
        value = f"TRY_CAST(esql_text_whole({argument}) AS {target})"
        return _checked(emitter, call, value, argument, _UNPARSED)
    value = argument
    if source in DATES:
        value = f"epoch_{'ms' if source is DataType.DATE else 'ns'}({argument})"
    elif source is DataType.DOUBLE:
        value = f"esql_double_whole({argument})"
    if call.type is DataType.LONG and source in DATES | {DataType.INTEGER}:
        return f"CAST({value} AS BIGINT)"
    message = f"{_INVALID}[{{}}] out of [{call.type.value}] range"
    return _checked(emitter, call, f"TRY_CAST({value} AS {target})", argument, message)


def _to_double(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    argument, source = arguments[0], _source(call)
    if source in STRINGS:
        return _checked(emitter, call, f"esql_text_double({argument})", argument, _UNPARSED)
    if source in DATES:
        argument = f"epoch_{'ms' if source is DataType.DATE else 'ns'}({argument})"
    return argument if source is DataType.DOUBLE else f"CAST({argument} AS DOUBLE)"


def _to_boolean(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    argument, source = arguments[0], _source(call)
    if source in STRINGS:
        return f"(lower({argument}) = 'true')"
    return argument if source is DataType.BOOLEAN else f"({argument} <> 0)"


def _to_string(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    return as_text(arguments[0], _source(call))


def _to_date(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    argument, source = arguments[0], _source(call)
    if source is DataType.DATE:
        return argument
    if source is DataType.DATE_NANOS:
        return f"date_trunc('millisecond', esql_micros({argument}))"
    if source in STRINGS:
        value = f"date_trunc('millisecond', esql_text_timestamp({argument}))"
        return _checked(emitter, call, value, argument, _BAD_DATE)
    if source is DataType.DOUBLE:
        argument = f"esql_double_whole({argument})"
    return f"make_timestamp(CAST({argument} AS BIGINT) * 1000)"


def _to_nanos(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    argument, source = arguments[0], _source(call)
    if source is DataType.DATE_NANOS:
        return argument
    if source is DataType.DATE:
        low, high = "TIMESTAMP '1970-01-01'", "TIMESTAMP '2262-04-11 23:47:16.854'"
        failed = f"{argument} NOT BETWEEN {low} AND {high}"
        where = f"CASE WHEN {argument} < {low} THEN '{_BEFORE}' ELSE '{_AFTER}' END"
        shown = f"'milliSeconds [' || epoch_ms({argument}) || '] are ' || {where}"
        note = emitter.note(call, failed, f"{_ILLEGAL}{{}}", shown=shown)
        return guarded(note, f"CAST({argument} AS TIMESTAMP_NS)", failed)
    if source in STRINGS:
        return _text_to_nanos(emitter, call, argument)
    if source is DataType.DOUBLE:
        argument = f"esql_double_whole({argument})"
    failed = f"{argument} < 0"
    note = emitter.note(call, failed, f"{_ILLEGAL}{_NEGATIVE_NANOS}")
    return guarded(note, f"make_timestamp_ns(CAST({argument} AS BIGINT))", failed)


def _text_to_nanos(emitter: Emitter, call: Call, argument: str) -> str:
    low, high = "TIMESTAMP '1970-01-01'", "TIMESTAMP '2262-04-11 23:47:16.854775'"
    moment = f"esql_text_timestamp({argument})"
    failed = f"{moment} NOT BETWEEN {low} AND {high}"
    where = f"CASE WHEN {moment} < {low} THEN '{_STORED_BEFORE}' ELSE '{_STORED_AFTER}' END"
    shown = f"'date[' || strftime({moment}, '%Y-%m-%dT%H:%M:%SZ') || '] is ' || {where}"
    note = emitter.note(call, failed, f"{_ILLEGAL}{{}}", shown=shown)
    value = _checked(emitter, call, f"esql_text_nanos({argument})", argument, _BAD_DATE)
    return guarded(note, value, failed)


def _to_key(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    argument, source = arguments[0], _source(call)
    if source is call.type:
        return argument
    value = f"esql_{call.type.value}_key({argument})"
    return _checked(emitter, call, value, argument, _BAD_ADDRESS)


def _fold_date(values: Sequence[Scalar], types: Sequence[DataType]) -> Scalar:
    value = values[0]
    if isinstance(value, str):
        return parse_millis(value)
    if isinstance(value, int) and types[0] is DataType.DATE_NANOS:
        return value // 1_000_000
    return value if isinstance(value, int) else None


def _fold_nanos(values: Sequence[Scalar], types: Sequence[DataType]) -> Scalar:
    value = values[0]
    if isinstance(value, str):
        value = parse_nanos(value)
    elif isinstance(value, int) and types[0] is DataType.DATE:
        value *= 1_000_000
    return value if isinstance(value, int) and 0 <= value < 2**63 else None


def _fold_whole(target: DataType) -> Fold:
    low, high = _RANGES[target]

    def fold(values: Sequence[Scalar], _: Sequence[DataType]) -> Scalar:
        value = values[0]
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if low <= value <= high else None

    return fold


def _fold_double(values: Sequence[Scalar], _: Sequence[DataType]) -> Scalar:
    value = values[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _fold_key(target: DataType, key: Callable[[str], str | None]) -> Fold:
    def fold(values: Sequence[Scalar], types: Sequence[DataType]) -> Scalar:
        value = values[0]
        if types[0] is target or not isinstance(value, str):
            return value
        return key(value)

    return fold


_NUMBERS = NUMERIC | COUNTERS | STRINGS | DATES | {DataType.BOOLEAN}
_NUMBERS_TEXT = (
    "boolean, counter_double, counter_integer, counter_long, date_nanos, datetime, double, "
    "integer, keyword, long, text or unsigned_long"
)
_DATED = (NUMERIC - {DataType.UNSIGNED_LONG}) | STRINGS | DATES | {DataType.UNSIGNED_LONG}
_DATED_TEXT = "date_nanos, datetime, double, integer, keyword, long, text or unsigned_long"
_BOOLS = NUMERIC | STRINGS | {DataType.BOOLEAN}
_BOOLS_TEXT = "boolean, double, integer, keyword, long, text or unsigned_long"
_PRINTED = _NUMBERS | {DataType.IP, DataType.VERSION}
_PRINTED_TEXT = "any type"


def _conversion(
    names: str,
    target: DataType,
    accepted: tuple[frozenset[DataType], str],
    sql: Sql,
    fold: Fold | None = None,
) -> list[Function]:
    parameters = (Parameter("field", *accepted),)
    return [
        Function(
            name,
            parameters,
            gives(target),
            sql,
            topic="conversion",
            fold=fold,
            repeats=True,
            maps=True,
        )
        for name in names.split()
    ]


_WHOLE_INPUT = (_NUMBERS, _NUMBERS_TEXT)
_DATE_INPUT = (_DATED, _DATED_TEXT)


def _span_conversion(name: str, target: DataType) -> Function:
    parameter = Parameter("value", SPANS | STRINGS, f"{target.value} or string")
    return Function(name, (parameter,), gives(target), topic="conversion", since=(8, 16))


FUNCTIONS = (
    _span_conversion("TO_DATEPERIOD", DataType.DATE_PERIOD),
    _span_conversion("TO_TIMEDURATION", DataType.TIME_DURATION),
    *_conversion(
        "TO_INTEGER TO_INT",
        DataType.INTEGER,
        _WHOLE_INPUT,
        _to_whole,
        _fold_whole(DataType.INTEGER),
    ),
    *_conversion("TO_LONG", DataType.LONG, _WHOLE_INPUT, _to_whole, _fold_whole(DataType.LONG)),
    *_conversion(
        "TO_UNSIGNED_LONG TO_ULONG TO_UL",
        DataType.UNSIGNED_LONG,
        _WHOLE_INPUT,
        _to_whole,
        _fold_whole(DataType.UNSIGNED_LONG),
    ),
    *_conversion("TO_DOUBLE TO_DBL", DataType.DOUBLE, _WHOLE_INPUT, _to_double, _fold_double),
    *_conversion("TO_BOOLEAN TO_BOOL", DataType.BOOLEAN, (_BOOLS, _BOOLS_TEXT), _to_boolean),
    *_conversion("TO_STRING TO_STR", DataType.KEYWORD, (_PRINTED, _PRINTED_TEXT), _to_string),
    *_conversion(
        "TO_IP",
        DataType.IP,
        (STRINGS | {DataType.IP}, "ip or string"),
        _to_key,
        _fold_key(DataType.IP, ip_key),
    ),
    *_conversion(
        "TO_VERSION TO_VER",
        DataType.VERSION,
        (STRINGS | {DataType.VERSION}, "version or string"),
        _to_key,
        _fold_key(DataType.VERSION, version_key),
    ),
    *_conversion("TO_DATETIME TO_DT", DataType.DATE, _DATE_INPUT, _to_date, _fold_date),
    *_conversion("TO_DATE_NANOS", DataType.DATE_NANOS, _DATE_INPUT, _to_nanos, _fold_nanos),
)
