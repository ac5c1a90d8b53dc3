"""From the steps of an open plan to steps over all windows of a series.

The bounds of the window are taken out of the filters and become the join with the windows; it
stands as late as possible, so that what does not look at the window is computed once per document
and not once per window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from remedyd.offline.catalog.schema import TIMESTAMP
from remedyd.offline.nodes import Node, Span
from remedyd.offline.plan import (
    Aggregate,
    Call,
    Column,
    Definition,
    Expression,
    Extend,
    Filter,
    Interpolate,
    OrderKey,
    Reference,
    Scan,
    references,
)
from remedyd.offline.sliding.opening import CannotSlide, Moment
from remedyd.offline.sliding.panes import Panes, panes, pays
from remedyd.offline.sliding.series import Series
from remedyd.offline.sliding.steps import Bound, CycleCut, Moments, Slide, Sliding
from remedyd.offline.sqlgen.pruning import Cut, Ordered
from remedyd.offline.types import DataType

CYCLE = Column("~cycle", "~cycle", DataType.LONG)
"""The number of a row's window."""

_MIRRORED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}


@dataclass(frozen=True, slots=True)
class Opened:
    """Steps before and after the join with the windows, and where it takes place.

    `before` looks at no window. A row at time `time` belongs to the windows for which
    `low <= time < high`.
    """

    before: tuple[Ordered, ...]
    after: tuple[Ordered, ...]
    time: Column
    low: Bound
    high: Bound
    moments: Mapping[Column, Moment]

    def slide(self, series: Series) -> Slide:
        """Return the join with the windows of a series."""
        low, high = self.low.first(series), self.high.first(series)
        return Slide(self.time, CYCLE, low, high, series.stride * 1000, series.count)

    def steps(self, series: Series, keys: Sequence[OrderKey] = ()) -> Iterator[Sliding]:
        """Yield all steps for a series; `keys` are the order of the result."""
        yield from self.before
        slide, halves = self.slide(series), self._panes()
        if halves is not None and pays(slide):
            yield from halves.steps(slide)
            yield from self.following(self.after[1:], series, keys)
        else:
            yield slide
            yield from self.following(self.after, series, keys)

    def _panes(self) -> Panes | None:
        first = self.after[0] if self.after else None
        if not isinstance(first, Aggregate) or first.inline or _read([first]) & self.moments.keys():
            return None
        return panes(first, Definition(CYCLE, cycle()), self.before, self.time)

    def following(
        self, steps: Sequence[Ordered], series: Series, keys: Sequence[OrderKey]
    ) -> Iterator[Sliding]:
        """Yield steps after the join, with the moments they look at before them.

        A STATS keeps no column but its own, so the moments are added again after each.
        """
        shown = {column for key in keys for column in references(key.value)}
        segments = _segments(steps)
        for number, segment in enumerate(segments, start=1):
            read = _read(segment) | (shown if number == len(segments) else set())
            yield from self._moments(read, series)
            yield from map(_per_cycle, segment)

    def _moments(self, read: set[Column], series: Series) -> Iterator[Moments]:
        used = tuple((c, moment) for c, moment in self.moments.items() if c in read)
        if used:
            yield Moments(CYCLE, used, series)


def opened(steps: Sequence[Ordered], moments: Mapping[Column, Moment]) -> Opened:
    """Find the join with the windows. Raises CannotSlide."""
    scan = steps[0]
    if not isinstance(scan, Scan):
        raise CannotSlide("it does not begin with FROM")
    time = next((column for column in scan.columns if column.name == TIMESTAMP), None)
    if time is None or time.type is not DataType.DATE or time.multi:
        raise CannotSlide("it does not look at @timestamp")
    for step in steps:
        if isinstance(step, Aggregate) and not step.inline and not step.groups:
            raise CannotSlide("a STATS without BY gives a row even for an empty window")
    if any(isinstance(step, Interpolate) for step in steps):
        raise CannotSlide("it interpolates counters between time buckets")
    finder = _Bounds(time, moments)
    rows = [scan, *finder.without_bounds(steps[1:])]
    if finder.low is None or finder.high is None:
        raise CannotSlide("the window is not the bounds of @timestamp in a WHERE")
    cut = _first_looking(rows, moments)
    return Opened(tuple(rows[:cut]), tuple(rows[cut:]), time, finder.low, finder.high, moments)


