"""DuckDB SQL from a verified plan: one relation per step, every identifier quoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remedyd.offline.plan import (
    Aggregate,
    Call,
    Column,
    Constant,
    Definition,
    Expand,
    Expression,
    Extend,
    Filter,
    Interpolate,
    Join,
    OrderKey,
    Plan,
    Reference,
    Scan,
)
from remedyd.offline.sqlgen.expressions import Site, Writer
from remedyd.offline.sqlgen.hoisting import Hoister
from remedyd.offline.sqlgen.keys import readable
from remedyd.offline.sqlgen.literals import identifier, value
from remedyd.offline.sqlgen.neighbours import beside_sql, gains_sql
from remedyd.offline.sqlgen.pruning import Cut, Ordered, merged, prune, settle_order
from remedyd.offline.sqlgen.ranges import as_range
from remedyd.offline.sqlgen.relations import Relation, nested, reference, with_clause
from remedyd.offline.sqlgen.scan import Tables, scan_sql
from remedyd.offline.types import DataType, storage

__all__ = ["Builder", "Site", "Statement", "Tables", "generate", "shown"]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL to run, and the sites at which it may leave warnings.

    `relations` are the rows after each step, to look at those of one of them again.
    """

    sql: str
    sites: tuple[Site, ...]
    relations: tuple[Relation, ...]

    def examples(self, site: Site) -> str:
        """Return SQL for the distinct texts to show in a site's warnings."""
        names = [relation.name for relation in self.relations]
        before = self.relations[: names.index(site.step) + 1] if site.step else ()
        shown = f"SELECT DISTINCT {site.shown} FROM {site.rows} WHERE {site.failed} LIMIT 20"
        return f"{with_clause(before)}{shown}"


def shown(column: Column) -> str:
    """Return the SQL of an output column as its values are handed out."""
    name = identifier(column.sql)
    if column.type is not DataType.DATE_NANOS:
        return readable(name, column.type, multi=column.multi)
    if column.multi:
        return f"list_transform({name}, lambda v: epoch_ns(v))"
    return f"epoch_ns({name})"


def _each(values: str) -> str:
    return f"unnest(CASE WHEN {values} IS NULL THEN [NULL] ELSE {values} END)"


def generate(plan: Plan, tables: Tables) -> Statement:
    """Return the SQL of a plan over stored streams."""
    output = [column for _, column in plan.output]
    steps, keys = settle_order(list(Hoister().steps(plan.steps)))
    builder = Builder(tables)
    kept = merged(prune(steps, output, keys))
    last = kept[-1] if kept else None
    limit = last.count if isinstance(last, Cut) and last.keys == keys else None
    for step in kept if limit is None else kept[:-1]:
        builder.add(step)
    return builder.finish(output, keys, limit)


