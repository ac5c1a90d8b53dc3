"""The leader is killed or frozen at any moment: the other takes over, each write is made once."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from remedyd.errors import StoreError
from remedyd.model import ManualClock, State
from remedyd.observability import logs
from remedyd.proposals.database import Database
from remedyd.proposals.store import Store
from support import postgres
from support.proposals import START
from support.replicas import MOMENTS, Fate, World, emptied, watched

RUNS = 200
LIMIT = 15.0
"""Seconds within which the other leads."""
LEASE = 10.0


class Ground:
    """A PostgreSQL database and two stores on it, for one run after the other."""

    def __init__(self, server: postgres.Server) -> None:
        name = server.database()
        self.connection = server.connect(name)
        clock, url = ManualClock(START), server.url(name)
        with closing(Store(url, clock)) as made:
            made.migrate()
        self.url = url
        self.stores = (Store(url, clock), Store(url, clock))
        self.world: World | None = None

    def run(self, seed: int, fate: Fate) -> World:
        """Live one life from an empty store."""
        emptied(self.connection)
        self.world = None
        self.world = World(self.stores, seed, fate, self.cut_off)
        self.world.run()
        return self.world

    def cut_off(self) -> None:
        """End the sessions that idle in a transaction."""
        self.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction'"
        )


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """Two replicas' stores on a PostgreSQL of their own."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server here: install the package `postgresql`")
    logs.configure("ERROR", "ecs")
    with postgres.server() as server:
        made = Ground(server)
        try:
            with watched(lambda: made.world):
                yield made
        finally:
            for store in made.stores:
                store.close()
            made.connection.close()


MANY = {"lease": 6, "read": 12, "send": 1, "half": 1, "landed": 1}
"""How often each moment comes at least, from the approval on."""
TRANSACTIONS = 12


def fate(moment: str, seed: int) -> Fate:
    """Return what happens in this run: death, a short nap, or a sleep that outlasts the lease."""
    random = Random(f"{moment} {seed}")
    many = MANY.get(moment, TRANSACTIONS)
    if many == 1:
        many += seed % 2  # where the change does not help, an undo is written too
    naps = (random.uniform(1, 9), random.uniform(10, 16), random.uniform(16, 60))
    return Fate(moment, random.randint(1, many), random.choice((None, None, *naps)))


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_write_is_made_once_and_the_next_leads_in_time(ground: Ground, moment: str) -> None:
    """Nothing is lost, nothing doubled, and who slept longer than the lease writes no more."""
    for seed in range(RUNS // len(MOMENTS)):
        fated = fate(moment, seed)
        world = ground.run(seed, fated)
        (end,) = world.ends()
        told = f"{fated} seed {seed}: {world.wrote}, {end.state}"
        assert world.struck_at is not None, told
        assert world.wrong == [], told
        assert end.state is (State.ROLLED_BACK if world.fails else State.EFFECTIVE), told
        assert world.landed == {(end.id, False): 1} | ({(end.id, True): 1} if world.fails else {})
        if fated.asleep is None or fated.asleep > LIMIT:
            assert world.took_over is not None and world.took_over <= LIMIT, told
        if fated.asleep is not None and fated.asleep >= LEASE:
            lost = [
                at for who, at in world.wrote if who == "a" and world.struck_at < at <= world.woke
            ]
            assert not lost, told


def test_a_session_that_idles_in_a_transaction_is_ended_by_the_server(ground: Ground) -> None:
    """A frozen process keeps its locks for no longer than twice the patience of the others."""
    quick = timedelta(milliseconds=20)
    with (
        closing(Database(ground.url, busy_timeout=quick)) as database,
        pytest.raises(StoreError, match="idle-in-transaction"),
        database.write() as held,
    ):
        held.execute(sa.text("LOCK TABLE proposals"))
        ground.connection.execute("SELECT count(*) FROM proposals")  # waits for its end
    usual = timedelta(seconds=5)
    with closing(Database(ground.url, busy_timeout=usual)) as database, database.read() as found:
        shown = found.scalar(sa.text("SHOW idle_in_transaction_session_timeout"))
    assert shown == f"{LEASE:.0f}s"
