"""The only place that speaks to DuckDB; it is imported when the first engine is made.

One connection behind one lock: DuckDB runs a single query on all cores, so taking turns costs
little, and an append never meets a query half-way through.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from remedyd.errors import ConfigurationError, RemedydError
from remedyd.offline.catalog import Leaf, Schema
from remedyd.offline.key_macros import KEY_MACROS
from remedyd.offline.macros import MACROS
from remedyd.offline.sources.batch import Part, Row, distinct
from remedyd.offline.sqlgen.keys import keyed
from remedyd.offline.sqlgen.literals import identifier, quote
from remedyd.offline.types import DATES, DataType, storage

if TYPE_CHECKING:
    import duckdb

_BATCH = 5000
_TIMESTAMP = "@timestamp"


def connect(threads: int) -> duckdb.DuckDBPyConnection:
    """Open an empty in-memory database. Raises ConfigurationError without the `offline` extra."""
    try:
        import duckdb
    except ImportError as error:
        raise ConfigurationError(
            "DuckDB is not installed, ES|QL cannot be run offline",
            hint="pip install 'remedyd[offline]'",
        ) from error
    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL error_on_division_by_zero = false")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    if threads:
        connection.execute(f"SET GLOBAL threads = {int(threads)}")
    for macro in (*MACROS, *KEY_MACROS):
        connection.execute(f"CREATE MACRO {macro}")
    return connection


class ExecutionError(RemedydError):
    """A verified query that DuckDB could not run: a limit of this engine, not of ES|QL."""

    hint = "run this query on Elasticsearch, and report it as a defect of the offline engine"


class _Table:
    """The stored side of a stream: which column holds which path, and as what."""

    def __init__(self, name: str) -> None:
        self.name = identifier(name)
        self.columns: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self._taken: set[str] = set()

    def new_column(self, path: str) -> str:
        """Return a quoted column name; DuckDB takes names that differ in case for one."""
        name, number = path, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{path}#{number}"
        self._taken.add(name.lower())
        return identifier(name)


class Storage:
    """Tables of documents. Safe to use from several threads."""

    def __init__(self, threads: int = 0) -> None:
        self._connection = connect(threads)
        self._lock = threading.RLock()
        self._tables: dict[str, _Table] = {}
        self._sequences: dict[str, int] = {}

    def close(self) -> None:
        """Give back all memory."""
        with self._lock:
            self._connection.close()

    # --- what SQL generation asks for ------------------------------------------------------

    def table(self, stream: str) -> str:
        """Return the quoted table name of a stream."""
        return self._tables[stream].name

    def columns(self, stream: str) -> Mapping[str, str]:
        """Return the quoted column name per document path."""
        return self._tables[stream].columns

    # --- writing ---------------------------------------------------------------------------

    def prepare(self, schema: Schema) -> None:
        """Make the table of a stream fit its schema."""
        with self._lock:
            table = self._tables.get(schema.stream)
            wanted = {path: leaf for path, leaf in schema.stored.items() if _is_stored(leaf)}
            if table is None:
                table = self._tables[schema.stream] = _Table(schema.stream)
                self._create(table, wanted)
                return
            for path, leaf in wanted.items():
                self._fit(table, path, leaf)

    def _create(self, table: _Table, wanted: Mapping[str, Leaf]) -> None:
        for path, leaf in wanted.items():
            table.columns[path] = table.new_column(path)
            table.types[path] = storage(leaf.type, multi=leaf.multi)
        items = [f"{table.columns[path]} {table.types[path]}" for path in wanted]
        columns = ", ".join(items) or '"~" INTEGER'
        self._connection.execute(f"CREATE TABLE {table.name} ({columns})")

    def _fit(self, table: _Table, path: str, leaf: Leaf) -> None:
        sql_type = storage(leaf.type, multi=leaf.multi)
        if table.types.get(path) == sql_type:
            return
        if path not in table.columns:
            table.columns[path] = table.new_column(path)
            change = f"ADD COLUMN {table.columns[path]} {sql_type}"
        else:
            column = table.columns[path]
            listed = f"CASE WHEN {column} IS NOT NULL THEN [{column}] END"
            change = f"ALTER COLUMN {column} TYPE {sql_type} USING {listed}"
        table.types[path] = sql_type
        self._connection.execute(f"ALTER TABLE {table.name} {change}")

    def append(self, schema: Schema, rows: Sequence[Row]) -> None:
        """Add rows, keyed by path; all of them or none."""
        with self._lock:
            self.prepare(schema)
            self._connection.execute("BEGIN")
            try:
                for start in range(0, len(rows), _BATCH):
                    self._insert(schema, rows[start : start + _BATCH])
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def parquet_columns(self, path: str) -> dict[str, str]:
        """Return the columns of a parquet file with their types. Raises ExecutionError."""
        rows = self.run(f"DESCRIBE SELECT * FROM read_parquet({quote(path)})")
        return {str(row[0]): str(row[1]) for row in rows}

    def show_parquet(
        self, stream: str, path: str, columns: Mapping[str, str], leaves: Mapping[str, Leaf]
    ) -> None:
        """Let a parquet file be the documents of a stream, its columns read as these types."""
        with self._lock:
            if stream in self._tables:
                self.run(f"DROP TABLE {self.table(stream)}")
            table = self._tables[stream] = _Table(stream)
            for name, sql_type in columns.items():
                table.columns[name] = table.new_column(name)
                table.types[name] = sql_type
            items = ", ".join(
                f"{keyed(f'CAST({identifier(name)} AS {sql_type})', leaves[name])} "
                f"AS {table.columns[name]}"
                for name, sql_type in columns.items()
            )
            source = f"SELECT {items or '0'} FROM read_parquet({quote(path)})"
            self.run(f"CREATE VIEW {table.name} AS {source}")

    def _insert(self, schema: Schema, rows: Sequence[Row]) -> None:
        table = self._tables[schema.stream]
        paths = sorted({path for part in distinct(rows) for path in part})
        keys = {path: str(index) for index, path in enumerate(paths)}
        by_path = schema.stored
        types = ", ".join(f'"{keys[path]}": {quote(_json_type(by_path[path]))}' for path in paths)
        columns = ", ".join(table.columns[path] for path in paths)
        items = ", ".join(_restored(f'"{keys[path]}"', by_path[path]) for path in paths)
        if not paths:
            column = next(iter(table.columns.values()), '"~"')
            empty = f"SELECT NULL FROM range({len(rows)})"
            self._connection.execute(f"INSERT INTO {table.name} ({column}) {empty}")
            return
        with NamedTemporaryFile("w", suffix=".ndjson", encoding="ascii") as file:
            file.writelines(_lines(rows, keys))
            file.flush()
            source = f"read_json({quote(file.name)}, columns = {{{types}}}, format = 'nd')"
            self._connection.execute(
                f"INSERT INTO {table.name} ({columns}) SELECT {items} FROM {source}"
            )

    def drop(self, stream: str) -> None:
        """Delete the table of a stream."""
        with self._lock:
            table = self._tables.pop(stream)
            self._connection.execute(f"DROP TABLE {table.name}")

    def drop_before(self, stream: str, moment: datetime) -> None:
        """Delete the documents older than `moment` (naive, UTC)."""
        with self._lock:
            table = self._tables[stream]
            column = table.columns.get(_TIMESTAMP)
            if column is not None:
                self._connection.execute(f"DELETE FROM {table.name} WHERE {column} < ?", [moment])

    # --- reading ---------------------------------------------------------------------------

    def count(self, stream: str) -> int:
        """Return how many documents a stream holds."""
        rows = self.run(f"SELECT count(*) FROM {self.table(stream)}")
        return int(rows[0][0])

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows. Raises ExecutionError."""
        import duckdb

        with self._lock:
            try:
                return self._connection.execute(sql).fetchall()
            except duckdb.Error as error:
                raise ExecutionError(str(error).splitlines()[0]) from error

    def run_watched(
        self, sql: str, sequences: Sequence[str]
    ) -> tuple[list[tuple[Any, ...]], set[str]]:
        """Run one statement; return its rows and which sequences moved meanwhile."""
        with self._lock:
            for name in sequences:
                if name not in self._sequences:
                    self._connection.execute(f"CREATE TEMP SEQUENCE {name}")
                    self._sequences[name] = 0
            rows = self.run(sql)
            return rows, set(self._moved()) if sequences else set()

    def _moved(self) -> Iterator[str]:
        found = self._connection.execute(
            "SELECT sequence_name, last_value FROM duckdb_sequences() WHERE last_value IS NOT NULL"
        ).fetchall()
        for name, last in found:
            if self._sequences.get(name, last) != last:
                self._sequences[name] = last
                yield name


