"""What decisions remember: exactly the past that counts, nothing that does not."""

from datetime import timedelta

import pytest

from remedyd.model import (
    Applied,
    DecisionState,
    Hold,
    HoldKind,
    ManualClock,
    Mode,
    Proposal,
    State,
)
from remedyd.proposals.store import Store
from support.proposals import START, a_proposal

WORKLOAD = "prod/shop/Deployment/checkout"
KEY = ("oom-raise-memory", WORKLOAD)
ROAD = [State.APPROVED, State.APPLYING, State.APPLIED, State.VERIFYING]


def _moved(store: Store, proposal: Proposal, *states: State) -> Proposal:
    for state in states:
        proposal = store.transition(proposal, state)
    return proposal


def test_an_empty_store_remembers_nothing(store: Store) -> None:
    """A fresh store gives the empty state."""
    assert store.decision_state(START) == DecisionState()


def test_an_open_proposal_holds_its_workload(store: Store) -> None:
    """Decisions see which workload is taken, and by which proposal."""
    store.create(a_proposal())
    assert store.decision_state(START).open == {WORKLOAD: "p1"}


def test_a_due_undo_holds_its_workload(store: Store) -> None:
    """Between a bad verdict and its undo, nobody else may propose for the workload."""
    _moved(store, store.create(a_proposal()), *ROAD, State.HARMFUL)
    state = store.decision_state(START)
    assert state.open == {WORKLOAD: "p1"}
    assert state.finished == {}


@pytest.mark.parametrize("end", [State.REJECTED, State.EXPIRED, State.SUPERSEDED])
def test_a_cooldown_counts_from_the_end(store: Store, clock: ManualClock, end: State) -> None:
    """However a proposal ended, its end is remembered for its policy and workload."""
    proposal = store.create(a_proposal())
    ended = clock.advance(timedelta(minutes=3))
    store.transition(proposal, end)
    assert store.decision_state(ended).finished == {KEY: ended}


def test_a_dry_run_ends_when_it_is_made(store: Store) -> None:
    """A policy in mode DryRun cools down like any other."""
    store.create(a_proposal(mode=Mode.DRY_RUN))
    assert store.decision_state(START).finished == {KEY: START}


def test_a_stale_plan_needs_no_cooldown(store: Store) -> None:
    """Where nothing was tried because the target changed, the next plan may come at once."""
    _moved(store, store.create(a_proposal()), State.STALE)
    assert store.decision_state(START).finished == {}


def test_the_last_end_counts(store: Store, clock: ManualClock) -> None:
    """Of several ends for one policy and workload the latest is remembered."""
    _moved(store, store.create(a_proposal("p1")), State.REJECTED)
    later = clock.advance(timedelta(hours=1))
    _moved(store, store.create(a_proposal("p2", at=later)), State.REJECTED)
    assert store.decision_state(later).finished == {KEY: later}


def test_ends_older_than_a_week_are_forgotten(store: Store) -> None:
    """No cooldown reaches back further than the history that is kept for it."""
    _moved(store, store.create(a_proposal()), State.REJECTED)
    assert store.decision_state(START + timedelta(days=7)).finished == {KEY: START}
    assert store.decision_state(START + timedelta(days=7, seconds=1)).finished == {}


def test_rates_count_the_last_day(store: Store) -> None:
    """A policy's proposals of the last 24 hours are listed, oldest first; requests are not."""
    hours = [0, 3, 2]
    for n, hour in enumerate(hours):
        store.create(a_proposal(f"p{n}", f"w{n}", at=START + timedelta(hours=hour)))
    store.create(a_proposal("asked", "w9", policy="", source="request"))
    later = START + timedelta(hours=24)
    assert store.decision_state(later).proposed == {
        "oom-raise-memory": (START + timedelta(hours=2), START + timedelta(hours=3))
    }


@pytest.mark.parametrize("verdict", [State.INEFFECTIVE, State.HARMFUL, State.INCONCLUSIVE])
def test_an_applied_change_without_proof_is_a_failure(
    store: Store, clock: ManualClock, verdict: State
) -> None:
    """A verdict other than Effective counts for the workload, also after its undo."""
    proposal = _moved(store, store.create(a_proposal()), *ROAD)
    judged = clock.advance(timedelta(minutes=20))
    proposal = store.transition(proposal, verdict)
    clock.advance(timedelta(minutes=5))
    _moved(store, proposal, State.ROLLING_BACK, State.ROLLED_BACK)
    assert store.decision_state(clock.now()).failures == {WORKLOAD: (judged,)}


@pytest.mark.parametrize("end", [State.REJECTED, State.EXPIRED, State.STALE])
def test_what_was_never_applied_is_no_failure(store: Store, end: State) -> None:
    """A proposal that came to nothing does not count against its workload."""
    _moved(store, store.create(a_proposal()), end)
    assert store.decision_state(START).failures == {}


def test_a_proof_found_later_clears_the_failure(store: Store) -> None:
    """An Inconclusive change that is verified again and found Effective is no failure."""
    proposal = _moved(store, store.create(a_proposal()), *ROAD, State.INCONCLUSIVE)
    _moved(store, proposal, State.VERIFYING, State.EFFECTIVE)
    assert store.decision_state(START).failures == {}


def test_attempts_are_what_was_applied(store: Store) -> None:
    """A step counts as tried at the time its change was written, and not before."""
    proposal = _moved(store, store.create(a_proposal()), State.APPROVED, State.APPLYING)
    assert store.decision_state(START).attempts == {}
    at = START + timedelta(seconds=7)
    store.transition(proposal, State.APPLIED, applied=Applied(at, "4712", 8))
    key = ("oom-raise-memory", WORKLOAD, "raise-memory")
    assert store.decision_state(at).attempts == {key: (at,)}
    assert store.decision_state(at + timedelta(days=1)).attempts == {}


