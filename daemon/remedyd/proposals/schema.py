"""Which revision the database has, and how it gets to ours.

Alembic costs a tenth of a second and 9 MB, three times that without compiled bytecode, so it is
imported only when something has to be migrated. The daily start reads one row, and an empty
database gets the tables as they are today: tests hold both ways against each other. The whole
migration is one transaction on both databases and two daemons starting at once take turns: the
second finds everything done.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from remedyd.errors import StoreError
from remedyd.proposals.database import Database
from remedyd.proposals.tables import HEAD, for_postgresql, metadata

_VERSIONS: Final = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32)),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As alembic makes it."""
_TURN: Final = 0x72656D65647964  # "remedyd": the advisory lock that migrations queue on


class Schema:
    """The schema of one store."""

    def __init__(self, database: Database) -> None:
        """Take the store's database."""
        self._database = database

    def revision(self) -> str:
        """Return the revision found, "" for an empty database."""
        with self._database.read() as connection:
            return _revision(connection)

    @staticmethod
    def found(connection: Connection) -> str:
        """Return the revision that a transaction sees, "" for an empty database."""
        return _revision(connection)

    def check(self) -> None:
        """Raise `StoreError` unless the schema is the one this code works with."""
        found = self.revision()
        if found != HEAD:
            raise _other(found, self._database.name)

    def outdated(self) -> bool:
        """Whether a newer version has upgraded the store since we started."""
        return self.revision() > HEAD

    def migrate(self) -> bool:
        """Upgrade to our revision; return False if nothing had to be done.

        Raise `StoreError`, changing nothing, for a database of a newer version.
        """
        if self.revision() == HEAD:
            return False
        with self._database.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
            found = _revision(connection)
            if found == HEAD:
                return False
            if found > HEAD:
                raise _other(found, self._database.name)
            if not found:
                _create(connection)
                return True
            from remedyd.proposals.migrations.runner import upgrade

            upgrade(connection)
        return True


def _create(connection: Connection) -> None:
    """Make every table; one that is in the way, of whatever make, is an error."""
    _VERSIONS.create(connection, checkfirst=True)  # there, where it was taken down to nothing
    tables = for_postgresql() if connection.dialect.name == "postgresql" else metadata
    tables.create_all(connection, checkfirst=False)
    connection.execute(_VERSIONS.insert().values(version_num=HEAD))


def _revision(connection: Connection) -> str:
    if not sa.inspect(connection).has_table(_VERSIONS.name):
        return ""
    return connection.scalar(sa.select(_VERSIONS.c.version_num)) or ""


def _other(found: str, name: str) -> StoreError:
    if found > HEAD:
        return StoreError(
            f"the proposal store {name} has schema {found}, this version knows {HEAD}",
            hint="run the newer remedyd again, or restore the backup made before the upgrade",
        )
    return StoreError(
        f"the proposal store {name} has schema {found or 'none'}, {HEAD} is needed",
        hint="start the daemon once: it migrates the store",
    )
