"""One engine, two kinds of transaction, and every driver error under our own name.

SQLite takes its write lock at the start (`BEGIN IMMEDIATE`): a transaction that read first and
then wants to write would fail at once instead of waiting. Writers of one process queue on a lock
of ours, which is fair and does not sleep; SQLite's busy timeout is left for other processes.
Every commit is flushed to disk (`synchronous=FULL`): what is recorded before a write to the
cluster must outlive a power cut, and one flush per move is a small price for it.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import stamina
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
)

from remedyd.errors import ConfigurationError, InvalidInput, StoreError
from remedyd.proposals.passwords import connecting
from remedyd.proposals.tables import flags
from remedyd.rotation import Rotating

_WRITE: Final = "remedyd_write"
_RIVAL_SECONDS: Final = 5.0
_PROBE: Final = "writable?"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Database:
    """A connection pool to the store's database; safe to share between threads."""

    def __init__(
        self,
        url: str,
        *,
        busy_timeout: timedelta,
        unhurried: bool = False,
        held: Rotating[str] | None = None,
    ) -> None:
        """Take an SQLAlchemy URL; raise `ConfigurationError` for one that cannot be used.

        `busy_timeout` bounds waits for others, and on PostgreSQL a multiple of it every statement
        and pause within a transaction; the latter not where somebody is `unhurried`: a backup.
        `held` has the user and password of PostgreSQL as they are now.
        """
        parsed = _parsed(url)
        self.name: Final = parsed.set(query={}).render_as_string(hide_password=True)
        self.sqlite: Final = parsed.get_backend_name() == "sqlite"
        self._writing = threading.Lock() if self.sqlite else nullcontext()
        seconds = busy_timeout.total_seconds()
        self._engine = (
            _sqlite(parsed, seconds) if self.sqlite else _postgresql(parsed, seconds, unhurried)
        )
        if held is not None and not self.sqlite:
            sa.event.listen(self._engine, "do_connect", connecting(held))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give one consistent snapshot; nothing may be written in it."""
        with self._named_errors("read"), self._engine.connect() as connection:
            if not self.sqlite:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a transaction that commits at the end, or leaves nothing if anything is raised.

        An `IntegrityError` passes as it is, for the caller to name the rule that was broken.
        """
        with self._writing, self._named_errors("written"), self._engine.connect() as connection:
            connection.execution_options(**{_WRITE: True})
            with connection.begin():
                yield connection

    def check(self) -> None:
        """Write something and take it back; raise `StoreError` where that does not reach the disk.

        A transaction that changes nothing would also succeed on a full disk, or a read-only one.
        """
        record = {"name": _PROBE, "sequence": -1, "at": _NEVER, "body": "{}"}
        ours = (flags.c.name == _PROBE, flags.c.sequence == -1)
        with self.write() as connection:
            connection.execute(flags.delete().where(*ours))
            connection.execute(flags.insert().values(record))
            connection.execute(flags.delete().where(*ours))

    def vacuum(self) -> tuple[int, int]:
        """Give free space back to the disk; return the size in bytes before and after."""
        before = self._size()
        with self._named_errors("vacuumed"):
            # VACUUM must not run in a transaction, and a connection of the engine begins one
            raw = self._engine.raw_connection()
            try:
                if not self.sqlite:
                    raw.dbapi_connection.autocommit = True  # type: ignore[union-attr]
                cursor = raw.cursor()
                cursor.execute("VACUUM")
                if self.sqlite:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()
            finally:
                raw.invalidate()
                raw.close()
        return before, self._size()

    def _size(self) -> int:
        with self.read() as connection:
            if not self.sqlite:
                query = sa.select(sa.func.pg_database_size(sa.func.current_database()))
                return int(connection.scalar(query) or 0)
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()

    @contextmanager
    def _named_errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DataError as error:  # a NUL in what was looked for, say: no fault of the store
            raise InvalidInput(
                f"the proposal store cannot hold such a value: {_first_line(error)}"
            ) from error
        except SQLAlchemyError as error:
            raise StoreError(
                f"the proposal store {self.name} could not be {verb}: {_first_line(error)}",
                hint=_hint(error),
            ) from error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # a port that is no number, too
        raise ConfigurationError(
            "the store's URL is not a database URL",
            hint="use sqlite:////var/lib/remedyd/remedyd.db or postgresql://user@host/remedyd",
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        _check_file(parsed)
    elif backend in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    else:
        raise ConfigurationError(
            f"the store cannot be kept in {backend}",
            hint="use SQLite (sqlite:///...) or PostgreSQL (postgresql://...)",
        )
    return parsed


def _check_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            "an in-memory SQLite store would forget approvals at every restart",
            hint="name a file: sqlite:////var/lib/remedyd/remedyd.db",
        )
    path = Path(url.database)
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"the store's directory {path.parent} does not exist",
            hint="create it, writable for the daemon alone, or mount a volume there",
        )


def _sqlite(url: URL, busy_seconds: float) -> sa.Engine:
    assert url.database is not None
    try:
        Path(url.database).touch(mode=0o600)
    except OSError as error:
        raise ConfigurationError(
            f"the store's file {url.database} cannot be opened: {error.strerror}",
            hint="make the directory and the file writable for the user that runs the daemon",
        ) from error
    engine = sa.create_engine(url, connect_args={"timeout": busy_seconds})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, with the right kind of lock
    cursor = connection.cursor()
    # SQLite does not wait for the lock that a new file needs for this once: a rival may hold it
    for attempt in stamina.retry_context(
        on=sqlite3.OperationalError, attempts=None, timeout=_RIVAL_SECONDS, wait_initial=0.02
    ):
        with attempt:
            cursor.execute("PRAGMA journal_mode=WAL")
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _postgresql(url: URL, busy_seconds: float, unhurried: bool) -> sa.Engine:
    milliseconds = int(busy_seconds * 1000)
    bound = 0 if unhurried else milliseconds
    # a process that is frozen or cut off inside a transaction must not keep its locks
    options = (
        f"-c lock_timeout={milliseconds} -c statement_timeout={4 * bound} "
        f"-c idle_in_transaction_session_timeout={2 * bound}"
    )
    given = url.query.get("options")
    options = f"{given} {options}" if isinstance(given, str) else options
    try:
        return sa.create_engine(
            url.difference_update_query(["options"]),
            pool_pre_ping=True,
            connect_args={"options": options, "connect_timeout": max(2, int(busy_seconds))},
        )
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "the store's URL names PostgreSQL, but its driver is not installed",
            hint="pip install 'remedyd[postgresql]'",
        ) from error


def _first_line(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]


def _hint(error: SQLAlchemyError) -> str:
    if isinstance(error, OperationalError) and "locked" in str(error):
        return "another process holds the database; if none should, look for a second daemon"
    return "check that the database is reachable, writable and has space left; nothing was changed"
