"""Parquet files as streams: read where they lie, so that weeks of telemetry need no memory.

A column is a document path (`resource.attributes.k8s.pod.name`), its type that of the mapping.
Whole numbers and floats may be narrower in the file; anything else that differs is refused,
because a value that cannot be read as mapped would have been refused on the way in, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from remedyd.errors import InvalidInput, Problem
from remedyd.offline.catalog import Leaf, Schema
from remedyd.offline.catalog.dynamic import dynamic_leaf
from remedyd.offline.types import storage

_SAMPLES: dict[str, object] = {
    "VARCHAR": "",
    "BIGINT": 0,
    "INTEGER": 0,
    "DOUBLE": 0.0,
    "FLOAT": 0.0,
    "BOOLEAN": False,
}
"""A value of each column type that a field new to the mapping may have."""

_WIDER = {
    "BIGINT": {"INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT"},
    "INTEGER": {"SMALLINT", "TINYINT", "USMALLINT", "UTINYINT"},
    "DOUBLE": {"FLOAT"},
    "TIMESTAMP": {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE"},
    "TIMESTAMP_NS": {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"},
}


def fit(schema: Schema, columns: Mapping[str, str], path: str) -> tuple[Schema, dict[str, str]]:
    """Return the schema with the file's new fields, and per column the type to read it as.

    `columns` holds the file's column types, `path` names it in messages. Raises InvalidInput.
    """
    by_path = schema.stored
    added: dict[str, Leaf] = {}
    read: dict[str, str] = {}
    problems = []
    for name, found in columns.items():
        several = found.endswith("[]")
        plain = found.removesuffix("[]")
        leaf = by_path.get(name)
        if leaf is None:
            leaf = dynamic_leaf(schema, name, _SAMPLES.get(plain))
        if leaf is None or leaf.constant is not None:
            continue
        wanted = storage(leaf.type)
        if plain != wanted and plain not in _WIDER.get(wanted, ()):
            problems.append(
                Problem(f"column {name} is {found}, the mapping says {leaf.type}", path)
            )
            continue
        if several != leaf.multi or name not in by_path:
            leaf = added[name] = replace(leaf, multi=several)
        read[name] = storage(leaf.type, multi=leaf.multi)
    if problems:
        message = f"{path}: {len(problems)} columns do not fit the mapping: {problems[0].message}"
        raise InvalidInput(message, problems)
    return schema.with_leaves(added) if added else schema, read
