"""The store's password is exchanged: new connections have it, those that are open stay open."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from remedyd.errors import ConfigurationError
from remedyd.proposals import passwords
from remedyd.proposals.database import Database
from remedyd.settings import Settings
from support import postgres
from support.stores import server

__all__ = ["server"]


class Guarded:
    """A database that wants a password, and the file that has it."""

    def __init__(self, admin: psycopg.Connection, url: str, file: Path) -> None:
        self._admin = admin
        self._url = url
        self.file = file

    def password(self, word: str) -> None:
        """Change it at PostgreSQL."""
        self._admin.execute(f"ALTER ROLE guarded PASSWORD '{word}'")  # type: ignore[arg-type]

    def write(self, word: str, **changes: str) -> None:
        """Change it in the file."""
        url = self._url.replace("tests@", f"guarded:{word}@")
        for old, new in changes.items():
            url = url.replace(old, new)
        self.file.write_text(url + "\n")


@pytest.fixture
def guarded(server: postgres.Server, tmp_path: Path) -> Iterator[Guarded]:
    name = server.database()
    with server.connect() as admin:
        rules = Path(admin.execute("SHOW hba_file").fetchone()[0])  # type: ignore[index]
        before = rules.read_text()
        admin.execute("DROP ROLE IF EXISTS guarded")
        admin.execute("CREATE ROLE guarded LOGIN")
        rules.write_text(f"local all guarded scram-sha-256\n{before}")
        admin.execute("SELECT pg_reload_conf()")
        made = Guarded(admin, server.url(name), tmp_path / "url")
        made.password("first")
        made.write("first")
        yield made
        rules.write_text(before)
        admin.execute("SELECT pg_reload_conf()")


def asked(database: Database, times: int = 1) -> int:
    """Ask over so many connections at once, and return how many were let in."""
    if not times:
        return 0
    with database.read() as connection:
        return int(connection.scalar(sa.text("SELECT 1"))) + asked(database, times - 1)


def test_new_connections_have_the_rotated_password(guarded: Guarded) -> None:
    """PostgreSQL may know it before the file does, or after; a wrong one changes nothing."""
    settings = Settings(database_file=guarded.file)
    held = passwords.renewing(settings.database_url, (guarded.file,))
    database = Database(held.current(), busy_timeout=timedelta(seconds=2), held=held)
    try:
        assert asked(database) == 1
        guarded.write("wrong")
        assert asked(database, 2) == 2
        assert "password authentication failed" in held.trouble
        assert "wrong" not in held.trouble
        guarded.write("second")
        guarded.password("second")
        assert asked(database, 3) == 3
        assert held.trouble == ""
        guarded.password("third")
        guarded.write("third")
        assert asked(database, 4) == 4
    finally:
        database.close()


def test_another_database_needs_a_restart(guarded: Guarded) -> None:
    """What is open would go on in the one before."""
    settings = Settings(database_file=guarded.file)
    held = passwords.renewing(settings.database_url, (guarded.file,))
    before = held.current()
    guarded.write("first", host="port=1&host")
    assert held.current() == before
    assert "names another database" in held.trouble


def test_a_url_that_is_set_goes_before_the_file(tmp_path: Path) -> None:
    """A restored store is named by a variable beside the settings of the chart."""
    missing = tmp_path / "url"
    found = Settings(database="sqlite:////x.db", database_file=missing)
    assert found.database_url() == "sqlite:////x.db"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Settings(database_file=missing).database_url()
