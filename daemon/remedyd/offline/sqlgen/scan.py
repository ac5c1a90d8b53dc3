"""Reading streams: one SELECT per stream, put together by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from remedyd.offline.catalog.schema import TIMESTAMP
from remedyd.offline.plan import Column, Scan
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


def scan_sql(step: Scan, tables: Tables) -> str:
    """Return the SELECT that reads the columns of all streams."""
    if not step.schemas:
        return f"SELECT {_nothing(step)} WHERE FALSE"
    return "\n  UNION ALL\n  ".join(
        f"SELECT {_items(step, schema.stream, tables)} FROM {tables.table(schema.stream)}"
        f"{_until(step, schema.stream, tables)}"
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


def _items(step: Scan, stream: str, tables: Tables) -> str:
    stored = tables.columns(stream)
    items = [
        f"{_value(column, stream, stored)} AS {identifier(column.sql)}" for column in step.columns
    ]
    if step.index is not None:
        items.append(f"{quote(stream)} AS {identifier(step.index.sql)}")
    return ", ".join(items) or 'NULL AS "~"'


def _value(column: Column, stream: str, stored: Mapping[str, str]) -> str:
    leaf = column.leaves.get(stream)
    sql_type = storage(column.type, multi=column.multi)
    if leaf is not None and leaf.constant is not None:
        return quote(leaf.constant)
    if leaf is None or leaf.path not in stored or leaf.type is not column.type:
        return f"CAST(NULL AS {sql_type})"
    text = stored[leaf.path]
    if column.multi and not leaf.multi:
        return f"CASE WHEN {text} IS NOT NULL THEN [{text}] END"
    return text
