"""Functions over the values of one field."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from remedyd.offline.functions.arithmetic import overflow
from remedyd.offline.functions.signature import (
    Emitter,
    Function,
    Parameter,
    Returns,
    Sql,
    WordedCheck,
    anything,
    gives,
    guarded,
    integers,
    numbers,
    same,
    strings,
)
from remedyd.offline.plan import Call, Constant, Expression
from remedyd.offline.types import NUMERIC, REPRESENTABLE, DataType, common, storage

_ORDERED = Parameter("field", REPRESENTABLE, "any type except counter types")


def _values(emitter: Emitter, call: Call, index: int = 0) -> str:
    argument = call.arguments[index]
    return emitter.emit_list(argument, argument.type)


def _simple(text: str) -> Sql:
    """Make the SQL from the list of values, `{0}`."""
    return lambda emitter, call, _: text.format(_values(emitter, call))


def _sum(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    values = _values(emitter, call)
    if call.type is DataType.DOUBLE:
        return f"list_aggregate({values}, 'fsum')"
    value = f"list_sum({values})"
    attempt = f"TRY_CAST({value} AS {storage(call.type)})"
    failed = f"{attempt} IS NULL AND {value} IS NOT NULL"
    return guarded(emitter.note(call, failed, overflow(call.type)), attempt, failed)


def _average(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    values = _values(emitter, call)
    if call.arguments[0].type is DataType.DOUBLE:
        return f"list_aggregate({values}, 'favg')"
    return f"(CAST(list_sum({values}) AS DOUBLE) / len({values}))"


def _median(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    """Whole numbers stay whole: the mean of the middle two is rounded down."""
    values = _values(emitter, call)
    if call.type is DataType.DOUBLE:
        return f"list_aggregate({values}, 'quantile_cont', 0.5)"
    ordered, size = f"list_sort({values})", f"len({values})"
    pair = f"CAST({ordered}[{size} // 2] AS HUGEINT) + {ordered}[{size} // 2 + 1]"
    middle = f"CASE WHEN {size} % 2 = 1 THEN {ordered}[{size} // 2 + 1]"
    halved = f"CAST(floor(({pair}) / 2) AS {storage(call.type)})"
    return f"{middle} WHEN {size} > 0 THEN {halved} END"


def _percentile(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    rank = call.arguments[1]
    assert isinstance(rank, Constant)
    assert isinstance(rank.value, int | float)
    values = f"CAST({_values(emitter, call)} AS DOUBLE[])"
    if not 0 <= rank.value <= 100:
        present = f"{values} IS NOT NULL"
        message = f"{_PERCENTILE}, found [{float(rank.value)}]"
        return f"CASE WHEN {present} THEN {emitter.note(call, present, message)} END"
    value = f"list_aggregate({values}, 'quantile_cont', {float(rank.value) / 100!r})"
    return value if call.type is DataType.DOUBLE else f"CAST({value} AS {storage(call.type)})"


_PERCENTILE = (
    "java.lang.IllegalArgumentException: Percentile parameter must be a number between 0 and 100"
)


def _concat(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    values, delimiter = _values(emitter, call), emitter.emit_as(call.arguments[1], DataType.KEYWORD)
    if isinstance(call.arguments[1], Constant):
        return f"array_to_string({values}, {delimiter})"
    return f"list_reduce({values}, lambda joined, each: joined || {delimiter} || each)"


def _dedupe(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    """Keep the first of each, in the order of the values."""
    values = _values(emitter, call)
    return f"list_filter({values}, lambda each, place: list_position({values}, each) = place)"


def _sort(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    order = call.arguments[1] if len(call.arguments) > 1 else None
    descending = isinstance(order, Constant) and str(order.value).upper() == "DESC"
    return f"list_sort({_values(emitter, call)}, '{'DESC' if descending else 'ASC'}')"


def _wrong_order(arguments: Sequence[Expression], text: str) -> str:
    order = arguments[1] if len(arguments) > 1 else None
    found = order.value if isinstance(order, Constant) else "ASC"
    if str(found).upper() in {"ASC", "DESC"}:
        return ""
    return f"Invalid order value in [{text}], expected one of [ASC, DESC] but got [{found}]"


def _slice(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    """Positions count from 0, from the end when negative; the end is included."""
    values = _values(emitter, call)
    given = [emitter.emit_as(item, DataType.INTEGER) for item in call.arguments[1:]]
    start, end = (f"CAST({bound} AS BIGINT)" for bound in (given[0], given[-1]))
    size = f"len({values})"
    first, last = (
        f"CASE WHEN {item} < 0 THEN {item} + {size} ELSE {item} END" for item in (start, end)
    )
    return f"nullif(list_slice({values}, greatest({first}, 0) + 1, ({last}) + 1), [])"


def _zip(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    left, right = (emitter.emit_list(item, DataType.KEYWORD) for item in call.arguments[:2])
    delimiter = "','"
    if len(call.arguments) > 2:
        delimiter = emitter.emit_as(call.arguments[2], DataType.KEYWORD)
    joined = (
        f"CASE WHEN p[1] IS NULL THEN p[2] WHEN p[2] IS NULL THEN p[1] "
        f"ELSE p[1] || {delimiter} || p[2] END"
    )
    zipped = f"list_zip(coalesce({left}, []), coalesce({right}, []))"
    return f"nullif(list_transform({zipped}, lambda p: {joined}), [])"


def _append(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    left, right = (emitter.emit_list(argument, call.type) for argument in call.arguments)
    missing = f"{left} IS NULL OR {right} IS NULL"
    return f"CASE WHEN NOT ({missing}) THEN list_concat({left}, {right}) END"


def _contains(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    kind = common([argument.type for argument in call.arguments]) or call.arguments[0].type
    left, right = (emitter.emit_list(argument, kind) for argument in call.arguments)
    return f"({right} IS NULL OR coalesce(list_has_all({left}, {right}), FALSE))"


def _joint(types: Sequence[DataType]) -> DataType:
    return common(list(types)) or DataType.UNSUPPORTED


def _alike(types: Sequence[DataType]) -> DataType:
    return DataType.BOOLEAN if common(list(types)) else DataType.UNSUPPORTED


def _function(
    name: str,
    parameters: tuple[Parameter, ...],
    sql: Sql,
    returns: Returns | Callable[[Sequence[DataType]], DataType] = same,
    *,
    gives_multi: bool = False,
    since: tuple[int, int] = (8, 11),
    strict: bool = True,
    wrong: WordedCheck | None = None,
) -> Function:
    return Function(
        name,
        parameters,
        returns,
        sql,
        topic="multivalue",
        whole=True,
        gives_multi=gives_multi,
        repeats=True,
        since=since,
        strict=strict,
        wrong=wrong,
    )


_NUMBERS = numbers("number")
_DOUBLE = gives(DataType.DOUBLE)

FUNCTIONS = (
    _function(
        "MV_APPEND",
        (anything("first"), anything("second")),
        _append,
        _joint,
        gives_multi=True,
        since=(8, 15),
    ),
    _function("MV_AVG", (_NUMBERS,), _average, _DOUBLE),
    _function(
        "MV_CONCAT",
        (strings("string"), strings("delimiter")),
        _concat,
        gives(DataType.KEYWORD),
    ),
    _function(
        "MV_CONTAINS",
        (anything("superset"), anything("subset")),
        _contains,
        _alike,
        since=(9, 2),
        strict=False,
    ),
    _function(
        "MV_COUNT", (_ORDERED,), _simple("CAST(len({0}) AS INTEGER)"), gives(DataType.INTEGER)
    ),
    _function("MV_DEDUPE", (_ORDERED,), _dedupe, gives_multi=True),
    _function("MV_FIRST", (_ORDERED,), _simple("{0}[1]")),
    _function("MV_LAST", (_ORDERED,), _simple("{0}[-1]")),
    _function("MV_MAX", (_ORDERED,), _simple("list_max({0})")),
    _function("MV_MEDIAN", (_NUMBERS,), _median),
    _function("MV_MIN", (_ORDERED,), _simple("list_min({0})")),
    _function(
        "MV_PERCENTILE",
        (Parameter("number", NUMERIC, "numeric"), numbers("percentile", constant=True)),
        _percentile,
        since=(8, 16),
    ),
    _function(
        "MV_SLICE",
        (_ORDERED, integers("start"), integers("end", optional=True)),
        _slice,
        gives_multi=True,
    ),
    _function(
        "MV_SORT",
        (_ORDERED, strings("order", optional=True, constant=True)),
        _sort,
        gives_multi=True,
        wrong=_wrong_order,
    ),
    _function("MV_SUM", (_NUMBERS,), _sum),
    _function(
        "MV_ZIP",
        (strings("first"), strings("second"), strings("delimiter", optional=True)),
        _zip,
        gives(DataType.KEYWORD),
        gives_multi=True,
        strict=False,
    ),
)
