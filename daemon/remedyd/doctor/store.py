"""Is the store there, of our schema, and can it be written? Nothing is created or migrated."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from remedyd.doctor.finding import Finding, Part
from remedyd.errors import RemedydError
from remedyd.proposals.database import Database
from remedyd.proposals.schema import Schema
from remedyd.proposals.tables import HEAD

_PART: Final = Part("store")
_PATIENCE: Final = timedelta(seconds=2)


def store(at: Callable[[], str]) -> Iterator[Finding]:
    """Yield the findings about the store at a database URL; `at` raises ConfigurationError."""
    try:
        url = at()
    except RemedydError as error:
        yield _PART.fail("reachable", error.message, error.hint)
        return
    missing = missing_file(url)
    if missing is not None:
        yield missing
        return
    try:
        database = Database(url, busy_timeout=_PATIENCE)
    except RemedydError as error:
        yield _PART.fail("reachable", error.message, error.hint or "correct REMEDYD_DATABASE")
        return
    try:
        revision = Schema(database).revision()
        yield _PART.ok("reachable", database.name)
        yield _schema(revision)
        yield _writable(database, revision)
    except RemedydError as error:
        yield _PART.fail("usable", error.message, error.hint or "look at the database's own log")
    finally:
        database.close()


def _writable(database: Database, revision: str) -> Finding:
    if not revision:
        return _PART.ok("writable", "it is empty: the daemon's start writes it first")
    database.check()
    return _PART.ok("writable", "a record was written and taken back")


def _schema(revision: str) -> Finding:
    if revision == HEAD:
        return _PART.ok("schema", f"revision {revision}")
    if revision > HEAD:
        return _PART.fail(
            "schema",
            f"revision {revision}, this version knows {HEAD}",
            "run the newer remedyd, or restore the backup made before the upgrade",
        )
    return _PART.warn(
        "schema",
        f"revision {revision or 'none'}, this version uses {HEAD}",
        "back it up (remedyd store backup); the daemon migrates it at its next start",
    )


def missing_file(url: str) -> Finding | None:
    """Return what there is to say of an SQLite file that does not exist, None if it does."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or ":memory:" in url:
        return None
    path = Path(parsed.database)
    if path.exists():
        return None
    if path.parent.is_dir() and os.access(path.parent, os.W_OK):
        return _PART.warn("exists", f"{path} does not exist", "the daemon creates it at its start")
    return _PART.fail(
        "exists",
        f"{path} cannot be created: {path.parent} is no directory that we may write to",
        "mount a volume there, or set REMEDYD_DATABASE",
    )
