"""A verified query that answers for many windows in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count, islice
from typing import Any

from remedyd.model import Column, Json, Table
from remedyd.offline.cells import row_reader
from remedyd.offline.engine import Engine
from remedyd.offline.functions.moments import iso, millis
from remedyd.offline.parser import parse
from remedyd.offline.plan import Column as PlanColumn
from remedyd.offline.plan import OrderKey, Plan
from remedyd.offline.sliding.opening import END, START, open_plan
from remedyd.offline.sliding.rewriting import CYCLE, Opened, opened
from remedyd.offline.sliding.series import Series
from remedyd.offline.sliding.steps import SlidingBuilder
from remedyd.offline.sqlgen import shown
from remedyd.offline.sqlgen.hoisting import Hoister
from remedyd.offline.sqlgen.literals import identifier
from remedyd.offline.sqlgen.pruning import Cut, prune, settle_order
from remedyd.offline.sqlgen.relations import with_clause

_numbers = count()
NUMBER = identifier(CYCLE.sql)
"""The column of a pass that holds the number of the row's window."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over a series: the rows of all its windows, in a table of the engine.

    `items` is SQL for the output columns, `order` for the order of all rows, window by window;
    `warned` says whether an evaluation failed and gave null, in whichever window.
    """

    table: str
    items: str
    order: str
    warned: bool


class SlidingQuery:
    """A query with its window left open; made by `open_query`.

    `columns` are those of the result; a window's rows are cut at `limit`. Not for several
    threads at once.
    """

    def __init__(
        self,
        engine: Engine,
        text: str,
        params: Mapping[str, Json],
        plan: Plan,
        moved: Opened,
        keys: tuple[OrderKey, ...],
    ) -> None:
        """Take the query, its plan, the steps found by `opened`, and the order of the result."""
        last = moved.after[-1] if moved.after else None
        self.limit: int | None = None
        if isinstance(last, Cut) and last.keys == keys:
            self.limit = last.count
            moved = replace(moved, after=moved.after[:-1])
        self._keys = keys
        self._opened = moved
        self._engine = engine
        self._text = text
        self._params = dict(params)
        self._warnings = plan.warnings
        self.output: tuple[tuple[str, PlanColumn], ...] = plan.output
        self.columns = tuple(Column(name, column.type.value) for name, column in plan.output)
        self._table = identifier(f"~windows{next(_numbers)}")

    def tables(self, series: Series) -> list[Table]:
        """Return the whole result of every window of a series.

        Windows must have ended: a document later than the clock of the engine counts. Raises
        ExecutionError.
        """
        passed = self.run(series)
        if passed.warned:
            return [self._alone(*series.window(number)) for number in range(series.count)]
        found = self.rows(f"SELECT {NUMBER}, {passed.items} FROM {passed.table} {passed.order}")
        return [self.table(found.get(number, [])) for number in range(series.count)]

    def run(self, series: Series) -> Pass:
        """Compute the rows of all windows; what the last pass computed is dropped."""
        storage = self._engine.storage
        sliding = SlidingBuilder(storage)
        for step in self._opened.steps(series, self._keys):
            sliding.add(step)
        builder = sliding.builder
        with builder.writer.reading(builder.name):
            order = builder.order(self._keys)
        order = order.replace(" ORDER BY ", f"ORDER BY {NUMBER}, ") or f"ORDER BY {NUMBER}"
        select = f"{with_clause(builder.relations)}SELECT * FROM {builder.name}"
        sites = [site.sequence for site in builder.sites]
        _, moved = storage.run_watched(
            f"CREATE OR REPLACE TEMP TABLE {self._table} AS {select}", sites
        )
        items = ", ".join(shown(column) for _, column in self.output)
        return Pass(self._table, items, order, bool(moved.intersection(sites)))

    def rows(self, sql: str) -> dict[int, list[tuple[Any, ...]]]:
        """Run SQL over a pass; return its rows by their first column, without it."""
        found: dict[int, list[tuple[Any, ...]]] = {}
        for number, *row in self._engine.storage.run(sql):
            found.setdefault(number, []).append(tuple(row))
        return found

    def table(self, rows: Sequence[tuple[Any, ...]]) -> Table:
        """Return the result of one window from its rows in order."""
        kept: Iterator[tuple[Any, ...]] = islice(rows, self.limit)
        return Table(
            columns=self.columns,
            rows=tuple(map(row_reader([column.type for _, column in self.output]), kept)),
            warnings=self._warnings,
        )

    def _alone(self, start: datetime, end: datetime) -> Table:
        """Run one window by itself, for the warnings that are its own."""
        given = {**self._params, START: iso(millis(start)), END: iso(millis(end))}
        return self._engine.query(self._text, given, now=end)


def open_query(engine: Engine, text: str, params: Mapping[str, Json]) -> SlidingQuery:
    """Open a query whose window are the parameters `start` and `end`.

    `params` are the other parameters. Raises CannotSlide when it has to be run window by
    window, EsqlError when it cannot be run at all.
    """
    parsed = parse(text)
    found = open_plan(lambda given, now: engine.plan(parsed, given, now=now), params)
    steps, keys = settle_order(list(Hoister().steps(found.plan.steps)))
    output = [column for _, column in found.plan.output]
    moved = opened(prune(steps, output, keys), found.moments)
    return SlidingQuery(engine, text, params, found.plan, moved, keys)
