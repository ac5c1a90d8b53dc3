"""Copies a whole store into a file and back, between SQLite and PostgreSQL as well.

The file is gzipped JSON, a line each: a head with the schema's revision, every row as plain
values, and an end with the counts, so that a file that was cut off is known for one. It is written
from one snapshot while the daemon runs. A restored store is paused: what the cluster is like now,
the backup cannot know.
"""

import base64
import gzip
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any, BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from remedyd.errors import Conflict, InvalidInput, StoreError
from remedyd.model import Clock
from remedyd.proposals import flags
from remedyd.proposals.database import Database
from remedyd.proposals.flags import Flag
from remedyd.proposals.schema import Schema
from remedyd.proposals.tables import HEAD

_FORMAT: Final = "remedyd-backup-1"
_VERSIONS: Final = "alembic_version"
_BATCH: Final = 500
_LEVEL: Final = 4
"""Of gzip: the highest takes most of the time and saves little."""
_REASON: Final = "restored from a backup: compare with the cluster, then resume"


def backup(
    database: Database, path: Path, clock: Clock, *, replace: bool = False
) -> Mapping[str, int]:
    """Write the store to `path`; return how many rows of each table were written.

    The file appears whole or not at all, readable for its owner alone. Raises Conflict if it
    exists and may not be replaced, StoreError.
    """
    if path.exists() and not replace:
        raise Conflict(f"{path} exists", hint="name another file, or add --replace")
    try:
        # a name of its own: nobody can have put a link there, and no other backup writes to it
        handle, part = mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as raw:
                counts = _packed(database, raw, clock)
                os.fsync(raw.fileno())
            Path(part).replace(path)
        finally:
            with suppress(FileNotFoundError):
                Path(part).unlink()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}", hint="choose another place"
        ) from error
    return counts


def stream(database: Database, handle: int, clock: Clock) -> Mapping[str, int]:
    """Write the store to what is open already, such as a pipe; return the rows of each table.

    Raises StoreError.
    """
    try:
        # a buffer of our own: what is open may take less than it is given, and gzip would not see
        with os.fdopen(os.dup(handle), "wb") as raw:
            return _packed(database, raw, clock)
    except OSError as error:
        raise StoreError(
            f"the backup is cut off: {error.strerror or error}", hint="take another one"
        ) from error


def restore(
    database: Database, path: Path, clock: Clock, *, opened: BinaryIO | None = None
) -> Mapping[str, int]:
    """Read a backup into an empty store, bring it to our schema, and pause it.

    One transaction: a file that is damaged leaves the store as empty as it was. With `opened` it
    is read from there, and `path` is but its name. Raises Conflict for a store that holds
    anything, InvalidInput for a file that is no whole backup, StoreError.
    """
    lines = _lines(path, opened)
    _, head = next(lines, (0, {}))
    revision = str(head.get("revision", ""))
    if head.get("format") != _FORMAT or not revision:
        raise InvalidInput(f"{path} is no backup of a remedyd store", hint="remedyd store backup")
    if revision > HEAD:
        raise InvalidInput(
            f"{path} was made by a newer remedyd (schema {revision}, this one knows {HEAD})",
            hint="restore it with that version",
        )
    with database.write() as connection:
        _refuse_full(connection, database.name)
        from remedyd.proposals.migrations.runner import upgrade

        if not sa.inspect(connection).has_table(_VERSIONS):
            upgrade(connection, revision)
        elif Schema.found(connection) != revision:
            raise Conflict(
                f"the store is empty but has schema {Schema.found(connection)}, the backup has "
                f"{revision}",
                hint="name a database without tables",
            )
        counts = _load(connection, path, lines)
        upgrade(connection)
        pause = flags.current(connection, flags.PAUSE)
        if pause is None or pause.value is False:  # as one with the rows: never there unpaused
            by = "remedyd:restore"
            flags.append(connection, Flag(flags.PAUSE, True, clock.now(), by, _REASON))
    return counts


