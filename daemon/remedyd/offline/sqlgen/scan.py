"""Reading streams: one SELECT per stream, put together by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from remedyd.offline.catalog.schema import TIMESTAMP, Schema
from remedyd.offline.plan import Call, Column, Reference, Scan
from remedyd.offline.sqlgen.expressions import Writer
from remedyd.offline.sqlgen.keys import reread
from remedyd.offline.sqlgen.literals import identifier, quote, value
from remedyd.offline.types import DataType, storage


class Tables(Protocol):
    """Where streams are stored."""

    def table(self, stream: str) -> str:
        """Return the quoted table name of a stream."""
        ...

    def columns(self, stream: str) -> Mapping[str, str]:
        """Return the quoted column name per document path."""
        ...


def scan_sql(step: Scan, tables: Tables, writer: Writer) -> str:
    """Return the SELECT that reads the columns of all streams."""
    if not step.schemas:
        return f"SELECT {_nothing(step)} WHERE FALSE"
    return "\n  UNION ALL\n  ".join(
        f"SELECT {_items(step, schema, tables, writer)}"
        f" FROM {tables.table(schema.stream)}{_until(step, schema.stream, tables)}"
        for schema in step.schemas
    )


def _until(step: Scan, stream: str, tables: Tables) -> str:
    column = tables.columns(stream).get(TIMESTAMP)
    if step.until is None or column is None:
        return ""
    return f" WHERE {column} <= {value(step.until, DataType.DATE)}"


def _nothing(step: Scan) -> str:
    nulls = [
        f"CAST(NULL AS {storage(column.type, multi=column.multi)}) AS {identifier(column.sql)}"
        for column in step.columns
    ]
    return ", ".join(nulls) or 'NULL AS "~"'


def _items(step: Scan, schema: Schema, tables: Tables, writer: Writer) -> str:
    stream = schema.stream
    stored = tables.columns(stream)
    items = []
    with writer.reading("", tables.table(stream)):
        for column in step.columns:
            text = _value(column, schema, stored)
            if column.convert is not None:
                text = _converted(column, stream, stored, writer)
            items.append(f"{text} AS {identifier(column.sql)}")
    if step.index is not None:
        items.append(f"{quote(stream)} AS {identifier(step.index.sql)}")
    return ", ".join(items) or 'NULL AS "~"'


def _value(column: Column, schema: Schema, stored: Mapping[str, str]) -> str:
    leaf = column.leaves.get(schema.stream)
    if leaf is not None and leaf.constant is not None:
        return quote(leaf.constant)
    if leaf is None or leaf.path not in stored or leaf.type is not column.type:
        return f"CAST(NULL AS {storage(column.type, multi=column.multi)})"
    text = stored[leaf.path]
    main = schema.leaves.get(leaf.path, leaf)
    if main.type is not leaf.type:
        text = reread(text, main.type, leaf.type, multi=leaf.multi)
    return _listed(text) if column.multi and not leaf.multi else text


def _listed(text: str) -> str:
    return f"CASE WHEN {text} IS NOT NULL THEN [{text}] END"


def _converted(column: Column, stream: str, stored: Mapping[str, str], writer: Writer) -> str:
    """Return a leaf converted to the column's type, which differs between streams."""
    leaf = column.leaves.get(stream)
    if leaf is None or leaf.path not in stored or column.convert is None:
        return f"CAST(NULL AS {storage(column.type, multi=column.multi)})"
    function, node = column.convert
    raw = Column(column.name, stored[leaf.path][1:-1].replace('""', '"'), leaf.type, leaf.multi)
    reference = Reference(leaf.type, leaf.multi, node, raw)
    text = writer.emit(Call(column.type, leaf.multi, node, function, (reference,)))
    return _listed(text) if column.multi and not leaf.multi else text