def test_a_pause_is_seen_by_decisions(store: Store) -> None:
    """While paused, decisions know it."""
    store.flags.pause("bob", START)
    assert store.decision_state(START).paused


def test_a_resumed_daemon_is_not_paused(store: Store) -> None:
    """The last setting of the switch counts."""
    store.flags.pause("bob", START)
    store.flags.resume("bob", START)
    assert not store.decision_state(START).paused


def test_the_older_of_two_storms_is_told(store: Store) -> None:
    """It says since when."""
    late, early = START, START - timedelta(hours=1)
    for name, at in (("late", late), ("early", early)):
        assert store.holds.open(Hold(name, HoldKind.STORM, name, at, "many"))
    storm = store.decision_state(START).storm
    assert storm is not None
    assert storm.since == early


def test_open_holds_are_counted_by_kind(store: Store) -> None:
    """One that has ended is not."""
    for name in ("a", "b", "c"):
        assert store.holds.open(Hold(name, HoldKind.QUARANTINE, name, START, "why"))
    store.holds.end("c", START, "ann")
    assert store.holds.counts() == {HoldKind.QUARANTINE: 2}


def _failed(store: Store, clock: ManualClock, key: str) -> None:
    """Let a change of the workload fail now."""
    made = store.create(a_proposal(key, at=clock.now()))
    _moved(store, made, *ROAD, State.INCONCLUSIVE)


def test_only_failures_in_a_row_count(store: Store, clock: ManualClock) -> None:
    """A change that was proved to help ends the row; a failure after it begins a new one."""
    _failed(store, clock, "p1")
    clock.advance(timedelta(minutes=1))
    _moved(store, store.create(a_proposal("p2")), *ROAD, State.EFFECTIVE)
    assert store.decision_state(clock.now()).failures == {}
    later = clock.advance(timedelta(minutes=1))
    _failed(store, clock, "p3")
    assert store.decision_state(later).failures == {WORKLOAD: (later,)}


def test_a_request_that_rolled_out_proves_nothing(store: Store, clock: ManualClock) -> None:
    """Nobody measured whether it helped, so the failures before it still count."""
    _failed(store, clock, "p1")
    at = clock.advance(timedelta(minutes=1))
    asked = a_proposal("p2", source="request", policy="")
    _moved(store, store.create(asked), *ROAD, State.EFFECTIVE)
    assert store.decision_state(at).failures == {WORKLOAD: (START,)}


def test_a_lifted_quarantine_begins_anew(store: Store, clock: ManualClock) -> None:
    """What failed before a person lifted it is over, whatever was proved earlier still."""
    _moved(store, store.create(a_proposal("p0")), *ROAD, State.EFFECTIVE)
    clock.advance(timedelta(minutes=1))
    _failed(store, clock, "p1")
    hold = Hold("h", HoldKind.QUARANTINE, WORKLOAD, clock.now(), "3 failures")
    assert store.holds.open(hold)
    lifted = clock.advance(timedelta(minutes=1))
    store.holds.end("h", lifted, "ann")
    assert store.decision_state(lifted).failures == {}
    later = clock.advance(timedelta(minutes=1))
    _failed(store, clock, "p2")
    assert store.decision_state(later).failures == {WORKLOAD: (later,)}


def test_a_call_for_a_person_is_an_attempt(store: Store) -> None:
    """It is made once a day at most; its time is when it was told."""
    tells = a_proposal(state=State.ESCALATED)
    store.create(tells)
    key = ("oom-raise-memory", WORKLOAD, "raise-memory")
    assert store.decision_state(START).attempts == {key: (START,)}
    assert store.decision_state(START + timedelta(days=1)).attempts == {}


def test_unchanged_sightings_are_not_written_again(store: Store) -> None:
    """A cycle without news needs no write."""
    seen = {ONE: (START,)}
    store.save_sightings(seen)
    store.save_sightings(seen, before=seen)
    assert store.decision_state(START).sightings == seen
    store.save_sightings({ONE: ()}, before=seen)
    assert store.decision_state(START).sightings == {}


ONE = ("oom-raise-memory", "prod/shop/Deployment/checkout/app")
TWO = ("replica-gap", "prod/shop/Deployment/cart")


def test_sightings_survive(store: Store) -> None:
    """The times at which a row matched come back as they were saved."""
    seen = {ONE: (START, START + timedelta(minutes=5)), TWO: (START,)}
    store.save_sightings(seen)
    assert store.decision_state(START).sightings == seen


def test_a_sighting_that_ended_is_forgotten(store: Store) -> None:
    """A row that no longer matches leaves no trace."""
    store.save_sightings({ONE: (START,), TWO: (START,)})
    store.save_sightings({TWO: (START,), ONE: ()})
    assert store.decision_state(START).sightings == {TWO: (START,)}


def test_only_ones_own_sightings_are_written(store: Store) -> None:
    """With the state before, only the difference is saved: another audit's rows stay."""
    store.save_sightings({ONE: (START,)})
    store.save_sightings({TWO: (START,)}, before={})
    assert store.decision_state(START).sightings == {ONE: (START,), TWO: (START,)}
    store.save_sightings({}, before={ONE: (START,)})
    assert store.decision_state(START).sightings == {TWO: (START,)}


def test_old_sightings_go_with_retention(store: Store) -> None:
    """Sightings that were not renewed are deleted with what ended before the limit."""
    store.save_sightings({ONE: (START,), TWO: (START + timedelta(days=2),)})
    store.delete_finished(START + timedelta(days=1))
    assert set(store.decision_state(START).sightings) == {TWO}
