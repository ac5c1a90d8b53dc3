"""Switches, the pause above all, outlive the daemon and keep their history."""

from datetime import timedelta

from remedyd.proposals.flags import Flag
from remedyd.proposals.store import Store
from support.proposals import START, a_clock

LATER = START + timedelta(hours=1)


def test_nothing_is_paused_at_first(store: Store) -> None:
    """A new store is not paused."""
    assert store.flags.paused() is None


def test_a_pause_survives_a_restart(url: str, store: Store) -> None:
    """Another process that opens the store sees who paused it, when and why."""
    store.flags.pause("alice", START, "incident 9")
    again = Store(url, a_clock())
    assert again.flags.paused() == Flag("pause", True, START, "alice", "incident 9")
    again.close()


def test_resuming_ends_the_pause(store: Store) -> None:
    """After resume nothing is paused."""
    store.flags.pause("alice", START)
    store.flags.resume("bob", LATER)
    assert store.flags.paused() is None


def test_pausing_twice_keeps_the_first(store: Store) -> None:
    """A second pause does not hide since when and by whom it is paused."""
    store.flags.pause("alice", START)
    store.flags.pause("bob", LATER)
    paused = store.flags.paused()
    assert paused is not None
    assert (paused.principal, paused.at) == ("alice", START)


def test_the_history_stays(store: Store) -> None:
    """Every setting is kept, newest first."""
    store.flags.pause("alice", START, "why")
    store.flags.resume("bob", LATER)
    assert [(f.principal, f.value) for f in store.flags.history("pause")] == [
        ("bob", False),
        ("alice", True),
    ]


def test_flags_do_not_mix(store: Store) -> None:
    """A switch of another name, with any JSON value, is its own."""
    flag = Flag("freeze", {"until": "2026-12-01", "namespaces": ["shop"]}, START, "alice")
    store.flags.set(flag)
    assert store.flags.get("freeze") == flag
    assert store.flags.paused() is None


def test_resuming_what_runs_leaves_no_line(store: Store) -> None:
    """A resume without a pause changes nothing."""
    store.flags.resume("bob", START)
    assert store.flags.history("pause") == []
