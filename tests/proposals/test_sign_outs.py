"""Whoever signed out of the console is out at every replica, and after a restart."""

from datetime import timedelta

from remedyd.model import ManualClock
from remedyd.proposals.store import Store
from support.proposals import START

HOUR = timedelta(hours=1)


def test_what_one_replica_ended_is_over_at_the_others(
    store: Store, url: str, clock: ManualClock
) -> None:
    """The other store is another connection to the same database."""
    other = Store(url, clock)
    store.sign_outs.add("a", START + HOUR, START)
    assert "a" in other.sign_outs
    assert "b" not in other.sign_outs
    other.close()


def test_signing_out_twice_is_signing_out(store: Store) -> None:
    """A form that was sent by two replicas at once, say."""
    store.sign_outs.add("a", START + HOUR, START)
    store.sign_outs.add("a", START + HOUR, START)
    assert "a" in store.sign_outs


def test_sign_outs_of_long_ago_are_forgotten(store: Store) -> None:
    """Once the cookie would have been over for a day: the clock may have been wrong by hours."""
    end = START + HOUR
    store.sign_outs.add("a", end, START)
    store.sign_outs.add("b", end + 30 * HOUR, end + 23 * HOUR)
    assert "a" in store.sign_outs
    store.sign_outs.add("c", end + 30 * HOUR, end + 25 * HOUR)
    assert "a" not in store.sign_outs
    assert "b" in store.sign_outs
