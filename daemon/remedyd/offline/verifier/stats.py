"""STATS and INLINE STATS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from remedyd.offline import nodes
from remedyd.offline.errors import EsqlError
from remedyd.offline.nodes import walk
from remedyd.offline.plan import (
    Aggregate,
    AggregateCall,
    Call,
    Column,
    Definition,
    Expression,
    Extend,
    Reference,
    children,
    references,
)
from remedyd.offline.source import Span
from remedyd.offline.types import COUNTERS
from remedyd.offline.verifier.binder import Binder
from remedyd.offline.verifier.commands import Collector
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.problems import shown_name


@dataclass(slots=True)
class _Parts:
    """What a STATS breaks down into: columns before, the aggregation, columns after."""

    groups: list[Definition] = field(default_factory=list)
    aggregates: list[Definition] = field(default_factory=list)
    after: list[Definition] = field(default_factory=list)
    shown: list[tuple[str, Column]] = field(default_factory=list)


def stats_command(node: nodes.Stats | nodes.InlineStats, context: Context) -> None:
    """Aggregate by groups. Columns: aggregates, then groups; a group beats an aggregate."""
    inline = isinstance(node, nodes.InlineStats)
    collector = Collector(context)
    parts = _Parts()
    group_columns = _bind_groups(node.groups, parts, collector, context, inline=inline)
    for aggregation in node.aggregates:
        try:
            _bind_aggregation(aggregation, group_columns, parts, context)
        except EsqlError as problem:
            collector.add(problem)
    collector.raise_any()
    context.steps.append(Aggregate(tuple(parts.groups), tuple(parts.aggregates), inline))
    if parts.after:
        context.steps.append(Extend(tuple(parts.after)))
    before = list(context.scope.columns.items()) if inline else []
    if not inline:
        context.nullify = False
    context.scope.replace([*before, *parts.shown, *group_columns.items()])


def _bind_groups(
    groups: Sequence[nodes.Named],
    parts: _Parts,
    collector: Collector,
    context: Context,
    *,
    inline: bool,
) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for group in groups:
        try:
            value = Binder(context, grouping=True).bind(group.value)
            if value.type in COUNTERS:
                text = context.reporter.text(group.value)
                raise context.reporter.error(
                    group, f"cannot group by on [{value.type.value}] type for grouping [{text}]"
                )
        except EsqlError as problem:
            collector.add(problem)
            continue
        if inline and value.multi:
            raise context.reporter.unsupported(group, "INLINE STATS by a multivalued field")
        column = context.scope.define(shown_name(group), value.type)
        parts.groups.append(Definition(column, value))
        columns.pop(shown_name(group), None)
        columns[shown_name(group)] = column
    return columns


def _bind_aggregation(
    node: nodes.Aggregation, groups: dict[str, Column], parts: _Parts, context: Context
) -> None:
    condition = None
    if node.condition is not None:
        condition = Binder(context, filtered=aggregation_text(node, context)).condition_of(
            node.condition
        )
    grouped = {item.value.node: item.column for item in parts.groups}
    if isinstance(node.value, nodes.Column):
        _refuse_grouped(node.value, grouped, context)
    binder = Binder(context, groups=groups, grouped=grouped, condition=condition)
    value = binder.bind(node.value)
    if not has_aggregate(value):
        refuse_plain(node, value, context)
    if isinstance(value, AggregateCall):
        column = _aggregate_column(value, shown_name(node), parts, context)
    else:
        column = context.scope.define(shown_name(node), value.type, multi=value.multi)
        parts.after.append(Definition(column, _outer(value, parts, context)))
    parts.shown.append((shown_name(node), column))


def _refuse_grouped(
    node: nodes.Column, grouped: Mapping[nodes.Node, Column], context: Context
) -> None:
    """Refuse a column by itself that a group is computed from."""
    for written in grouped:
        if written != node and any(item == node for item in walk(written)):
            text = context.reporter.text(node)
            reason = f"Cannot specify grouping expression [{text}] as an aggregate"
            raise context.reporter.error(node, reason)


def aggregation_text(node: nodes.Aggregation, context: Context) -> str:
    """Return an aggregation as written, without the name it is given."""
    last = node.value if node.condition is None else node.condition
    return context.reporter.source.cut(Span(node.value.span.start, last.span.end))


def refuse_plain(node: nodes.Aggregation, value: Expression, context: Context) -> None:
    """Refuse what holds no aggregate, except an expression of groups."""
    text = context.reporter.text(node.value)
    if node.condition is not None:
        reason = "WHERE clause allowed only for aggregate functions, none found in "
        raise context.reporter.error(node.condition, f"{reason}[{aggregation_text(node, context)}]")
    if isinstance(value, Reference) and isinstance(node.value, nodes.FunctionCall):
        reason = f"grouping function [{text}] cannot be used as an aggregate once declared in the "
        raise context.reporter.error(node.value, f"{reason}STATS BY clause")
    if isinstance(value, Reference):
        reason = f"grouping key [{text}] already specified in the STATS BY clause"
        raise context.reporter.error(node.value, reason)
    if not any(references(value)):
        raise context.reporter.error(
            node.value, f"expected an aggregate function but found [{text}]"
        )


def has_aggregate(expression: Expression) -> bool:
    """Whether an aggregate is anywhere in an expression."""
    if isinstance(expression, AggregateCall):
        return True
    return any(has_aggregate(child) for child in children(expression))


def _aggregate_column(call: AggregateCall, name: str, parts: _Parts, context: Context) -> Column:
    column = context.scope.define(name, call.type, multi=call.multi)
    parts.aggregates.append(Definition(column, call))
    return column


def _outer(expression: Expression, parts: _Parts, context: Context) -> Expression:
    """Return an expression with each aggregate in it replaced by its column."""
    if isinstance(expression, AggregateCall):
        text = context.reporter.text(expression.node)
        column = _aggregate_column(expression, text, parts, context)
        return Reference(column.type, column.multi, expression.node, column)
    if isinstance(expression, Call):
        arguments = tuple(_outer(item, parts, context) for item in expression.arguments)
        return Call(
            expression.type, expression.multi, expression.node, expression.function, arguments
        )
    return expression
