"""A query laid out for the lints: every expression with what is known where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from remedyd.offline.catalog.patterns import Pattern
from remedyd.offline.lints.facts import COUNTS, DIVISIONS, Fact, Facts, fact_of, nullable, origins
from remedyd.offline.lints.refinement import case_branches, where_not_true, where_true
from remedyd.offline.nodes import (
    Aggregation,
    Binary,
    BinaryOperator,
    Command,
    Dissect,
    Eval,
    Expression,
    From,
    FunctionCall,
    Grok,
    InlineStats,
    Query,
    Rename,
    Row,
    Sort,
    Stats,
    TimeSeries,
    Where,
    below,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.catalog import Catalog, Resolution


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An expression in its place.

    `condition` if it is or lies in a condition of CASE; `defaulted` if a COALESCE around it
    supplies a value for null. `divisors` are what the value behind that condition divides by.
    """

    node: Expression
    facts: Facts
    condition: bool = False
    defaulted: bool = False
    divisors: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A command and what is known before it."""

    command: Command
    facts: Facts


@dataclass(frozen=True, slots=True)
class Subject:
    """What the lints look at. `mapping` is None when the mapping is not known."""

    query: Query
    steps: tuple[Step, ...]
    mapping: Resolution | None = None

    def occurrences(self) -> Iterator[Occurrence]:
        """Every expression of the query, outermost first."""
        for step in self.steps:
            for place in _placed(step.command, step.facts):
                yield from _spread(place)


def subject(query: Query, catalog: Catalog | None = None) -> Subject:
    """Lay out a parsed query; `catalog` enables the lints that need the mapping."""
    facts = Facts()
    steps = []
    for command in query.commands:
        steps.append(Step(command, facts))
        facts = _after(command, facts)
    source = query.commands[0]
    mapping = None
    if catalog is not None and isinstance(source, From | TimeSeries):
        patterns = [Pattern(entry.pattern, entry.excluded) for entry in source.sources]
        mapping = catalog.resolve(patterns)
    return Subject(query, tuple(steps), mapping)


# --- facts after a command


def _after(command: Command, facts: Facts) -> Facts:
    match command:
        case Where():
            return where_true(command.condition, facts)
        case Row() | Eval():
            for item in command.fields:
                facts = facts.knowing(item.name, fact_of(item.value, facts))
            return facts
        case Stats():
            return Facts(dict(_aggregated(command, facts)), aggregated=True)
        case InlineStats():
            return Facts({**facts.columns, **dict(_aggregated(command, facts))}, facts.aggregated)
        case Rename():
            for pair in command.renames:
                facts = facts.knowing(pair.new.name, facts.of(pair.old.name))
            return facts
        case _:
            return facts


def _aggregated(command: Stats | InlineStats, facts: Facts) -> Iterator[tuple[str, Fact]]:
    for item in command.aggregates:
        yield item.name, _aggregate_fact(item, facts, grouped=bool(command.groups))
    for group in command.groups:
        value = fact_of(group.value, facts)
        yield group.name, Fact(value.nullable, value.zero, value.origins, raw=False)


def _aggregate_fact(item: Aggregation, facts: Facts, *, grouped: bool) -> Fact:
    """Without groups there may be no row at all, with a condition none that meets it."""
    calls = [node for node in walk(item.value) if isinstance(node, FunctionCall)]
    counted = all(call.name in COUNTS for call in calls) and bool(calls)
    empty = not counted and (not grouped or item.condition is not None)
    return Fact(
        nullable=empty or nullable(item.value, facts),
        zero=not (counted and grouped and item.condition is None and _counts_rows(item.value)),
        origins=origins(item.value, facts),
        raw=False,
    )


def _counts_rows(value: Expression) -> bool:
    return isinstance(value, FunctionCall) and not any(
        origin for argument in value.arguments for origin in origins(argument, Facts())
    )


# --- expressions in their places


def _placed(command: Command, facts: Facts) -> Iterator[Occurrence]:
    """The expressions of a command; a field of EVAL already sees those before it."""
    match command:
        case Where():
            yield Occurrence(command.condition, facts)
        case Row() | Eval():
            for item in command.fields:
                yield Occurrence(item.value, facts)
                facts = facts.knowing(item.name, fact_of(item.value, facts))
        case Stats() | InlineStats():
            for aggregate in command.aggregates:
                met = where_true(aggregate.condition, facts) if aggregate.condition else facts
                yield Occurrence(aggregate.value, met)
                if aggregate.condition is not None:
                    yield Occurrence(aggregate.condition, facts)
            yield from (Occurrence(group.value, facts) for group in command.groups)
        case Sort():
            yield from (Occurrence(key.value, facts) for key in command.keys)
        case Dissect() | Grok():
            yield Occurrence(command.input, facts)


def _spread(place: Occurrence) -> Iterator[Occurrence]:
    pending = [place]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(_inside(current)))


def _inside(place: Occurrence) -> list[Occurrence]:
    node = place.node
    if isinstance(node, FunctionCall) and node.name == "CASE":
        found = []
        for branch in case_branches(node, place.facts):
            if branch.condition is not None:
                guarded = tuple(_divisors(branch.value))
                facts = branch.condition_facts
                found.append(Occurrence(branch.condition, facts, condition=True, divisors=guarded))
            found.append(Occurrence(branch.value, branch.facts, defaulted=place.defaulted))
        return found
    defaulted = place.defaulted or (isinstance(node, FunctionCall) and node.name == "COALESCE")
    return [
        replace(
            place,
            node=child,
            facts=_facts_beside(node, child, place.facts),
            defaulted=defaulted,
        )
        for child in below(node)
        if isinstance(child, Expression)
    ]


def _divisors(value: Expression) -> Iterator[Expression]:
    for node in walk(value):
        if isinstance(node, Binary) and node.operator in DIVISIONS:
            yield node.right


def _facts_beside(node: Expression, child: object, facts: Facts) -> Facts:
    """The right side of AND matters where the left is true, that of OR where it is not."""
    if isinstance(node, Binary) and child is node.right:
        if node.operator is BinaryOperator.AND:
            return where_true(node.left, facts)
        if node.operator is BinaryOperator.OR:
            return where_not_true(node.left, facts)
    return facts
