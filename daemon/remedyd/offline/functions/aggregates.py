"""Aggregate functions.

Sums of doubles are compensated in Elasticsearch (Kahan), so DuckDB's compensated variants are
used; the plain ones differ in the last digits. Percentiles interpolate between samples:
Elasticsearch's t-digest does the same while a group is small and approximates beyond about a
thousand values. COUNT_DISTINCT is exact here, a HyperLogLog++ estimate there.
"""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.signature import (
    AggregateSql,
    Check,
    Emitter,
    Function,
    Kind,
    Parameter,
    Returns,
    WordedCheck,
    anything,
    gives,
    guarded,
    integers,
    numbers,
    same,
    strings,
)
from remedyd.offline.plan import AggregateCall, Constant, Expression
from remedyd.offline.types import (
    DATES,
    INTEGERS,
    PLAIN_NUMERIC,
    REPRESENTABLE,
    STRINGS,
    DataType,
    storage,
)

_LONG = gives(DataType.LONG)
_DOUBLE = gives(DataType.DOUBLE)
_BOOLEAN = gives(DataType.BOOLEAN)


def _flat(argument: str, where: str) -> str:
    """Return all values of a multivalued column as one list."""
    return f"flatten(list({argument}){where})"


def folded(call: AggregateCall, name: str, argument: str, where: str, *more: str) -> str:
    """Return a DuckDB aggregate over the values of a column, multivalues flattened."""
    tail = "".join(f", {item}" for item in more)
    if call.arguments[0].multi:
        return f"list_aggregate({_flat(argument, where)}, '{name}'{tail})"
    return f"{name}({argument}{tail}){where}"


