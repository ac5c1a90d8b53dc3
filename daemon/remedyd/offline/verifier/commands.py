"""The commands that filter, compute and rearrange columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from remedyd.offline import nodes
from remedyd.offline.errors import EsqlError
from remedyd.offline.plan import (
    Column,
    Constant,
    Definition,
    Expand,
    Extend,
    Filter,
    Limit,
    Order,
    OrderKey,
    Reference,
    references,
)
from remedyd.offline.types import COUNTERS, SPANS, DataType
from remedyd.offline.verifier.binder import Binder
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.problems import VerificationError, conflict_text, shown_name

MAXIMUM_ROWS = 10_000
DEFAULT_ROWS = 1000


class Collector:
    """Gathers the problems of one command, so that all are reported at once."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.problems: list[EsqlError] = []

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def add(self, problem: EsqlError) -> None:
        """Keep a problem for the end of the command."""
        if problem.type != "verification_exception":
            raise problem
        self.problems.append(problem)

    def raise_any(self) -> None:
        """Raise everything gathered, if anything was."""
        if self.problems:
            raise VerificationError(self.problems, self.context.reporter.source)


def define_fields(fields: Sequence[nodes.Named], context: Context, *, row: bool = False) -> None:
    """Compute columns; a field sees those before it, and hides one of its own name."""
    collector = Collector(context)
    pending: list[Definition] = []
    fresh: set[Column] = set()
    for field in fields:
        try:
            value = Binder(context).bind(field.value)
            if value.type in SPANS:
                text = context.reporter.text(field.value)
                if row:
                    reason = f"cannot use [{text}] directly in a row assignment"
                    raise context.reporter.error(field.value, reason)
                reason = f"EVAL does not support type [{value.type.value}] as the return data type "
                raise context.reporter.error(field, f"{reason}of expression [{text}]")
        except EsqlError as problem:
            collector.add(problem)
            column = context.scope.define(shown_name(field), DataType.NULL)
            context.scope.show(column, shown_name(field))
            continue
        if fresh.intersection(references(value)):
            context.steps.append(Extend(tuple(pending)))
            pending, fresh = [], set()
        if isinstance(value, Reference):
            context.scope.show(value.column, shown_name(field))
            continue
        column = context.scope.define(shown_name(field), value.type, multi=value.multi)
        pending.append(Definition(column, value))
        fresh.add(column)
        context.scope.show(column, shown_name(field))
    collector.raise_any()
    context.steps.append(Extend(tuple(pending)))


def where_command(node: nodes.Where, context: Context) -> None:
    """Keep the rows whose condition is true."""
    collector = Collector(context)
    try:
        context.steps.append(Filter(Binder(context).condition_of(node.condition)))
    except EsqlError as problem:
        collector.add(problem)
    collector.raise_any()


def eval_command(node: nodes.Eval, context: Context) -> None:
    """Add columns."""
    define_fields(node.fields, context)


def _matching(
    name: nodes.Column | nodes.NamePattern, context: Context
) -> tuple[list[str], EsqlError | None]:
    columns = context.scope.columns
    if isinstance(name, nodes.Column):
        if name.name in columns:
            return [name.name], None
        if context.missing(name.name):
            column = context.scope.define(name.name, DataType.NULL)
            null = Constant(DataType.NULL, multi=False, node=name, value=None)
            context.steps.append(Extend((Definition(column, null),)))
            context.scope.show(column)
            return [name.name], None
        return [], context.reporter.unknown_column(name, name.name, columns)
    found = [column for column in columns if name.matches(column)]
    if not found and name.text != "*":
        reason = f"No matches found for pattern [{name.text}]"
        return [], context.reporter.error(name, reason)
    return found, None