def _packed(database: Database, raw: BinaryIO, clock: Clock) -> Mapping[str, int]:
    with gzip.open(raw, "wt", _LEVEL, encoding="utf-8") as out:
        return _write(database, out, clock)


def _write(database: Database, out: Any, clock: Clock) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    with database.read() as connection:
        tables = _tables(connection)
        revision = Schema.found(connection)
        if not revision:
            raise StoreError(f"the store {database.name} is empty", hint="there is nothing to save")
        made = clock.now().isoformat()
        _line(out, {"format": _FORMAT, "revision": revision, "made_at": made})
        for table in tables:
            keys = [column.name for column in table.columns]
            for row in connection.execute(sa.select(table).execution_options(yield_per=_BATCH)):
                _line(
                    out,
                    {"table": table.name, "row": dict(zip(keys, map(_plain, row), strict=True))},
                )
                counts[table.name] += 1
        _line(out, {"end": dict(counts)})
    return counts


def _load(
    connection: Connection, path: Path, lines: Iterator[tuple[int, dict[str, Any]]]
) -> Mapping[str, int]:
    tables = {table.name: table for table in _tables(connection)}
    counts: Counter[str] = Counter()
    batch: list[dict[str, Any]] = []
    filling = ""
    for number, line in lines:
        if "end" in line:
            _flush(connection, path, tables, filling, batch)
            if line["end"] != dict(counts):
                raise InvalidInput(
                    f"{path}:{number}: the counts at the end are not those of the rows"
                )
            _set_sequences(connection, tables.values())
            return counts
        name, row = str(line.get("table", "")), line.get("row")
        known = tables[name].columns.keys() if name in tables else ()
        if not isinstance(row, dict) or not known or row.keys() != set(known):
            raise InvalidInput(f"{path}:{number}: not a row of a table of this schema")
        if name != filling or len(batch) >= _BATCH:
            _flush(connection, path, tables, filling, batch)
            batch, filling = [], name
        batch.append({key: _value(value) for key, value in row.items()})
        counts[name] += 1
    raise InvalidInput(f"{path} is cut off: its end is missing", hint="take another backup")


def _flush(
    connection: Connection,
    path: Path,
    tables: Mapping[str, sa.Table],
    name: str,
    batch: list[dict[str, Any]],
) -> None:
    if not batch:
        return
    try:
        connection.execute(tables[name].insert(), batch)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise InvalidInput(f"{path}: rows of {name} do not fit: {reason}") from error


def _tables(connection: Connection) -> list[sa.Table]:
    """Return the tables that the database has, in an order that respects foreign keys."""
    found = sa.MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != _VERSIONS]


def _refuse_full(connection: Connection, name: str) -> None:
    for table in _tables(connection):
        if connection.scalar(sa.select(sa.literal(1)).select_from(table).limit(1)):
            raise Conflict(
                f"the store {name} is not empty: {table.name} has rows",
                hint="restore into an empty database, then point REMEDYD_DATABASE at it",
            )


def _set_sequences(connection: Connection, tables: Any) -> None:
    """Let PostgreSQL go on counting after the restored rows; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key.columns:
            sequence = connection.scalar(sa.func.pg_get_serial_sequence(table.name, column.name))
            top = connection.scalar(sa.select(sa.func.max(column))) if sequence else None
            if top:
                connection.execute(sa.select(sa.func.setval(sequence, top)))


def _lines(path: Path, opened: BinaryIO | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line with its number; raise InvalidInput where the file is damaged."""
    number = 0
    try:
        with gzip.open(opened or path, "rt", encoding="utf-8") as lines:
            for number, text in enumerate(lines, 1):
                found = json.loads(text)
                if not isinstance(found, dict):
                    raise InvalidInput(f"{path}:{number}: not a line of a backup")
                yield number, found
    except (EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        line = number if isinstance(error, json.JSONDecodeError) else number + 1
        raise InvalidInput(
            f"{path}:{line}: the backup is damaged: {error}", hint="take another backup"
        ) from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}") from error


def _line(out: Any, content: Mapping[str, Any]) -> None:
    out.write(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _value(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    return value
