"""Functions of TS: one value per time series (and time bucket), before series are aggregated.

RATE and INCREASE over time buckets changed with 9.3: since then a counter is interpolated
between the last sample of a bucket and the first of the next. In 9.2 each bucket stands alone
and is extrapolated to its bounds as Prometheus does; so are still buckets without a neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.aggregates import FUNCTIONS as AGGREGATES
from remedyd.offline.functions.signature import (
    AggregateSql,
    Emitter,
    Function,
    Kind,
    Parameter,
    Returns,
    gives,
)
from remedyd.offline.plan import AggregateCall
from remedyd.offline.types import COUNTERS, PLAIN_NUMERIC, DataType, plain

INTERPOLATED_SINCE = (9, 3)
"""From this release on, RATE and INCREASE look into the neighbouring time buckets."""

_COUNTER = Parameter("field", COUNTERS, "counter_long, counter_integer or counter_double")
_ANY_NUMBER = Parameter("field", PLAIN_NUMERIC | COUNTERS, "numeric except unsigned_long")
_BOUND = Parameter("bound", frozenset({DataType.DATE}), "datetime", optional=True)


def _samples(arguments: Sequence[str]) -> str:
    value, at = arguments[:2]
    return f"list(CAST({value} AS DOUBLE) ORDER BY {at}) FILTER (WHERE {value} IS NOT NULL)"


def _range(arguments: Sequence[str]) -> tuple[str, str]:
    value, at = arguments[:2]
    present = f"FILTER (WHERE {value} IS NOT NULL)"
    return f"epoch_ms(min({at}) {present})", f"epoch_ms(max({at}) {present})"


def _state(_: Emitter, __: AggregateCall, arguments: Sequence[str], where: str) -> str:
    """Arguments: the counter and @timestamp."""
    del where
    first, last = _range(arguments)
    times = f"t1 := {first} / 1000e0, t2 := {last} / 1000e0"
    return f"struct_pack(v := {_samples(arguments)}, {times})"


def _increase(*, per_second: bool) -> AggregateSql:
    """Arguments: the counter, @timestamp, and the bounds of the time bucket if there is one."""

    def sql(emitter: Emitter, call: AggregateCall, arguments: Sequence[str], where: str) -> str:
        if len(arguments) < 4:
            first, last = _range(arguments)
            scale = f" * 1000 / ({last} - {first})" if per_second else ""
            return f"(esql_increase({_samples(arguments)}){scale})"
        start, end = (f"(epoch_ms(any_value({bound})) / 1000e0)" for bound in arguments[2:])
        scale = f" / ({end} - {start})" if per_second else ""
        state = _state(emitter, call, arguments, where)
        return f"(esql_extrapolated({state}, {start}, {end}){scale})"

    return sql


def _instant_rate(_: Emitter, __: AggregateCall, arguments: Sequence[str], where: str) -> str:
    del where
    value, at = arguments[:2]
    newest = f"max_by(CAST({value} AS DOUBLE), {at}, 2)"
    times = f"max({at}, 2) FILTER (WHERE {value} IS NOT NULL)"
    return f"esql_instant_rate({newest}, {times})"


def _at(name: str) -> AggregateSql:
    return lambda _, __, arguments, where: f"{name}({arguments[0]}, {arguments[1]}){where}"


def _plain(types: Sequence[DataType]) -> DataType:
    return plain(types[0])


def _function(
    name: str,
    parameter: Parameter,
    returns: Returns,
    sql: AggregateSql,
    *,
    more: tuple[Parameter, ...] = (),
) -> Function:
    return Function(
        name,
        (parameter, *more),
        returns,
        aggregate=sql,
        kind=Kind.TIME_SERIES,
        topic="time series",
        whole=True,
        since=(9, 2),
    )


def _over_time(name: str, aggregate: str) -> Function:
    base = next(item for item in AGGREGATES if item.name == aggregate)
    assert base.aggregate is not None
    return _function(
        name, base.parameters[0], base.returns, base.aggregate, more=base.parameters[1:]
    )


_DOUBLE = gives(DataType.DOUBLE)

FUNCTIONS = (
    _function("RATE", _COUNTER, _DOUBLE, _increase(per_second=True)),
    _function("INCREASE", _COUNTER, _DOUBLE, _increase(per_second=False)),
    _function("IRATE", _COUNTER, _DOUBLE, _instant_rate),
    _function("FIRST_OVER_TIME", _ANY_NUMBER, _plain, _at("arg_min")),
    _function("LAST_OVER_TIME", _ANY_NUMBER, _plain, _at("arg_max")),
    _over_time("ABSENT_OVER_TIME", "ABSENT"),
    _over_time("AVG_OVER_TIME", "AVG"),
    _over_time("COUNT_OVER_TIME", "COUNT"),
    _over_time("COUNT_DISTINCT_OVER_TIME", "COUNT_DISTINCT"),
    _over_time("MAX_OVER_TIME", "MAX"),
    _over_time("MIN_OVER_TIME", "MIN"),
    _over_time("PERCENTILE_OVER_TIME", "PERCENTILE"),
    _over_time("PRESENT_OVER_TIME", "PRESENT"),
    _over_time("STDDEV_OVER_TIME", "STD_DEV"),
    _over_time("SUM_OVER_TIME", "SUM"),
    _over_time("VARIANCE_OVER_TIME", "VARIANCE"),
)
NEEDS_TIME = frozenset({"RATE", "INCREASE", "IRATE", "FIRST_OVER_TIME", "LAST_OVER_TIME"})
"""Functions that read @timestamp beside their argument."""
STATE = _function("state of a counter", _COUNTER, _DOUBLE, _state)
"""What RATE and INCREASE are computed from in each time bucket; not a function of ES|QL."""
NEEDS_BUCKET = frozenset({"RATE", "INCREASE"})
"""Functions whose result depends on the bounds of the time bucket."""