def keep_command(node: nodes.Keep, context: Context) -> None:
    """Keep columns in the order written.

    A full name beats a pattern, a narrower pattern beats `*`, then the rightmost wins.
    """
    collector = Collector(context)
    chosen: dict[str, tuple[int, int]] = {}
    for place, name in enumerate(node.names):
        found, problem = _matching(name, context)
        if problem is not None:
            collector.add(problem)
        rank = 2 if isinstance(name, nodes.Column) else int(name.text != "*")
        for column in found:
            if column not in chosen or rank >= chosen[column][0]:
                chosen[column] = (rank, place)
    collector.raise_any()
    position = {name: index for index, name in enumerate(context.scope.columns)}
    ordered = sorted(chosen, key=lambda name: (chosen[name][1], position[name]))
    columns = context.scope.columns
    context.scope.columns = {name: columns[name] for name in ordered}
    context.nullify = False


def drop_command(node: nodes.Drop, context: Context) -> None:
    """Remove columns."""
    collector = Collector(context)
    dropped: set[str] = set()
    for name in node.names:
        found, problem = _matching(name, context)
        if problem is not None:
            collector.add(problem)
        dropped.update(found)
    collector.raise_any()
    columns = context.scope.columns
    context.scope.columns = {name: columns[name] for name in columns if name not in dropped}
    context.gone.update(dropped)


def rename_command(node: nodes.Rename, context: Context) -> None:
    """Rename columns in place; a column that had the new name disappears."""
    collector = Collector(context)
    moved: dict[str, str] = {}
    for renaming in node.renames:
        old, new = renaming.old.name, renaming.new.name
        if old in moved and old not in context.scope.columns:
            text = context.reporter.text(renaming)
            reason = f"Column [{old}] renamed to [{moved[old]}] and is no longer available [{text}]"
            collector.add(context.reporter.error(renaming, reason))
            continue
        found, problem = _matching(renaming.old, context)
        if problem is not None:
            collector.add(problem)
        for name in found:
            problem = _unusable(renaming.old, context.scope.columns[name], context)
            if problem is not None:
                collector.add(problem)
            _rename(name, new, context)
            moved[old] = new
    collector.raise_any()


def _unusable(node: nodes.Node, column: Column, context: Context) -> EsqlError | None:
    if column.type is not DataType.UNSUPPORTED:
        return None
    return context.reporter.error(node, conflict_text(column))


def _rename(old: str, new: str, context: Context) -> None:
    if old == new:
        return
    kept: Iterable[tuple[str, Column]] = (
        (new if name == old else name, column)
        for name, column in context.scope.columns.items()
        if name != new
    )
    context.scope.columns = dict(kept)
    context.gone.add(old)
    context.gone.discard(new)


def sort_command(node: nodes.Sort, context: Context) -> None:
    """Order the rows."""
    collector = Collector(context)
    keys = []
    for key in node.keys:
        try:
            value = Binder(context).bind(key.value)
            if value.type in COUNTERS:
                raise context.reporter.error(key, f"cannot sort on {value.type.value}")
            keys.append(OrderKey(value, key.descending, key.nulls_first))
        except EsqlError as problem:
            collector.add(problem)
    collector.raise_any()
    context.steps.append(Order(tuple(keys)))


def limit_command(node: nodes.Limit, context: Context) -> None:
    """Keep the first rows, at most 10,000."""
    bound = Binder(context).bind(node.count)
    count = bound.value if isinstance(bound, Constant) else None
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        text = context.reporter.text(node.count)
        shown = repr(count) if isinstance(bound, Constant) else f"[{text}]"
        reason = f"value of [{context.reporter.text(node)}] must be a non negative integer, "
        raise context.reporter.error(
            node,
            f"{reason}found value [{text}] type [{bound.type.label}]" if shown else reason,
            kind="parsing_exception",
        )
    context.steps.append(Limit(min(count, MAXIMUM_ROWS)))
    context.limited = True


def expand_command(node: nodes.MvExpand, context: Context) -> None:
    """One row per value of a column, which keeps its place."""
    name = node.column.name
    columns = context.scope.columns
    if name not in columns:
        problem = context.reporter.unknown_column(node.column, name, columns)
        raise VerificationError([problem], context.reporter.source)
    source = columns[name]
    if not source.multi:
        return
    target = context.scope.define(name, source.type)
    context.steps.append(Expand(source, target))
    columns[name] = target
