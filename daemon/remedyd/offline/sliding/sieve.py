"""Handing out only the rows that somebody has to look at.

Over weeks nearly every row of an audit says that a workload is fine, and making Python objects of
all of them costs more than finding them. Which rows are fine is decided here in SQL, by a rule
that is strict on purpose: wherever something about a window looks unusual, all its rows are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from remedyd.model import Cell, Table
from remedyd.offline.sliding.query import NUMBER, Pass, SlidingQuery
from remedyd.offline.sliding.series import Edge, Series
from remedyd.offline.sqlgen.literals import identifier, value
from remedyd.offline.types import DataType

Subject = tuple[Cell, ...]
"""The values of the columns that tell a result's rows apart."""


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which rows of a result may be left out; all names are columns of the result.

    A row may be left out when all of this holds: no column of `present` is null, none of
    `filled` is empty, `grade` (column and values) has one of its values, `least` (column and
    number) is reached, `seen` (column and age) is not older than that at the end of the window.
    `identity` tells rows apart. All rows of a window are given where two rows are the same
    there, where `uniform` has several values, or where there are `limit` rows or more; and of all
    windows where the columns and their types are not exactly `types`.
    """

    types: Mapping[str, str]
    identity: tuple[str, ...]
    present: frozenset[str]
    filled: frozenset[str]
    grade: tuple[str, frozenset[int]]
    least: tuple[str, int] | None
    seen: tuple[str, timedelta] | None
    uniform: str
    limit: int


@dataclass(frozen=True, slots=True)
class Sifted:
    """The result of one window: its rows in order, without those left out.

    Of the rows that may be left out one is always there, so that a result in which some row was
    usable never looks like one without any. `count` is that of all rows. `subjects` are those of
    all rows, empty when none was left out; windows with the same ones share the object.
    """

    table: Table
    count: int
    subjects: frozenset[Subject] = frozenset()


class Sifter:
    """Applies a sieve to the passes of one query, and remembers the subjects it has seen."""

    def __init__(self, query: SlidingQuery, sieve: Sieve | None = None) -> None:
        """Take the query and the sieve for its columns; without one no row is left out."""
        types = {column.name: column.type for column in query.columns}
        self._query = query
        self._sieve = sieve if sieve is not None and types == sieve.types else None
        self._known: dict[tuple[int, ...], frozenset[Subject]] = {}

    def sift(self, series: Series) -> list[Sifted]:
        """Return the result of every window of a series. Raises ExecutionError."""
        if self._sieve is None:
            return [Sifted(table, len(table.rows)) for table in self._query.tables(series)]
        passed = self._query.run(series)
        rows = self._query.rows(self._listing(self._sieve, passed, series))
        windows = self._query.rows(self._windows(self._sieve, passed))
        found = []
        for number in range(series.count):
            key = windows[number][0] if number in windows else (0,)
            table = self._query.table(rows.get(number, []))
            if len(rows.get(number, [])) == key[0]:
                found.append(Sifted(table, key[0]))
                continue
            if key not in self._known:
                self._known[key] = self._subjects(self._sieve, passed, number)
            found.append(Sifted(table, key[0], self._known[key]))
        return found

    def _listing(self, sieve: Sieve, passed: Pass, series: Series) -> str:
        """Return SQL for the rows to give: the unusual ones and one of every window."""
        subject = ", ".join(f"coalesce({self._column(name)}, '')" for name in sieve.identity)
        unusual = [
            f"count(*) > count(DISTINCT row({subject}))",
            f"count(*) >= {min(sieve.limit, self._query.limit or sieve.limit)}",
        ]
        if sieve.uniform:
            unusual.append(f"count(DISTINCT coalesce({self._column(sieve.uniform)}, '')) > 1")
        return (
            f'WITH f AS (SELECT *, rowid AS "~row", {self._fine(sieve, series)} AS "~fine" '
            f"FROM {passed.table}), "
            f'w AS (SELECT {NUMBER} AS "~of", min("~row") FILTER (WHERE "~fine") AS "~one", '
            f'{" OR ".join(unusual)} AS "~whole" FROM f GROUP BY 1) '
            f'SELECT {NUMBER}, {passed.items} FROM f JOIN w ON {NUMBER} = "~of" '
            f'WHERE NOT "~fine" OR "~whole" OR "~row" = "~one" {passed.order}'
        )

    def _windows(self, sieve: Sieve, passed: Pass) -> str:
        """Return SQL for a fingerprint of the subjects of every window."""
        mark = f"hash({', '.join(map(self._column, sieve.identity))})"
        prints = f"count(*), bit_xor({mark}), sum({mark}), sum({mark} % 1000000007)"
        return f"SELECT {NUMBER}, {prints} FROM {passed.table} GROUP BY 1"

    def _subjects(self, sieve: Sieve, passed: Pass, number: int) -> frozenset[Subject]:
        names = ", ".join(map(self._column, sieve.identity))
        sql = f"SELECT DISTINCT {NUMBER}, {names} FROM {passed.table} WHERE {NUMBER} = {number}"
        return frozenset(self._query.rows(sql).get(number, []))

    def _fine(self, sieve: Sieve, series: Series) -> str:
        """Return SQL that is true for the rows that may be left out."""
        if not sieve.grade[1] or any(column.multi for _, column in self._query.output):
            return "FALSE"
        tests = [f"{self._column(sieve.grade[0])} IN ({', '.join(map(str, sieve.grade[1]))})"]
        tests += [f"{self._column(name)} IS NOT NULL" for name in sorted(sieve.present)]
        tests += [f"{self._column(name)} <> ''" for name in sorted(sieve.filled)]
        tests += [
            f"coalesce(isfinite({identifier(column.sql)}), TRUE)"
            for _, column in self._query.output
            if column.type is DataType.DOUBLE
        ]
        if sieve.least is not None:
            tests.append(f"{self._column(sieve.least[0])} >= {sieve.least[1]}")
        if sieve.seen is not None:
            name, age = sieve.seen
            oldest = value(
                series.first(Edge.END, -(age // timedelta(milliseconds=1))), DataType.DATE
            )
            moved = f"to_milliseconds({NUMBER} * {series.stride})"
            tests.append(f"{self._column(name)} >= {oldest} + {moved}")
        return f"coalesce({' AND '.join(tests)}, FALSE)"

    def _column(self, name: str) -> str:
        return identifier(dict(self._query.output)[name].sql)
