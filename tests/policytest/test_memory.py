"""What is remembered between cycles in place of the store."""

from datetime import UTC, datetime, timedelta

import pytest

from remedyd.errors import Conflict
from remedyd.model import Decision, DecisionKind, Mode, Outcome, Target
from remedyd.testing.memory import Memory

START = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = Target("c", "shop", "Deployment", "cart", "app")
NAME = "Deployment/shop/cart"


def at(minutes):
    return START + timedelta(minutes=minutes)


def proposed(mode=Mode.PROPOSE):
    memory = Memory(auto=True)
    kind = DecisionKind.PROPOSE
    decision = Decision(kind, "p", "a", TARGET, "Matched", mode=mode, step="s")
    memory.remember(memory.state(START), (decision,), START)
    return memory


def test_a_proposal_is_open_until_it_expires():
    """Its end is the time of its expiry, whenever somebody looks."""
    memory = proposed()
    assert TARGET.workload in memory.state(at(14)).open
    state = memory.state(at(40))
    assert (state.open, state.finished) == ({}, {("p", TARGET.workload): at(15)})


def test_an_approval_counts_as_an_attempt():
    """For a day."""
    memory = proposed()
    memory.approve(NAME, at(5))
    key = ("p", TARGET.workload, "s")
    assert memory.state(at(30)).attempts == {key: (at(5),)}
    assert memory.state(at(24 * 60 + 6)).attempts == {key: ()}


@pytest.mark.parametrize("verdict", Outcome)
def test_a_verdict_ends_it_and_failures_are_remembered(verdict):
    """Only Effective is no failure."""
    memory = proposed()
    memory.approve(NAME, at(5))
    memory.settle(NAME, verdict, at(9))
    state = memory.state(at(10))
    assert (state.open, state.finished["p", TARGET.workload]) == ({}, at(9))
    assert bool(state.failures) is (verdict is not Outcome.EFFECTIVE)


def test_no_verdict_within_the_time_for_proof_is_inconclusive():
    """The end is the timeout of the step's verification."""
    memory = proposed()
    memory.approve(NAME, at(5))
    state = memory.state(at(300))
    assert state.finished["p", TARGET.workload] == at(65)
    assert state.failures == {TARGET.workload: (at(65),)}


def test_a_rejection_ends_it():
    """And is no failure."""
    memory = proposed()
    memory.reject(NAME, at(2))
    state = memory.state(at(3))
    assert (state.open, state.failures) == ({}, {})


def test_what_is_over_cannot_be_decided():
    """An expired proposal is not approved."""
    memory = proposed()
    with pytest.raises(Conflict, match="no proposal about Deployment/shop/cart is open"):
        memory.approve(NAME, at(15))


def test_what_is_applied_is_not_approved_again():
    """And what is not applied has no verdict."""
    memory = proposed()
    with pytest.raises(Conflict, match="not applied yet"):
        memory.settle(NAME, Outcome.EFFECTIVE, at(1))
    memory.approve(NAME, at(1))
    with pytest.raises(Conflict, match="applied already"):
        memory.reject(NAME, at(2))


def test_modes_differ_in_what_follows():
    """Auto applies at once, DryRun is over at once."""
    assert proposed(Mode.AUTO).state(at(1)).attempts
    rehearsed = proposed(Mode.DRY_RUN).state(at(1))
    assert (rehearsed.open, rehearsed.finished) == ({}, {("p", TARGET.workload): START})
