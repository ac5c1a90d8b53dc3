"""Empty stores of either kind, made quickly: a conftest names the fixtures that it wants."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from remedyd.model import SystemClock
from remedyd.proposals.store import Store
from remedyd.proposals.tables import metadata
from support import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """Run PostgreSQL once for all tests of this worker."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server here: install the package `postgresql`")
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(request: pytest.FixtureRequest) -> Iterator["Blanks"]:
    """Hand out migrated, empty databases."""
    with tempfile.TemporaryDirectory(prefix="remedyd-", dir=postgres.memory()) as home:
        yield Blanks(request, Path(home))


class Blanks:
    """Makes empty databases of either kind quickly."""

    def __init__(self, request: pytest.FixtureRequest, home: Path) -> None:
        """Take where the SQLite original is kept."""
        self._request = request
        self._home = home
        self._made = 0
        self._sqlite = home / "blank.db"
        self._postgresql = ""

    def sqlite(self) -> str:
        """Return the URL of a new SQLite file."""
        if not self._sqlite.exists():
            _migrate(f"sqlite:///{self._sqlite}")
        self._made += 1
        copy = shutil.copy(self._sqlite, self._home / f"{self._made}.db")
        return f"sqlite:///{copy}"

    def postgresql(self) -> str:
        """Return the URL of the PostgreSQL database, emptied: a new one takes far longer."""
        server: postgres.Server = self._request.getfixturevalue("server")
        if not self._postgresql:
            self._postgresql = server.database()
            _migrate(server.url(self._postgresql))
        with server.connect(self._postgresql) as connection:
            names = ", ".join(table.name for table in metadata.sorted_tables)
            connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())
        return server.url(self._postgresql)


def _migrate(url: str) -> None:
    store = Store(url, SystemClock())
    store.migrate()
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, migrated: Blanks) -> str:
    """Return the URL of a migrated, empty database."""
    return migrated.sqlite() if request.param == "sqlite" else migrated.postgresql()
