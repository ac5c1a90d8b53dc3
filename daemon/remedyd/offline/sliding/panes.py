"""Overlapping windows, computed from panes: each document is looked at once.

Windows that overlap share most of their documents. Cut into panes as long as the greatest common
divisor of window and step, every window is a row of whole panes; so the first STATS is computed
per pane, and what a window needs is put together from the results. That is exact for counts,
smallest and largest values, sums of whole numbers (one that overflows is run window by window),
and for distinct times, as two panes have no time in common. Sums of doubles, medians and the rest
are left to the plain way: their parts do not add up to the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import gcd

from remedyd.offline.functions import FUNCTIONS, Function
from remedyd.offline.functions.signature import Emitter, gives
from remedyd.offline.plan import (
    Aggregate,
    AggregateCall,
    Call,
    Column,
    Constant,
    Definition,
    Expression,
    Extend,
    Reference,
)
from remedyd.offline.sliding.steps import Slide, Sliding
from remedyd.offline.sqlgen.pruning import Ordered
from remedyd.offline.types import DataType

_PANE = Column("~pane", "~pane", DataType.LONG)
_COMBINED = {"COUNT": "SUM", "MIN": "MIN", "MAX": "MAX", "COUNT_DISTINCT": "SUM", "SUM": "SUM"}
_MANY = 4
"""Panes per window up to which they pay even where windows overlap by little."""


def _distinct(_: Emitter, __: AggregateCall, arguments: Sequence[str], where: str) -> str:
    return f"coalesce(len(list_distinct(list({arguments[0]}){where})), 0)"


_FEW_DISTINCT = Function(
    "COUNT_DISTINCT", (), gives(DataType.LONG), aggregate=_distinct, whole=True
)
"""Distinct values of a group that is known to have few: a list costs less than a hash table."""


@dataclass(frozen=True, slots=True)
class Panes:
    """A first STATS in two halves: `parts` per pane, `whole` from them."""

    parts: Aggregate
    whole: Aggregate

    def steps(self, slide: Slide) -> Iterator[Sliding]:
        """Yield the steps that stand for the join with the windows and the STATS after it."""
        length = slide.high - slide.low
        width = gcd(slide.step, length)
        step, size = slide.step // width, length // width
        panes = (slide.count - 1) * step + size
        yield replace(slide, cycle=_PANE, high=slide.low + width, step=width, count=panes)
        yield self.parts
        yield Slide(_PANE, slide.cycle, 0, size, step, slide.count)
        yield self.whole


def pays(slide: Slide) -> bool:
    """Whether the windows overlap enough for panes to be less work."""
    length = slide.high - slide.low
    few = length // gcd(slide.step, length) <= _MANY
    return length >= 2 * slide.step or (length > slide.step and few)


def panes(
    step: Aggregate, cycle: Definition, before: Sequence[Ordered], time: Column
) -> Panes | None:
    """Return the halves of a STATS, or None when its parts do not add up to it.

    `before` are the steps that computed what it reads, `time` is the time of a document.
    """
    times = _Times(before, time)
    parts: list[Definition] = []
    whole: list[Definition] = []
    for item in step.aggregates:
        call = item.value
        if not isinstance(call, AggregateCall) or call.function.name not in _COMBINED:
            return None
        if call.function.name == "SUM" and call.type is not DataType.LONG:
            return None
        if call.function.name == "COUNT_DISTINCT":
            if call.arguments[0].multi or not times.is_time(call.arguments[0]):
                return None
            call = replace(call, function=_FEW_DISTINCT)
        part = Column(f"~{item.column.sql}", f"~{item.column.sql}", call.type)
        parts.append(Definition(part, call))
        combined = FUNCTIONS[_COMBINED[call.function.name]]
        read = Reference(call.type, False, call.node, part)
        whole.append(
            Definition(
                item.column, replace(call, function=combined, arguments=(read,), condition=None)
            )
        )
    own = tuple(_again(group) for group in step.groups)
    pane = _again(Definition(_PANE, replace(cycle.value)), _PANE)
    return Panes(
        Aggregate((*step.groups, pane), tuple(parts)), Aggregate((*own, cycle), tuple(whole))
    )


def _again(group: Definition, column: Column | None = None) -> Definition:
    found = column or group.column
    return Definition(found, Reference(found.type, found.multi, group.value.node, found))


class _Times:
    """Knows which expressions are a document's own time or null, and nothing else."""

    def __init__(self, before: Sequence[Ordered], time: Column) -> None:
        self._time = time
        self._defined = {
            item.column: item.value
            for step in before
            if isinstance(step, Extend)
            for item in step.definitions
        }

    def is_time(self, expression: Expression) -> bool:
        """Whether it can only be the time of the document, or null."""
        if isinstance(expression, Constant):
            return expression.value is None
        if isinstance(expression, Reference):
            if expression.column is self._time:
                return True
            defined = self._defined.get(expression.column)
            return defined is not None and self.is_time(defined)
        if isinstance(expression, Call) and expression.function.name == "CASE":
            *pairs, last = expression.arguments
            branches = expression.arguments[1::2]
            return all(map(self.is_time, branches if len(pairs) % 2 else (*branches, last)))
        return False