def _count(_: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
    if not arguments:
        return f"count(*){where}"
    if call.arguments[0].multi:
        return f"coalesce(CAST(sum(len({arguments[0]})){where} AS BIGINT), 0)"
    return f"count({arguments[0]}){where}"


def _count_distinct(
    emitter: Emitter, call: AggregateCall, arguments: Sequence[str], where: str
) -> str:
    """Counting pairs of group and value costs more than a list per group once keys are many."""
    if call.arguments[0].multi:
        return f"coalesce(len(list_distinct({_flat(arguments[0], where)})), 0)"
    if emitter.keys >= _MANY_KEYS and storage(call.arguments[0].type) != "VARCHAR":
        present = _and_present(arguments[0], where)
        return f"coalesce(len(list_distinct(list({arguments[0]}){present})), 0)"
    return f"count(DISTINCT {arguments[0]}){where}"


_MANY_KEYS = 4


def _extreme(name: str) -> AggregateSql:
    return lambda _, call, arguments, where: folded(call, name, arguments[0], where)


def _sum(emitter: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
    if call.type is DataType.DOUBLE:
        value = folded(call, "fsum", arguments[0], where)
        failed = f"NOT isfinite({value})"
        message = "java.lang.ArithmeticException: not a finite double number: Infinity"
        return guarded(emitter.note(call, failed, message), value, failed)
    value = folded(call, "sum", arguments[0], where)
    failed = f"{value} NOT BETWEEN -9223372036854775808 AND 9223372036854775807"
    note = emitter.note(call, failed, "java.lang.ArithmeticException: long overflow")
    return guarded(note, f"CAST({value} AS BIGINT)", failed)


def _average(emitter: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
    if call.arguments[0].type in INTEGERS:
        total = folded(call, "sum", arguments[0], where)
        return f"(CAST({total} AS DOUBLE) / nullif({_count(emitter, call, arguments, where)}, 0))"
    return folded(call, "favg", arguments[0], where)


def _percentile(_: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
    rank = 0.5
    if len(call.arguments) > 1 and isinstance(call.arguments[1], Constant):
        rank = float(call.arguments[1].value or 0) / 100  # type: ignore[arg-type]
    value = f"CAST({arguments[0]} AS DOUBLE{'[]' if call.arguments[0].multi else ''})"
    return folded(call, "quantile_cont", value, where, repr(rank))


def _deviation(name: str) -> AggregateSql:
    return lambda _, call, arguments, where: folded(call, name, arguments[0], where)


def _values(_: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
    if call.arguments[0].multi:
        listed = f"list_distinct({_flat(arguments[0], where)})"
    else:
        listed = f"list(DISTINCT {arguments[0]}){_and_present(arguments[0], where)}"
    return f"nullif(list_sort({listed}), [])"


def _and_present(argument: str, where: str) -> str:
    condition = where.removeprefix(" FILTER (WHERE ").removesuffix(")")
    more = f" AND {condition}" if condition else ""
    return f" FILTER (WHERE {argument} IS NOT NULL{more})"


def _top(_: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
    count, *order = call.arguments[1:3]
    assert isinstance(count, Constant)
    name = "max" if order and _word(order[0]) == "DESC" else "min"
    if call.arguments[0].multi:
        direction = "ASC" if name == "min" else "DESC"
        values = f"list_sort({_flat(arguments[0], where)}, '{direction}')"
        return f"nullif(list_slice({values}, 1, {count.value}), [])"
    return f"{name}({arguments[0]}, {count.value}){where}"


def _word(argument: Expression) -> str:
    return str(argument.value).upper() if isinstance(argument, Constant) else ""


_MOST_OF_TOP = 999_999
"""What DuckDB keeps at most."""


def _top_limits(arguments: Sequence[Expression]) -> str:
    count = arguments[1].value if isinstance(arguments[1], Constant) else None
    if isinstance(count, int) and count > _MOST_OF_TOP:
        return f"TOP of more than {_MOST_OF_TOP:,} values"
    return "TOP with an output field" if len(arguments) > 3 else ""


def _wrong_top(arguments: Sequence[Expression], text: str) -> str:
    count = arguments[1].value if isinstance(arguments[1], Constant) else None
    if isinstance(count, int) and count <= 0:
        return f"Limit must be greater than 0 in [{text}], found [{count}]"
    if len(arguments) > 2 and _word(arguments[2]) not in {"ASC", "DESC"}:
        found = arguments[2].value if isinstance(arguments[2], Constant) else None
        return f"Invalid order value in [{text}], expected [ASC, DESC] but got [{found}]"
    return ""


def _wrong_percentile(arguments: Sequence[Expression], _: str) -> str:
    rank = arguments[1].value if isinstance(arguments[1], Constant) else None
    if isinstance(rank, int | float) and not 0 <= rank <= 100:
        return f"q should be in [0,1], got {rank / 100}"
    return ""


def _absolute_deviation(
    _: Emitter, call: AggregateCall, arguments: Sequence[str], where: str
) -> str:
    multi = call.arguments[0].multi
    return folded(call, "mad", f"CAST({arguments[0]} AS DOUBLE{'[]' if multi else ''})", where)


def _weighted_limits(arguments: Sequence[Expression]) -> str:
    return "WEIGHTED_AVG of a multivalued field" if any(one.multi for one in arguments) else ""


def _weighted(emitter: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
    """Elasticsearch asks for a plain average where all weigh the same."""
    if isinstance(call.arguments[1], Constant):
        return _average(emitter, call, arguments, where)
    value, weight = (f"CAST({item} AS DOUBLE)" for item in arguments)
    return f"(fsum({value} * {weight}){where} / fsum({weight}){where})"


def _present(negated: bool) -> AggregateSql:
    def sql(_: Emitter, __: AggregateCall, arguments: Sequence[str], where: str) -> str:
        return f"(count({arguments[0]}){where} {'=' if negated else '>'} 0)"

    return sql


def _at_extreme(name: str) -> AggregateSql:
    """Take the value at the lowest or highest sort key, a null value included."""
    return lambda _, _call, arguments, where: f"{name}({arguments[0]}, {arguments[1]}){where}"


def _aggregate(
    name: str,
    parameters: tuple[Parameter, ...],
    returns: Returns,
    sql: AggregateSql,
    *,
    gives_multi: bool = False,
    since: tuple[int, int] = (8, 11),
    limits: Check | None = None,
    wrong: WordedCheck | None = None,
) -> Function:
    return Function(
        name,
        parameters,
        returns,
        aggregate=sql,
        kind=Kind.AGGREGATE,
        topic="aggregate",
        whole=True,
        gives_multi=gives_multi,
        since=since,
        limits=limits,
        wrong=wrong,
    )


_COMPARABLE = Parameter(
    "field",
    PLAIN_NUMERIC
    | {DataType.UNSIGNED_LONG}
    | STRINGS
    | DATES
    | {DataType.BOOLEAN, DataType.IP, DataType.VERSION},
    "boolean, date, ip, string, version, aggregate_metric_double, exponential_histogram, tdigest "
    "or numeric except counter types",
)
_COUNTED = "any type except counter types, histogram, or date_range"
_SUMMED = "aggregate_metric_double, exponential_histogram, tdigest or numeric except "
_NUMBER = Parameter("number", PLAIN_NUMERIC, f"{_SUMMED}unsigned_long or counter types")
_SORTED_BY = Parameter("sort", INTEGERS | DATES, "long or datetime")


def _total_type(types: Sequence[DataType]) -> DataType:
    return DataType.DOUBLE if types[0] is DataType.DOUBLE else DataType.LONG


FUNCTIONS = (
    _aggregate(
        "COUNT", (Parameter("field", REPRESENTABLE, _COUNTED, optional=True),), _LONG, _count
    ),
    _aggregate(
        "COUNT_DISTINCT",
        (anything("field"), integers("precision", optional=True, constant=True)),
        _LONG,
        _count_distinct,
    ),
    _aggregate("MIN", (_COMPARABLE,), same, _extreme("min")),
    _aggregate("MAX", (_COMPARABLE,), same, _extreme("max")),
    _aggregate("SUM", (_NUMBER,), _total_type, _sum),
    _aggregate("AVG", (_NUMBER,), _DOUBLE, _average),
    _aggregate("MEDIAN", (_NUMBER,), _DOUBLE, _percentile),
    _aggregate(
        "PERCENTILE",
        (_NUMBER, numbers("percentile", constant=True)),
        _DOUBLE,
        _percentile,
        wrong=_wrong_percentile,
    ),
    _aggregate("MEDIAN_ABSOLUTE_DEVIATION", (_NUMBER,), _DOUBLE, _absolute_deviation),
    _aggregate("PRESENT", (anything("field"),), _BOOLEAN, _present(negated=False), since=(9, 2)),
    _aggregate("ABSENT", (anything("field"),), _BOOLEAN, _present(negated=True), since=(9, 2)),
    _aggregate(
        "TOP",
        (
            _COMPARABLE,
            integers("limit", constant=True),
            strings("order", optional=True, constant=True),
            anything("output", optional=True),
        ),
        same,
        _top,
        gives_multi=True,
        since=(8, 14),
        limits=_top_limits,
        wrong=_wrong_top,
    ),
    _aggregate(
        "WEIGHTED_AVG",
        (_NUMBER, numbers("weight")),
        _DOUBLE,
        _weighted,
        since=(8, 15),
        limits=_weighted_limits,
    ),
    _aggregate("STD_DEV", (_NUMBER,), _DOUBLE, _deviation("stddev_pop")),
    _aggregate("VARIANCE", (_NUMBER,), _DOUBLE, _deviation("var_pop"), since=(9, 2)),
    _aggregate("VALUES", (anything("field"),), same, _values, gives_multi=True),
    _aggregate(
        "FIRST", (anything("value"), _SORTED_BY), same, _at_extreme("arg_min_null"), since=(9, 4)
    ),
    _aggregate(
        "LAST", (anything("value"), _SORTED_BY), same, _at_extreme("arg_max_null"), since=(9, 4)
    ),
    _aggregate("EARLIEST", (anything("field"),), same, _at_extreme("arg_min_null"), since=(9, 4)),
    _aggregate("LATEST", (anything("field"),), same, _at_extreme("arg_max_null"), since=(9, 4)),
)
BY_TIME = frozenset({"EARLIEST", "LATEST"})
"""FIRST and LAST in the order of @timestamp, which is not written."""
