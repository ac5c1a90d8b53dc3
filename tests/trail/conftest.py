"""Every test here that asks for a `post` runs on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remedyd.model import SystemClock
from remedyd.proposals.store import Store
from support import postgres
from support.proposals import a_clock
from support.trail import Post, Receiver, receiver

TABLES = "proposals, events, sightings, flags, refusals, holds, outbox"


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """Run PostgreSQL once for all tests of this worker."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server here: install the package `postgresql`")
    with postgres.server() as running:
        yield running


def migrate(url: str) -> str:
    store = Store(url, SystemClock())
    store.migrate()
    store.close()
    return url


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("blank") / "blank.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql(server: postgres.Server) -> tuple[postgres.Server, str]:
    """Return a migrated database."""
    name = server.database()
    migrate(server.url(name))
    return server, name


@pytest.fixture
def sqlite(blank: Path, tmp_path: Path) -> str:
    """Return the URL of an empty SQLite store."""
    return f"sqlite:///{shutil.copy(blank, tmp_path / 'store.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty store of either kind."""
    if request.param == "sqlite":
        found: str = request.getfixturevalue("sqlite")
        return found
    running, name = request.getfixturevalue("postgresql")
    with running.connect(name) as connection:
        connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY")
    return str(running.url(name))


@pytest.fixture
def elastic() -> Iterator[Receiver]:
    """Return what takes the documents."""
    with receiver() as made:
        yield made


@pytest.fixture
def posts(elastic: Receiver) -> Iterator[Callable[..., Post]]:
    """Return a maker of posts that are closed at the end."""
    made: list[Post] = []

    def make(url: str, **options: Any) -> Post:
        made.append(Post(url, a_clock(), options.pop("elasticsearch", elastic.url), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def post(url: str, posts: Callable[..., Post]) -> Post:
    """Return a store that reports to the receiver."""
    return posts(url)
