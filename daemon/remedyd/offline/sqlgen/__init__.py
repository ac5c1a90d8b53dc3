"""DuckDB SQL from a verified plan: one CTE per step, every identifier quoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remedyd.offline.plan import (
    Aggregate,
    Call,
    Column,
    Expand,
    Expression,
    Extend,
    Filter,
    OrderKey,
    Plan,
    Scan,
)
from remedyd.offline.sqlgen.expressions import Site, Writer
from remedyd.offline.sqlgen.hoisting import Hoister
from remedyd.offline.sqlgen.literals import identifier, value
from remedyd.offline.sqlgen.pruning import Cut, Ordered, prune, settle_order
from remedyd.offline.sqlgen.ranges import as_range
from remedyd.offline.sqlgen.scan import Tables, scan_sql
from remedyd.offline.types import DataType

__all__ = ["Site", "Statement", "Tables", "generate"]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL to run, and the sites at which it may leave warnings.

    `ctes` are the common table expressions in order, to look at the rows of one of them again.
    """

    sql: str
    sites: tuple[Site, ...]
    ctes: tuple[tuple[str, str], ...]

    def examples(self, site: Site) -> str:
        """Return SQL for the distinct texts to show in a site's warnings."""
        names = [name for name, _ in self.ctes]
        before = self.ctes[: names.index(site.step) + 1]
        shown = f"SELECT DISTINCT {site.shown} FROM {site.step} WHERE {site.failed} LIMIT 20"
        return f"{_with(before)}{shown}"


def _with(ctes: Sequence[tuple[str, str]]) -> str:
    text = ",\n".join(f"{name} AS {body}" for name, body in ctes)
    return f"WITH {text}\n" if text else ""


def generate(plan: Plan, tables: Tables) -> Statement:
    """Return the SQL of a plan over stored streams."""
    output = [column for _, column in plan.output]
    steps, keys = settle_order(list(Hoister().steps(plan.steps)))
    builder = _Builder(tables)
    for step in prune(steps, output, keys):
        builder.add(step)
    return builder.finish(output, keys)


class _Builder:
    """Appends one CTE per step."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.sites: list[Site] = []
        self.writer = Writer(self.sites)
        self.ctes: list[tuple[str, str]] = []

    @property
    def last(self) -> str:
        """The CTE that the next step reads."""
        return self.ctes[-1][0] if self.ctes else ""

    def add(self, step: Ordered) -> None:
        """Append a step."""
        with self.writer.reading(self.last):
            if isinstance(step, Scan):
                self._append(scan_sql(step, self.tables))
            elif isinstance(step, Extend):
                self._extend(step)
            elif isinstance(step, Filter):
                condition = self._condition(step.condition)
                self._append(f"SELECT * FROM {self.last} WHERE {condition}")
            elif isinstance(step, Aggregate):
                self._aggregate(step)
            elif isinstance(step, Cut):
                order = self._order(step.keys)
                self._append(f"SELECT * FROM {self.last}{order} LIMIT {step.count}")
            else:
                self._expand(step)

    def finish(self, output: Sequence[Column], keys: Sequence[OrderKey]) -> Statement:
        """Return the statement that shows the output columns."""
        with self.writer.reading(self.last):
            items = ", ".join(identifier(column.sql) for column in output) or "NULL"
            order = self._order(keys)
        sql = f"{_with(self.ctes)}SELECT {items} FROM {self.last}{order}"
        return Statement(sql, tuple(self.sites), tuple(self.ctes))

    def _append(self, select: str, *, reused: bool = False) -> None:
        mode = "MATERIALIZED" if reused else "NOT MATERIALIZED"
        self.ctes.append((f"s{len(self.ctes)}", f"{mode} (\n  {select})"))

    def _extend(self, step: Extend) -> None:
        if not self.ctes:
            self._append('SELECT 0 AS "~"')
            return
        if not step.definitions:
            return
        items = ", ".join(
            f"{self.writer.emit(item.value)} AS {identifier(item.column.sql)}"
            for item in step.definitions
        )
        self._append(f"SELECT *, {items} FROM {self.last}")

    def _condition(self, condition: Expression) -> str:
        if isinstance(condition, Call):
            if condition.function.name == "AND":
                left, right = (self._condition(item) for item in condition.arguments)
                return f"{left} AND {right}"
            bounds = as_range(condition)
            if bounds is not None:
                column, low, high = bounds
                text = identifier(column.column.sql)
                below, above = value(low, DataType.DATE), value(high, DataType.DATE)
                return f"{text} > {below} AND {text} < {above}"
        return self.writer.emit_as(condition, DataType.BOOLEAN)

    def _aggregate(self, step: Aggregate) -> None:
        groups = []
        for group in step.groups:
            name = identifier(group.column.sql)
            if group.value.multi:
                text = self.writer.emit(group.value)
                each = f"unnest(CASE WHEN {text} IS NULL THEN [NULL] ELSE {text} END)"
                self._append(f"SELECT *, {each} AS {name} FROM {self.last}")
                groups.append(name)
            else:
                groups.append(f"{self.writer.emit(group.value)} AS {name}")
        aggregates = [
            f"{self.writer.emit(item.value)} AS {identifier(item.column.sql)}"
            for item in step.aggregates
        ]
        items = ", ".join([*groups, *aggregates]) or 'NULL AS "~"'
        by = ", ".join(str(index + 1) for index in range(len(groups)))
        grouped = f" GROUP BY {by}" if groups else ""
        having = "" if groups or aggregates else " LIMIT 1"
        self._append(f"SELECT {items} FROM {self.last}{grouped}{having}")

    def _expand(self, step: Expand) -> None:
        source, target = identifier(step.source.sql), identifier(step.target.sql)
        each = f"unnest(CASE WHEN {source} IS NULL THEN [NULL] ELSE {source} END)"
        self._append(f"SELECT *, {each} AS {target} FROM {self.last}")

    def _order(self, keys: Sequence[OrderKey]) -> str:
        if not keys:
            return ""
        parts = []
        for key in keys:
            text = self.writer.emit(key.value)
            if key.value.multi:
                text = f"list_{'max' if key.descending else 'min'}({text})"
            direction = "DESC" if key.descending else "ASC"
            parts.append(f"{text} {direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}")
        return f" ORDER BY {', '.join(parts)}"
