"""Runs alembic inside a transaction that the caller has opened.

No `alembic.ini`, no command line: the scripts lie beside this file, also inside a wheel.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from remedyd.errors import StoreError


def configuration(connection: Connection) -> Config:
    """Return alembic's settings for our scripts over `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply every revision up to `revision`; the caller commits."""
    try:
        command.upgrade(configuration(connection), revision)
    except CommandError as error:
        raise StoreError(
            f"the proposal store cannot be migrated: {error}",
            hint="the database was written by another remedyd; restore its backup or use that one",
        ) from error