class _Bounds:
    """Takes the first lower and upper bound on the time out of the filters."""

    def __init__(self, time: Column, moments: Mapping[Column, Moment]) -> None:
        self.time = time
        self.moments = moments
        self.low: Bound | None = None
        self.high: Bound | None = None

    def without_bounds(self, steps: Sequence[Ordered]) -> Iterator[Ordered]:
        """Yield the steps; only those that look at single rows may hold the bounds."""
        single = True
        for step in steps:
            single = single and isinstance(step, Filter | Extend)
            if not single or not isinstance(step, Filter):
                yield step
                continue
            kept = [part for part in _conjuncts(step.condition) if not self._take(part)]
            yield from map(Filter, kept)

    def _take(self, condition: Expression) -> bool:
        found = self._bound(condition)
        if found is None:
            return False
        operator, moment = found
        if operator in (">", ">=") and self.low is None:
            self.low = Bound(moment, after=operator == ">")
            return True
        if operator in ("<", "<=") and self.high is None:
            self.high = Bound(moment, after=operator == "<=")
            return True
        return False

    def _bound(self, condition: Expression) -> tuple[str, Moment] | None:
        if not isinstance(condition, Call) or condition.function.name not in _MIRRORED:
            return None
        left, right = condition.arguments
        operator = condition.function.name
        if not isinstance(left, Reference) or not isinstance(right, Reference):
            return None
        if right.column is self.time:
            left, right, operator = right, left, _MIRRORED[operator]
        moment = self.moments.get(right.column)
        return (operator, moment) if left.column is self.time and moment else None


def _conjuncts(condition: Expression) -> Iterator[Expression]:
    if isinstance(condition, Call) and condition.function.name == "AND":
        for part in condition.arguments:
            yield from _conjuncts(part)
    else:
        yield condition


def _first_looking(steps: Sequence[Ordered], moments: Mapping[Column, Moment]) -> int:
    """Return the place of the first step that needs to know its window."""
    for place, step in enumerate(steps[1:], start=1):
        if not isinstance(step, Filter | Extend) or _read([step]) & moments.keys():
            return place
    return len(steps)


def _segments(steps: Sequence[Ordered]) -> list[list[Ordered]]:
    """Cut the steps after each one that regroups; the last part may be empty."""
    segments: list[list[Ordered]] = [[]]
    for step in steps:
        segments[-1].append(step)
        if _regroups(step):
            segments.append([])
    return segments


def _regroups(step: Ordered) -> bool:
    return isinstance(step, Aggregate) and not step.inline


def _per_cycle(step: Ordered) -> Sliding:
    if isinstance(step, Cut):
        return CycleCut(CYCLE, step.count, step.keys)
    if isinstance(step, Aggregate):
        own = Column(f"~{CYCLE.sql}", f"~{CYCLE.sql}", CYCLE.type) if step.inline else CYCLE
        return replace(step, groups=(*step.groups, Definition(own, cycle())))
    return step


def cycle() -> Reference:
    """Return a reference to the number of the window."""
    return Reference(CYCLE.type, False, Node(Span(0, 0)), CYCLE)


def _read(steps: Iterable[Ordered]) -> set[Column]:
    return {column for step in steps for value in _values(step) for column in references(value)}


def _values(step: Ordered) -> Iterator[Expression]:
    if isinstance(step, Filter):
        yield step.condition
    elif isinstance(step, Extend):
        yield from (item.value for item in step.definitions)
    elif isinstance(step, Aggregate):
        yield from (item.value for item in (*step.groups, *step.aggregates))
    elif isinstance(step, Cut):
        yield from (key.value for key in step.keys)
