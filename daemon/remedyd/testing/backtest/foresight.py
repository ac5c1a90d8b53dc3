"""A recording that answers a query before it is asked.

The audit runner asks for one window at a time, with a clock that moves in equal steps. So the
windows to come are known, and the first question is answered together with the next few hundred
of the same kind. Whatever is asked otherwise is answered by the recording itself: a wrong guess
costs time, never a result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from remedyd.model import Clock, Json, Table
from remedyd.offline.errors import EsqlError
from remedyd.offline.functions.moments import from_millis, parse_millis
from remedyd.offline.recording import RecordingSource
from remedyd.offline.sliding import CannotSlide, Series, Sieve, Sifted, Sifter, open_query
from remedyd.offline.sliding.sieve import Subject
from remedyd.offline.storage import ExecutionError

START, END = "start", "end"
_FIRST, _ROWS, _MOST = 32, 100_000, 2000
"""Windows of the first pass; rows aimed at in each further one; windows at most."""

_WORTH_TELLING = 2
"""Cycles from which it matters that they are run one by one."""

Span = tuple[datetime, datetime]
Reach = tuple[timedelta, timedelta]
"""How long before the cycle a window starts and ends."""


@dataclass(frozen=True, slots=True)
class SiftedTable(Table):
    """A result from which rows were left out; `subjects` are those of all its rows."""

    subjects: frozenset[Subject] = field(default=frozenset())


class Foresight:
    """Implements model.QuerySource over a recording, for one backtest; not for several threads.

    `notices` says which queries had to be run window by window, and why.
    """

    def __init__(
        self,
        source: RecordingSource,
        clock: Clock,
        times: Sequence[datetime],
        sieves: Mapping[str, Sieve] | None = None,
    ) -> None:
        """Take the recording, the clock that the runner reads, and all its times in order.

        `sieves` gives by the text of a query which rows may be left out of its result.
        """
        self._source = source
        self._clock = clock
        self._times = {time: place for place, time in enumerate(times)}
        self._sieves = sieves or {}
        self._lanes: dict[object, _Lane | None] = {}
        self._fields: dict[tuple[str, frozenset[str]], Mapping[str, str]] = {}
        self._step = _step(times)
        self.notices: list[str] = []

    def query(self, text: str, params: Mapping[str, Json]) -> Table:
        """Run a query; raises errors.QueryError with the outcome it amounts to."""
        span, now = _span(params), self._clock.now()
        if span is None or now not in self._times or span[1] > now:
            return self._source.query(text, params)
        reach = (now - span[0], now - span[1])
        lane = self._lane(text, params, reach)
        if lane is None:
            return self._source.query(text, params)
        if span not in lane.ready:
            try:
                lane.look_ahead(span, self._step, len(self._times) - self._times[now])
            except ExecutionError as error:
                self._give_up(text, (_key(text, params), reach), error.message)
                return self._source.query(text, params)
        return lane.ready.pop(span)

    def fields(self, indices: str, names: frozenset[str]) -> Mapping[str, str]:
        """Return the mapped ones among `names` with their type; a recording does not change."""
        key = (indices, names)
        if key not in self._fields:
            self._fields[key] = self._source.fields(indices, names)
        return self._fields[key]

    def version(self) -> tuple[int, int]:
        """Return the Elasticsearch release imitated."""
        return self._source.version()

    def _lane(self, text: str, params: Mapping[str, Json], reach: Reach) -> "_Lane | None":
        """Return the lane of a query; one that is asked for two windows a cycle has two."""
        key = (_key(text, params), reach)
        if key not in self._lanes:
            rest = {name: value for name, value in params.items() if name not in (START, END)}
            try:
                if not self._step:
                    raise CannotSlide("the cycles are not at equal distances")
                query = open_query(self._source.engine, text, rest)
                self._lanes[key] = _Lane(Sifter(query, self._sieves.get(text)))
            except CannotSlide as reason:
                self._give_up(text, key, str(reason))
            except EsqlError:
                self._lanes[key] = None  # the recording tells what is wrong with it
        return self._lanes[key]

    def _give_up(self, text: str, key: object, reason: str) -> None:
        self._lanes[key] = None
        if len(self._times) < _WORTH_TELLING:
            return
        first = next((line for line in text.splitlines() if line.startswith("FROM")), text[:60])
        told = f"run window by window, which takes longer: {reason} ({first.strip()})"
        if told not in self.notices:
            self.notices.append(told)


class _Lane:
    """The answers to one query, ahead of the questions."""

    def __init__(self, sifter: Sifter) -> None:
        self._sifter = sifter
        self._count = _FIRST
        self.ready: dict[Span, Table] = {}

    def look_ahead(self, span: Span, step: timedelta, left: int) -> None:
        """Answer for a window and those after it, `left` in all at most."""
        series = Series(span[0], span[1], step, min(self._count, left))
        found = self._sifter.sift(series)
        self.ready = {series.window(n): _sifted(one) for n, one in enumerate(found)}
        rows = sum(one.count for one in found)
        self._count = max(8, min(_MOST, _ROWS * series.count // max(rows, 1)))


def _sifted(one: Sifted) -> Table:
    table = one.table
    if not one.subjects:
        return table
    return SiftedTable(table.columns, table.rows, table.warnings, table.took_ms, one.subjects)


def _key(text: str, params: Mapping[str, Json]) -> object:
    rest = sorted((name, repr(v)) for name, v in params.items() if name not in (START, END))
    return text, tuple(rest)


def _span(params: Mapping[str, Json]) -> Span | None:
    edges = [parse_millis(str(params.get(name, ""))) for name in (START, END)]
    if edges[0] is None or edges[1] is None or edges[0] >= edges[1]:
        return None
    return from_millis(edges[0]), from_millis(edges[1])


def _step(times: Sequence[datetime]) -> timedelta:
    """Return the distance of the times; zero where there is none in whole milliseconds."""
    if len(times) < 2:
        return timedelta(0)
    step = times[1] - times[0]
    even = all(after - before == step for before, after in pairwise(times))
    whole = step > timedelta(0) and not step % timedelta(milliseconds=1)
    return step if even and whole else timedelta(0)
