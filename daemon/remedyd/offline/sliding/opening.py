"""A plan with its window left open, found by verifying the query for several windows.

Every constant of the plan that differs between the probes is explained as an edge of the window
plus a fixed distance, and becomes a reference to a column that holds that moment; what cannot be
explained so refuses the query. The verifier itself knows nothing of this, so the plan that slides
cannot drift from the one that runs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from remedyd.model import Json
from remedyd.offline.functions.moments import iso, millis
from remedyd.offline.functions.signature import Function
from remedyd.offline.nodes import Node
from remedyd.offline.plan import Column, Constant, Plan, Reference, Scan
from remedyd.offline.sliding.series import Edge
from remedyd.offline.types import DataType

START, END = "start", "end"
"""The parameters that hold the window."""

_PROBES = tuple(
    tuple(datetime.fromisoformat(f"{moment}+00:00") for moment in probe)
    for probe in (
        ("2023-01-15T03:04:05.123", "2023-01-15T03:17:07.007", "2023-01-15T03:18:01.002"),
        ("2024-02-20T11:02:09.045", "2024-02-20T12:01:03.081", "2024-02-20T12:02:00.009"),
        ("2025-03-10T20:33:41.005", "2025-03-11T01:02:59.003", "2025-03-11T02:07:00.001"),
        ("2026-04-02T23:59:58.077", "2026-04-03T00:00:01.064", "2026-04-03T00:00:09.003"),
    )
)
"""Start, end and now of windows that have no distance in common, in months of every length."""

_T = TypeVar("_T")


class CannotSlide(Exception):
    """The query has to be run window by window; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time at a fixed distance from an edge of the window, in milliseconds.

    `whole`: it is the whole number that TO_LONG makes of that time.
    """

    edge: Edge
    offset: int
    whole: bool = False

    @property
    def name(self) -> str:
        """A column name that no query can write."""
        return f"~{self.edge}{self.offset:+d}{'ms' if self.whole else ''}"


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """A plan whose references to `moments` (by column) stand for times that move along."""

    plan: Plan
    moments: Mapping[Column, Moment]


def open_plan(
    verify: Callable[[Mapping[str, Json], datetime], Plan], params: Mapping[str, Json]
) -> OpenPlan:
    """Verify a query for several windows; return what they share.

    `params` are all parameters but the window. Raises CannotSlide, and EsqlError for a query
    that is wrong with any window.
    """
    plans = []
    for start, end, now in _PROBES:
        given = {**params, START: iso(millis(start)), END: iso(millis(end))}
        plans.append(verify(given, now))
    merger = _Merger()
    plan = merger.merge(plans)
    return OpenPlan(plan, {column: moment for moment, column in merger.columns.items()})


class _Merger:
    """Walks the plans of all probes side by side."""

    def __init__(self) -> None:
        self.columns: dict[Moment, Column] = {}

    def merge(self, items: Sequence[_T]) -> _T:
        """Return the first of the items with what moves replaced by references."""
        return cast("_T", self._merged(items))

    def _merged(self, items: Sequence[Any]) -> Any:
        first = items[0]
        if any(type(item) is not type(first) for item in items):
            raise CannotSlide("its plan is another one for another window")
        if isinstance(first, Constant):
            return self._constant(cast("Sequence[Constant]", items))
        if isinstance(first, Column):
            self._same([(item.sql, item.type, item.multi) for item in items])
            return first
        if isinstance(first, tuple):
            if len({len(item) for item in items}) > 1:
                raise CannotSlide("its plan is another one for another window")
            return tuple(self._merged(parts) for parts in zip(*items, strict=True))
        if isinstance(first, Function) or not is_dataclass(first):
            self._same(items)
            return first
        return self._record(items)

    def _record(self, items: Sequence[Any]) -> Any:
        first = items[0]
        changed: dict[str, Any] = {}
        for item in fields(first):
            if not item.init or isinstance(getattr(first, item.name), Node):
                continue
            if isinstance(first, Scan) and item.name == "until":
                changed["until"] = None  # a window that has ended holds nothing later
                continue
            if isinstance(first, Scan) and item.name == "schemas":
                continue
            changed[item.name] = self._merged([getattr(one, item.name) for one in items])
        return replace(first, **changed)

    def _constant(self, items: Sequence[Constant]) -> Any:
        first = items[0]
        self._same([(item.type, item.multi) for item in items])
        values = [item.value for item in items]
        if all(value == values[0] for value in values):
            return first
        moves = first.type in (DataType.DATE, DataType.LONG)
        if not moves or not all(isinstance(value, int) for value in values):
            raise CannotSlide("it uses the window as something other than a time")
        times, whole = cast("list[int]", values), first.type is DataType.LONG
        for edge, place in ((Edge.START, 0), (Edge.END, 1)):
            distances = _distances(times, place)
            if len(distances) == 1:
                column = self._column(Moment(edge, distances.pop(), whole))
                return Reference(first.type, False, first.node, column)
        if len(_distances(times, 2)) == 1:
            raise CannotSlide("it reads NOW()")
        raise CannotSlide("it computes a time from the window that does not move evenly with it")

    def _column(self, moment: Moment) -> Column:
        if moment not in self.columns:
            kind = DataType.LONG if moment.whole else DataType.DATE
            self.columns[moment] = Column(moment.name, moment.name, kind)
        return self.columns[moment]

    def _same(self, items: Sequence[Any]) -> None:
        if any(item != items[0] for item in items):
            raise CannotSlide("its plan is another one for another window")


def _distances(times: Sequence[int], place: int) -> set[int]:
    """Return the distances of the times from start, end or now of the probes."""
    return {time - millis(probe[place]) for time, probe in zip(times, _PROBES, strict=True)}