def _is_stored(leaf: Leaf) -> bool:
    return leaf.constant is None and leaf.type is not DataType.UNSUPPORTED


def _json_type(leaf: Leaf) -> str:
    plain = "BIGINT" if leaf.type in DATES else storage(leaf.type)
    return f"{plain}[]" if leaf.multi else plain


def _lines(rows: Sequence[Row], keys: Mapping[str, str]) -> Iterator[str]:
    """Yield the rows as JSON lines; DuckDB reads a file several times faster than a parameter."""
    encode = json.JSONEncoder(separators=(",", ":")).encode
    texts: dict[int, str] = {}

    def text(part: Part) -> str:
        known = texts.get(id(part))
        if known is None:
            known = texts[id(part)] = encode({keys[path]: part[path] for path in part})[1:-1]
        return known

    for row in rows:
        yield f"{{{','.join(filter(None, map(text, row)))}}}\n"


def _restored(text: str, leaf: Leaf) -> str:
    """Return the SQL that turns a JSON value into the stored one."""
    maker = {DataType.DATE: "make_timestamp", DataType.DATE_NANOS: "make_timestamp_ns"}
    if leaf.type not in maker:
        return text
    if leaf.multi:
        return f"list_transform({text}, lambda v: {maker[leaf.type]}(v))"
    return f"{maker[leaf.type]}({text})"
