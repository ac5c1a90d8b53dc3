"""STATS of TS: first one value per time series and time bucket, then the aggregates over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from remedyd.offline import nodes
from remedyd.offline.catalog.schema import TIMESTAMP
from remedyd.offline.errors import EsqlError
from remedyd.offline.functions import FUNCTIONS, OPERATORS, Kind
from remedyd.offline.functions.timeseries import (
    INTERPOLATED_SINCE,
    NEEDS_BUCKET,
    NEEDS_TIME,
    STATE,
)
from remedyd.offline.plan import (
    Aggregate,
    AggregateCall,
    Call,
    Column,
    Definition,
    Expression,
    Extend,
    Gain,
    Interpolate,
    Reference,
    Scan,
    Span,
    children,
    references,
)
from remedyd.offline.types import COUNTERS, DATES, DataType
from remedyd.offline.verifier.binder import Binder
from remedyd.offline.verifier.commands import Collector
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.problems import shown_name
from remedyd.offline.verifier.stats import aggregation_text, has_aggregate, refuse_plain

_BUCKETS = frozenset({"BUCKET", "DATE_TRUNC"})
"""Groups of time that RATE knows the bounds of."""


@dataclass(slots=True)
class _Parts:
    """The two aggregations a STATS of TS becomes."""

    series: list[Definition] = field(default_factory=list)
    groups: list[Definition] = field(default_factory=list)
    inner: list[Definition] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    between: list[Definition] = field(default_factory=list)
    outer: list[Definition] = field(default_factory=list)
    after: list[Definition] = field(default_factory=list)
    shown: list[tuple[str, Column]] = field(default_factory=list)
    bucket: Definition | None = None
    condition: Expression | None = None


def time_series_stats(node: nodes.Stats, context: Context) -> None:
    """Bind the first STATS after TS."""
    parts = _Parts()
    collector = Collector(context)
    shown_groups: list[tuple[str, Column]] = []
    for group in node.groups:
        try:
            shown_groups.append(_bind_group(group, parts, context))
        except EsqlError as problem:
            collector.add(problem)
    parts.series = _dimensions(context)
    for aggregation in node.aggregates:
        try:
            _bind_aggregation(aggregation, dict(shown_groups), parts, context)
        except EsqlError as problem:
            collector.add(problem)
    collector.raise_any()
    _append(parts, context)
    context.scope.replace([*parts.shown, *shown_groups])
    context.time_series = False
    context.nullify = False


def _append(parts: _Parts, context: Context) -> None:
    first = (*parts.series, *parts.groups)
    context.steps.append(Aggregate(tuple(first), tuple(parts.inner)))
    if parts.gains and parts.bucket is not None:
        bucket, (_, width) = parts.bucket.column, _bounds(parts.bucket)
        series = tuple(item.column for item in first if item.column is not bucket)
        context.steps.append(Interpolate(tuple(parts.gains), series, bucket, width))
    if parts.between:
        context.steps.append(Extend(tuple(parts.between)))
    again = [
        Definition(_copy(item.column, context), _reference(item.column, item.value.node))
        for item in parts.groups
    ]
    renamed = {item.column: copy.column for item, copy in zip(parts.groups, again, strict=True)}
    context.steps.append(Aggregate(tuple(again), tuple(parts.outer)))
    if parts.after:
        context.steps.append(Extend(tuple(parts.after)))
    back = [
        Definition(item.column, _reference(renamed[item.column], item.value.node))
        for item in parts.groups
    ]
    if back:
        context.steps.append(Extend(tuple(back)))


def _copy(column: Column, context: Context) -> Column:
    return context.scope.define(f"{column.name}~", column.type)


def _reference(column: Column, node: nodes.Node) -> Reference:
    return Reference(column.type, column.multi, node, column)


def _dimensions(context: Context) -> list[Definition]:
    """Return one group key per dimension of the streams: together they name a time series."""
    scan = next(step for step in context.steps if isinstance(step, Scan))
    seen: set[tuple[str, ...]] = set()
    keys = []
    for column in scan.columns:
        paths = tuple(sorted(leaf.path for leaf in column.leaves.values()))
        is_dimension = any(leaf.dimension and not leaf.constant for leaf in column.leaves.values())
        if not is_dimension or paths in seen or column.type is DataType.UNSUPPORTED:
            continue
        seen.add(paths)
        key = Column(column.name, context.scope.names.take(column.name), column.type)
        keys.append(Definition(key, _reference(column, context.root)))
    return keys


def _bind_group(group: nodes.Named, parts: _Parts, context: Context) -> tuple[str, Column]:
    value = Binder(context, grouping=True).bind(group.value)
    for column in references(value):
        metric = next((leaf for leaf in column.leaves.values() if leaf.metric), None)
        if value.type in COUNTERS:
            text = context.reporter.text(group.value)
            reason = f"cannot group by on [{value.type.value}] type for grouping [{text}]"
            raise context.reporter.error(group, reason)
        if metric is not None:
            reason = f"cannot group by a metric field [{column.name}] in a time-series aggregation."
            hint = (
                " If you want to group by a metric field, use the FROM command instead of the TS "
            )
            raise context.reporter.error(group, f"{reason}{hint}command.")
    name = shown_name(group)
    column = context.scope.define(name, value.type)
    definition = Definition(column, value)
    parts.groups.append(definition)
    if isinstance(value, Call) and value.function.name in _BUCKETS and value.type in DATES:
        parts.bucket = definition
    return name, column


def _bind_aggregation(
    node: nodes.Aggregation, groups: dict[str, Column], parts: _Parts, context: Context
) -> None:
    parts.condition = None
    if node.condition is not None:
        filtered = aggregation_text(node, context)
        parts.condition = Binder(context, filtered=filtered).condition_of(node.condition)
    grouped = {item.value.node: item.column for item in parts.groups}
    binder = Binder(context, groups=groups, grouped=grouped, time_series=True)
    value = binder.bind(node.value)
    if not has_aggregate(value):
        refuse_plain(node, value, context)
    if isinstance(value, AggregateCall) and value.function.kind is Kind.TIME_SERIES:
        raise context.reporter.unsupported(
            node.value,
            "a time series function without an aggregate around it",
            hint="wrap it, as in MAX(RATE(field)), and name the dimensions in BY",
        )
    name = shown_name(node)
    outer = _outer(value, parts, context)
    if isinstance(value, AggregateCall) and isinstance(outer, Reference):
        parts.shown.append((name, outer.column))
        return
    column = context.scope.define(name, value.type, multi=value.multi)
    parts.after.append(Definition(column, outer))
    parts.shown.append((name, column))


def _outer(expression: Expression, parts: _Parts, context: Context) -> Expression:
    """Replace each outer aggregate by the column of the second aggregation."""
    if isinstance(expression, AggregateCall):
        if not expression.arguments:
            text = context.reporter.text(expression.node)
            reason = f"count_star [{text}] can't be used with TS command; use count on a field "
            raise context.reporter.error(expression.node, f"{reason}instead")
        arguments = tuple(_prepared(item, parts, context) for item in expression.arguments)
        call = AggregateCall(
            expression.type, expression.multi, expression.node, expression.function, arguments
        )
        text = context.reporter.text(expression.node)
        column = context.scope.define(text, call.type, multi=call.multi)
        parts.outer.append(Definition(column, call))
        return _reference(column, expression.node)
    if isinstance(expression, Call):
        arguments = tuple(_outer(item, parts, context) for item in expression.arguments)
        return Call(
            expression.type, expression.multi, expression.node, expression.function, arguments
        )
    return expression


def _prepared(argument: Expression, parts: _Parts, context: Context) -> Expression:
    """Return an argument of an outer aggregate, over columns of the first aggregation."""
    inner = _inner(argument, parts, context)
    if isinstance(inner, Call):
        column = context.scope.define("~argument", inner.type, multi=inner.multi)
        parts.between.append(Definition(column, inner))
        return _reference(column, argument.node)
    return inner


def _inner(expression: Expression, parts: _Parts, context: Context) -> Expression:
    if isinstance(expression, AggregateCall):
        return _per_series(expression, parts, context)
    if isinstance(expression, Reference):
        if any(item.column is expression.column for item in parts.groups):
            return expression
        name = expression.column.name
        reason = (
            f"argument of [implicit time-series aggregation function (LastOverTime) for {name}] "
            f"must be [numeric except unsigned_long], found value [{name}] type "
            f"[{expression.type.label}]; to aggregate non-numeric fields, use the FROM command "
            "instead of the TS command"
        )
        raise context.reporter.error(expression.node, reason)
    if isinstance(expression, Call):
        arguments = tuple(_inner(item, parts, context) for item in children(expression))
        return Call(
            expression.type, expression.multi, expression.node, expression.function, arguments
        )
    return expression


def _per_series(call: AggregateCall, parts: _Parts, context: Context) -> Reference:
    """Compute a time series function in the first aggregation."""
    arguments: list[Expression] = list(call.arguments)
    if parts.condition is not None:
        arguments[0] = _where(parts.condition, arguments[0])
    if call.function.name in NEEDS_TIME:
        timestamp = context.scope.columns.get(TIMESTAMP)
        if timestamp is None:
            text = context.reporter.text(call.node)
            reason = f"[{text}] requires the [@timestamp] field, which was either not present in "
            raise context.reporter.error(
                call.node, f"{reason}the source index, or has been dropped or renamed"
            )
        arguments.append(_reference(timestamp, call.node))
    bucket = parts.bucket
    if call.function.name in NEEDS_BUCKET and bucket is not None:
        if context.stack >= INTERPOLATED_SINCE:
            return _interpolated(call, arguments, parts, context)
        start, width = _bounds(bucket)
        end = Call(start.type, False, start.node, OPERATORS["+"], (start, width))
        arguments += (start, end)
    made = AggregateCall(call.type, False, call.node, call.function, tuple(arguments))
    column = context.scope.define(context.reporter.text(call.node), call.type)
    parts.inner.append(Definition(column, made))
    return _reference(column, call.node)


def _where(condition: Expression, value: Expression) -> Expression:
    """Return a value that is null where a condition does not hold."""
    arguments = (condition, value)
    return Call(value.type, value.multi, value.node, FUNCTIONS["CASE"], arguments)


def _interpolated(
    call: AggregateCall, arguments: Sequence[Expression], parts: _Parts, context: Context
) -> Reference:
    """Compute a gain between the aggregations, from the counter's state in each bucket."""
    text = context.reporter.text(call.node)
    state = context.scope.define(f"{text}~", call.type)
    made = AggregateCall(call.type, False, call.node, STATE, tuple(arguments))
    parts.inner.append(Definition(state, made))
    column = context.scope.define(text, call.type)
    parts.gains.append(Gain(column, state, call.function.name == "RATE"))
    return _reference(column, call.node)


def _bounds(bucket: Definition) -> tuple[Expression, Span]:
    value = bucket.value
    assert isinstance(value, Call)
    width = next(item for item in value.arguments if isinstance(item, Span))
    return value, width
