"""Every test here that asks for a `store` runs on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from remedyd.model import ManualClock, SystemClock
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from support import postgres
from support.proposals import Ids, a_clock


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """Run PostgreSQL once for all tests of this worker."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server here: install the package `postgresql`")
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Blanks":
    """Hand out migrated empty databases, made by copying one."""
    return Blanks(request, tmp_path_factory.mktemp("blank"))


class Blanks:
    """Makes empty databases of either kind quickly."""

    def __init__(self, request: pytest.FixtureRequest, home: Path) -> None:
        """Take where the SQLite original is kept."""
        self._request = request
        self._sqlite = home / "blank.db"
        self._postgresql = ""

    def sqlite(self, home: Path) -> str:
        """Return the URL of a new SQLite file."""
        if not self._sqlite.exists():
            _migrate(f"sqlite:///{self._sqlite}")
        shutil.copy(self._sqlite, home / "remedyd.db")
        return f"sqlite:///{home / 'remedyd.db'}"

    def postgresql(self) -> str:
        """Return the URL of a new PostgreSQL database."""
        server: postgres.Server = self._request.getfixturevalue("server")
        if not self._postgresql:
            self._postgresql = server.database()
            _migrate(server.url(self._postgresql))
        return server.url(server.database(self._postgresql))


def _migrate(url: str) -> None:
    store = Store(url, SystemClock())
    store.migrate()
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, migrated: Blanks, tmp_path: Path) -> str:
    """Return the URL of a migrated, empty database."""
    return migrated.sqlite(tmp_path) if request.param == "sqlite" else migrated.postgresql()


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that moves when told."""
    return a_clock()


@pytest.fixture
def store(url: str, clock: ManualClock) -> Iterator[Store]:
    """Return an empty store."""
    made = Store(url, clock)
    yield made
    made.close()


@pytest.fixture
def gate(store: Store, clock: ManualClock) -> Gate:
    """Return a gate over the store, with ids p1, p2, ..."""
    return Gate(store, clock, Ids())
