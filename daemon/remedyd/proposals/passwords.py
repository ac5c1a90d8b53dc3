"""User and password of PostgreSQL, as a file holds them now.

Connections that are open stay open, whatever becomes of the password. Another database is none of
this: to move, somebody has to stop the daemon.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from remedyd.errors import ConfigurationError, StoreError
from remedyd.rotation import Rotating

_SECONDS: Final = 3


def renewing(url: Callable[[], str], files: Sequence[Path]) -> Rotating[str]:
    """Return the store's URL, read again when its files change.

    `url` raises ConfigurationError for files that cannot be read.
    """
    first = url()

    def make() -> str:
        text = url()
        if text != first and _place(_parsed(text)) != _place(_parsed(first)):
            raise ConfigurationError(
                "the store's URL names another database than at the start",
                hint="restart the daemon to use it; user and password alone need no restart",
            )
        return text

    sqlite = first.startswith("sqlite")
    return Rotating("store", () if sqlite else files, make, prove=_prove)


def connecting(held: Rotating[str]) -> Callable[..., Any]:
    """Return what opens a connection by the URL in force, as SQLAlchemy calls it (`do_connect`)."""

    def connect(dialect: Any, _record: object, args: Any, options: dict[str, Any]) -> Any:
        rest = {key: value for key, value in options.items() if key not in ("user", "password")}
        used = held.current()
        try:
            return dialect.connect(*args, **rest, **_login(used))
        except dialect.loaded_dbapi.OperationalError:
            other = held.instead_of(used)
            if other is None:
                raise
        return dialect.connect(*args, **rest, **_login(other))

    return connect


def _prove(text: str) -> None:
    """Raise StoreError unless PostgreSQL lets us in."""
    url = _parsed(text).set(drivername="postgresql+psycopg")
    limit = {"connect_timeout": _SECONDS}
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=limit)
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise StoreError(
            f"PostgreSQL does not let us in by the changed URL: {words[-1] if words else ''}",
            hint="correct user and password in the file, or at PostgreSQL",
        ) from error
    finally:
        engine.dispose()


def _login(text: str) -> dict[str, str]:
    url = _parsed(text)
    found = {"user": url.username, "password": url.password}
    return {key: str(value) for key, value in found.items() if value is not None}


def _place(url: URL) -> tuple[object, ...]:
    return url.host, url.port, url.database, url.query


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "the store's URL is not a database URL",
            hint="use sqlite:////var/lib/remedyd/remedyd.db or postgresql://user@host/remedyd",
        ) from error
