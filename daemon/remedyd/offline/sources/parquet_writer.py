"""Streams written as parquet files that `parquet` reads back: one column a document path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from remedyd.errors import InvalidInput, Problem
from remedyd.offline.catalog.schema import TIMESTAMP, Schema
from remedyd.offline.sqlgen.keys import readable
from remedyd.offline.sqlgen.literals import identifier, quote

if TYPE_CHECKING:
    from remedyd.offline.storage import Storage


def write_parquet(storage: Storage, schema: Schema, path: Path) -> None:
    """Write the documents of a stream in order of time, so that readers can skip most of it.

    Raises InvalidInput for paths that differ in case alone: a parquet file cannot hold both.
    """
    stream = schema.stream
    columns = storage.columns(stream)
    leaves = schema.stored
    seen: dict[str, str] = {}
    for name in columns:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            message = f"the fields {other} and {name} of {stream} differ in case alone"
            raise InvalidInput(message, [Problem(message, str(path))], hint="keep it as NDJSON")
    items = ", ".join(
        f"{readable(column, leaves[name].type, multi=leaves[name].multi)} AS {identifier(name)}"
        for name, column in columns.items()
    )
    order = f" ORDER BY {columns[TIMESTAMP]}" if TIMESTAMP in columns else ""
    storage.run(
        f"COPY (SELECT {items} FROM {storage.table(stream)}{order}) TO {quote(str(path))} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
