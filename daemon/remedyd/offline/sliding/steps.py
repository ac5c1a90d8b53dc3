"""The steps that only a sliding query has, and their SQL."""

from __future__ import annotations

from dataclasses import dataclass

from remedyd.offline.plan import Column, OrderKey
from remedyd.offline.sliding.opening import Moment
from remedyd.offline.sliding.series import Edge, Series
from remedyd.offline.sqlgen import Builder, Tables
from remedyd.offline.sqlgen.literals import identifier, value
from remedyd.offline.sqlgen.pruning import Ordered
from remedyd.offline.types import DataType


@dataclass(frozen=True, slots=True)
class Bound:
    """A moment of the window that rows are compared with; `after`: one microsecond later."""

    moment: Moment
    after: bool = False

    def first(self, series: Series) -> int:
        """Return it for the first window, in microseconds."""
        return series.first(self.moment.edge, self.moment.offset) * 1000 + self.after


@dataclass(frozen=True, slots=True)
class Slide:
    """Repeat each row for every window of a series that contains its position.

    Window `i` contains the positions from `low + i * step` up to, not including,
    `high + i * step`; `cycle` receives the window's number, from 0 to `count - 1`.
    `position` is a date (in microseconds) or a whole number.
    """

    position: Column
    cycle: Column
    low: int
    high: int
    step: int
    count: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Add the times that move with the window, computed from its number."""

    cycle: Column
    columns: tuple[tuple[Column, Moment], ...]
    series: Series


@dataclass(frozen=True, slots=True)
class CycleCut:
    """A LIMIT for each window by itself."""

    cycle: Column
    count: int
    keys: tuple[OrderKey, ...]


Sliding = Ordered | Slide | Moments | CycleCut


class SlidingBuilder:
    """Appends one CTE per step, like the builder it wraps."""

    def __init__(self, tables: Tables) -> None:
        self.builder = Builder(tables)

    def add(self, step: Sliding) -> None:
        """Append a step."""
        if isinstance(step, Slide):
            self.builder.append(slide_sql(step, self.builder.last))
        elif isinstance(step, Moments):
            items = "".join(f", {_moment(step, *pair)}" for pair in step.columns)
            self.builder.append(f"SELECT *{items} FROM {self.builder.last}")
        elif isinstance(step, CycleCut):
            self._cut(step)
        else:
            self.builder.add(step)

    def _cut(self, step: CycleCut) -> None:
        with self.builder.writer.reading(self.builder.name):
            order = self.builder.order(step.keys)
        over = f"PARTITION BY {identifier(step.cycle.sql)}{order}"
        self.builder.append(
            f"SELECT * FROM {self.builder.last} QUALIFY row_number() OVER ({over}) <= {step.count}"
        )


def _moment(step: Moments, column: Column, moment: Moment) -> str:
    first = step.series.first(moment.edge, moment.offset)
    if moment.whole:
        number = f"{identifier(step.cycle.sql)} * {step.series.stride}"
        return f"CAST({first} + {number} AS BIGINT) AS {identifier(column.sql)}"
    base = value(first, DataType.DATE)
    moved = f"to_milliseconds({identifier(step.cycle.sql)} * {step.series.stride})"
    return f"{base} + {moved} AS {identifier(column.sql)}"


def slide_sql(step: Slide, rows: str) -> str:
    """Return the SELECT that repeats the rows of a relation."""
    name, cycle = identifier(step.position.sql), identifier(step.cycle.sql)
    last = step.high + (step.count - 1) * step.step
    if step.position.type is DataType.DATE:
        position = f"(epoch_us({name}) - {step.low})"
        within = f"{name} >= {_micros(step.low)} AND {name} < {_micros(last)}"
    else:
        position = f"({name} - {step.low})"
        within = f"{name} >= {step.low} AND {name} < {last}"
    length = step.high - step.low
    newest = f"({position} // {step.step})"
    if length <= step.step:
        gap = "" if length == step.step else f" AND {position} % {step.step} < {length}"
        return f"SELECT *, {newest} AS {cycle} FROM {rows} WHERE {within}{gap}"
    overlap = -(-length // step.step)
    oldest = f"(({position} - {length} + {overlap * step.step}) // {step.step} - {overlap} + 1)"
    numbers = f"range(greatest({oldest}, 0), least({newest}, {step.count - 1}) + 1)"
    return f"SELECT *, unnest({numbers}) AS {cycle} FROM {rows} WHERE {within}"


def _micros(moment: int) -> str:
    return f"make_timestamp({moment})"


__all__ = [
    "Bound",
    "CycleCut",
    "Edge",
    "Moments",
    "Slide",
    "Sliding",
    "SlidingBuilder",
    "slide_sql",
]
