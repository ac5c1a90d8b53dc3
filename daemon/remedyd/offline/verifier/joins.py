"""LOOKUP JOIN: rows of an index in lookup mode, found by equal keys."""

from __future__ import annotations

from remedyd.offline import nodes
from remedyd.offline.catalog import Leaf, Schema
from remedyd.offline.catalog.patterns import Pattern
from remedyd.offline.errors import EsqlError
from remedyd.offline.plan import Column, Join
from remedyd.offline.verifier.checking import compatible
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.problems import VerificationError, similar
from remedyd.offline.verifier.sources import UnknownIndex

LOOKUP = "lookup"


def lookup_join_command(node: nodes.LookupJoin, context: Context) -> None:
    """Add every field of the lookup index but the keys, last; equal names are replaced."""
    schema = _schema(node, context)
    problems: list[EsqlError] = []
    keys = []
    for key in node.keys:
        try:
            keys.append(_key(key, schema, context))
        except EsqlError as problem:
            if problem.type != "verification_exception":
                raise
            problems.append(problem)
    if problems:
        raise VerificationError(problems, context.reporter.source)
    joined = {key.name for key in node.keys}
    columns = []
    for name, found in schema.fields.items():
        if name not in joined:
            columns.append(_column(name, found.leaf, schema, context))
    context.steps.append(Join(schema, tuple(keys), tuple(columns)))
    for column in columns:
        context.scope.show(column)


def _schema(node: nodes.LookupJoin, context: Context) -> Schema:
    name = node.index.pattern
    if "*" in name or node.index.cluster is not None:
        raise context.reporter.error(
            node.index,
            f"invalid index pattern [{name}], * is not allowed in LOOKUP JOIN",
            kind="parsing_exception",
        )
    resolution = context.catalog.resolve((Pattern(name),))
    if not resolution.streams:
        position = context.reporter.source.position(node.index.span.start)
        raise UnknownIndex(f"Unknown index [{name}]", position, kind="verification_exception")
    schema = resolution.streams[0]
    if schema.mode != LOOKUP:
        reason = (
            f"Lookup Join requires a single lookup mode index; [{name}] resolves to [{name}] in "
            f"[{schema.mode}] mode"
        )
        raise context.reporter.error(node.index, reason)
    return schema


def _key(key: nodes.Column, schema: Schema, context: Context) -> tuple[Column, str]:
    name = key.name
    column = context.scope.columns.get(name)
    if column is None:
        hint = similar(name, context.scope.columns)
        reason = f"Unknown column [{name}] in left side of join{hint}"
        raise context.reporter.error(key, reason)
    if name not in schema.fields:
        hint = similar(name, schema.fields)
        reason = f"Unknown column [{name}] in right side of join{hint}"
        raise context.reporter.error(key, reason)
    leaf = schema.fields[name].leaf
    if not compatible(column.type, leaf.type):
        left, right = column.type.label.upper(), leaf.type.label.upper()
        reason = (
            f"JOIN left field [{name}] of type [{left}] is incompatible with right field "
            f"[{name}] of type [{right}]"
        )
        raise context.reporter.error(key, reason)
    if column.multi or leaf.multi:
        raise context.reporter.unsupported(key, "LOOKUP JOIN on a multivalued field")
    return column, leaf.path


def _column(name: str, leaf: Leaf, schema: Schema, context: Context) -> Column:
    sql = context.scope.names.take(name)
    return Column(name, sql, leaf.type, leaf.multi, {schema.stream: leaf})