class Builder:
    """Appends one relation per step."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.sites: list[Site] = []
        self.writer = Writer(self.sites)
        self.relations: list[Relation] = []

    @property
    def name(self) -> str:
        """The relation that the next step reads, empty before the first."""
        return self.relations[-1].name if self.relations else ""

    @property
    def last(self) -> str:
        """What stands for that relation in SQL."""
        return reference(self.name)

    def add(self, step: Ordered) -> None:
        """Append a step."""
        with self.writer.reading(self.name):
            if isinstance(step, Scan):
                self.append(scan_sql(step, self.tables, self.writer))
            elif isinstance(step, Extend):
                self._extend(step)
            elif isinstance(step, Filter):
                condition = self._condition(step.condition)
                self.append(f"SELECT * FROM {self.last} WHERE {condition}")
            elif isinstance(step, Aggregate):
                self._aggregate(step)
            elif isinstance(step, Cut):
                order = self.order(step.keys)
                self.append(f"SELECT * FROM {self.last}{order} LIMIT {step.count}")
            elif isinstance(step, Join):
                self._join(step)
            elif isinstance(step, Interpolate):
                self.append(beside_sql(step, self.last))
                self.append(gains_sql(step, self.last))
            else:
                self._expand(step)

    def finish(
        self, output: Sequence[Column], keys: Sequence[OrderKey], limit: int | None = None
    ) -> Statement:
        """Return the statement that shows the output columns of the first rows."""
        with self.writer.reading(self.name):
            items = ", ".join(map(shown, output)) or "NULL"
            order = self.order(keys)
        cut = "" if limit is None else f" LIMIT {limit}"
        sql = nested(f"SELECT {items} FROM {self.last}{order}{cut}", self.relations)
        return Statement(sql, tuple(self.sites), tuple(self.relations))

    def append(self, select: str, *, reused: bool = False) -> None:
        """Append a relation; `reused` when several others read it."""
        self.relations.append(Relation(f"s{len(self.relations)}", select, reused))

    def _extend(self, step: Extend) -> None:
        if not self.relations:
            self.append('SELECT 0 AS "~"')
            return
        if not step.definitions:
            return
        items = ", ".join(
            f"{self.writer.emit(item.value)} AS {identifier(item.column.sql)}"
            for item in step.definitions
        )
        self.append(f"SELECT *, {items} FROM {self.last}")

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
        groups = [self._group(group) for group in step.groups]
        self.writer.keys = len(groups)
        if step.inline:
            self._inline(step, groups)
            return
        items = ", ".join([*groups, *self._aggregates(step)]) or 'NULL AS "~"'
        by = ", ".join(str(index + 1) for index in range(len(groups)))
        self.append(f"SELECT {items} FROM {self.last}{f' GROUP BY {by}' if by else ''}")

    def _aggregates(self, step: Aggregate) -> list[str]:
        return [
            f"{self.writer.emit(item.value)} AS {identifier(item.column.sql)}"
            for item in step.aggregates
        ]

    def _group(self, group: Definition) -> str:
        """Return the select item of a group key; a row is in the group of each of its values."""
        name, text = identifier(group.column.sql), self.writer.emit(group.value)
        if not group.value.multi:
            return f"{text} AS {name}"
        self.append(f"SELECT *, {_each(text)} AS {name} FROM {self.last}")
        return name

    def _inline(self, step: Aggregate, groups: Sequence[str]) -> None:
        """Join the groups' results to the rows they were computed from."""
        names = [identifier(group.column.sql) for group in step.groups]
        added = f", {', '.join(groups)}" if groups else ""
        self.append(f"SELECT *{added} FROM {self.last}", reused=True)
        rows = self.last
        aggregates = self._aggregates(step)
        items = ", ".join([*names, *aggregates]) or "NULL"
        by = f" GROUP BY {', '.join(names)}" if names else ""
        self.append(f"SELECT {items} FROM {rows}{by}")
        same = " AND ".join(f"l.{name} IS NOT DISTINCT FROM r.{name}" for name in names)
        results = "".join(f", r.{identifier(item.column.sql)}" for item in step.aggregates)
        join = f"JOIN {self.last} r ON {same}" if same else f"CROSS JOIN {self.last} r"
        self.append(f"SELECT l.*{results} FROM {rows} l {join}")

    def _join(self, step: Join) -> None:
        stored = self.tables.columns(step.schema.stream)
        pairs = [f"l.{identifier(column.sql)} = r.{stored[path]}" for column, path in step.keys]
        items = "".join(
            f", r.{stored[column.leaves[step.schema.stream].path]} AS {identifier(column.sql)}"
            for column in step.columns
        )
        table = self.tables.table(step.schema.stream)
        self.append(
            f"SELECT l.*{items} FROM {self.last} l LEFT JOIN {table} r ON {' AND '.join(pairs)}"
        )

    def _expand(self, step: Expand) -> None:
        source, target = identifier(step.source.sql), identifier(step.target.sql)
        self.append(f"SELECT *, {_each(source)} AS {target} FROM {self.last}")

    def order(self, keys: Sequence[OrderKey]) -> str:
        """Return the ORDER BY clause of some keys with a blank before it, or nothing.

        A constant orders nothing; DuckDB would take a number for the place of a column.
        """
        parts = []
        for key in keys:
            if isinstance(key.value, Constant):
                continue
            text = self.writer.emit(key.value)
            if not isinstance(key.value, Reference):
                text = f"CAST({text} AS {storage(key.value.type, multi=key.value.multi)})"
            if key.value.multi:
                text = f"list_{'max' if key.descending else 'min'}({text})"
            direction = "DESC" if key.descending else "ASC"
            parts.append(f"{text} {direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}")
        return f" ORDER BY {', '.join(parts)}" if parts else ""
