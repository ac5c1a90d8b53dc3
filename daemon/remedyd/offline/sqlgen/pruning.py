"""Leaving out what the result does not need, and settling where an order applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from remedyd.offline.functions import OPERATORS
from remedyd.offline.plan import (
    Aggregate,
    Call,
    Column,
    Definition,
    Expand,
    Extend,
    Filter,
    Interpolate,
    Join,
    Limit,
    Order,
    OrderKey,
    Scan,
    Step,
    references,
)
from remedyd.offline.types import DataType


@dataclass(frozen=True, slots=True)
class Cut:
    """A LIMIT with the order that decides which rows are the first."""

    count: int
    keys: tuple[OrderKey, ...]


Ordered = Scan | Extend | Filter | Aggregate | Expand | Join | Interpolate | Cut


def settle_order(steps: Sequence[Step]) -> tuple[list[Ordered], tuple[OrderKey, ...]]:
    """Return the steps with the order moved into each LIMIT, and the order of the result."""
    keys: tuple[OrderKey, ...] = ()
    settled: list[Ordered] = []
    for step in steps:
        if isinstance(step, Order):
            keys = step.keys
        elif isinstance(step, Limit):
            settled.append(Cut(step.count, keys))
        else:
            if isinstance(step, Aggregate) and not step.inline:
                keys = ()
            settled.append(step)
    return settled, keys


def prune(
    steps: Sequence[Ordered], output: Sequence[Column], keys: Sequence[OrderKey]
) -> list[Ordered]:
    """Return the steps without columns that nothing after them reads."""
    needed = set(output)
    _read_keys(keys, needed)
    kept: list[Ordered] = []
    for step in reversed(steps):
        pruned = _prune(step, needed)
        if pruned is not None:
            kept.append(pruned)
    return kept[::-1]


def merged(steps: Sequence[Ordered]) -> list[Ordered]:
    """Return the steps with filters that follow each other put together."""
    together: list[Ordered] = []
    for step in steps:
        last = together[-1] if together else None
        if isinstance(step, Filter) and isinstance(last, Filter):
            both = (last.condition, step.condition)
            condition = Call(DataType.BOOLEAN, False, step.condition.node, OPERATORS["AND"], both)
            step = Filter(condition)
            together.pop()
        together.append(step)
    return together


def _read_keys(keys: Sequence[OrderKey], needed: set[Column]) -> None:
    for key in keys:
        needed.update(references(key.value))


def _live(definitions: Sequence[Definition], needed: set[Column]) -> tuple[Definition, ...]:
    return tuple(item for item in definitions if item.column in needed)


def _read(definitions: Sequence[Definition], needed: set[Column]) -> None:
    for definition in definitions:
        needed.update(references(definition.value))


def _prune(step: Ordered, needed: set[Column]) -> Ordered | None:
    if isinstance(step, Filter):
        needed.update(references(step.condition))
        return step
    if isinstance(step, Cut):
        _read_keys(step.keys, needed)
        return step
    if isinstance(step, Scan):
        columns = tuple(column for column in step.columns if column in needed)
        index = step.index if step.index in needed else None
        return replace(step, columns=columns, index=index)
    if isinstance(step, Join):
        columns = tuple(column for column in step.columns if column in needed)
        needed.difference_update(columns)
        needed.update(column for column, _ in step.keys)
        return replace(step, columns=columns)
    if isinstance(step, Interpolate):
        gains = tuple(gain for gain in step.gains if gain.column in needed)
        needed.difference_update(gain.column for gain in gains)
        needed.update((*step.series, step.bucket, *(gain.state for gain in gains)))
        return replace(step, gains=gains) if gains else None
    if isinstance(step, Expand):
        needed.discard(step.target)
        needed.add(step.source)
        return step
    if isinstance(step, Extend):
        live = _live(step.definitions, needed)
        needed.difference_update(item.column for item in live)
        _read(live, needed)
        return Extend(live) if live or not step.definitions else None
    live = _live(step.aggregates, needed)
    needed.difference_update(item.column for item in (*live, *step.groups))
    if not step.inline:
        needed.clear()
    _read((*live, *step.groups), needed)
    return replace(step, aggregates=live)
