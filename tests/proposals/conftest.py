"""Every test here that asks for a `store` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from remedyd.model import ManualClock
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from support.proposals import Ids, a_clock
from support.stores import migrated, server, url

__all__ = ["migrated", "server", "url"]


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
