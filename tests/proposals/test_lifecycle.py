"""The table of moves is whole, and says when a proposal holds its workload."""

from dataclasses import replace

import pytest

from remedyd.errors import Conflict
from remedyd.model import State, VerifySpec
from remedyd.proposals import lifecycle
from remedyd.proposals.lifecycle import MOVES
from support.proposals import a_plan, a_proposal

LOOSE_ENDS = {State.REJECTED, State.EXPIRED, State.SUPERSEDED, State.DRY_RUN, State.STALE}
OPEN = {"Proposed", "Approved", "Applying", "Applied", "Verifying", "RollingBack"}
DEAD_ENDS = LOOSE_ENDS | {State.ROLLED_BACK, State.ESCALATED}


def test_every_state_has_its_line() -> None:
    """No state is missing from the table."""
    assert set(MOVES) == set(State)


def test_every_state_can_be_reached() -> None:
    """From the states of birth, every other one is reachable."""
    reached = set(lifecycle.BIRTHS)
    while new := {to for state in reached for to in MOVES[state]} - reached:
        reached |= new
    assert reached == set(State)


def test_dead_ends_are_the_known_ones() -> None:
    """Nothing follows an end; every other state leads on."""
    assert {state for state, onward in MOVES.items() if not onward} == DEAD_ENDS


def test_a_write_is_always_preceded_by_an_approval() -> None:
    """Without passing Approved, no state that may write can be reached."""
    reached = set(lifecycle.BIRTHS)
    while (
        new := {to for state in reached for to in MOVES[state] if to is not State.APPROVED}
        - reached
    ):
        reached |= new
    assert not reached & {State.APPLYING, State.APPLIED, State.ROLLING_BACK}


def test_success_needs_verification() -> None:
    """Effective follows Verifying only."""
    assert {state for state in State if State.EFFECTIVE in MOVES[state]} == {State.VERIFYING}


def test_an_approval_is_single_use() -> None:
    """Nothing leads back to Approved or Proposed."""
    sources = {to: {s for s in State if to in MOVES[s]} for to in State}
    assert sources[State.APPROVED] == {State.PROPOSED}
    assert sources[State.PROPOSED] == set()


def test_a_refused_move_names_the_allowed_ones() -> None:
    """A forbidden move says where the proposal stands and what may follow."""
    with pytest.raises(Conflict, match="p1 is Proposed and cannot become Effective") as refused:
        lifecycle.check(a_proposal(), State.EFFECTIVE)
    assert "Approved" in refused.value.hint


@pytest.mark.parametrize("state", sorted(State))
def test_a_proposal_holds_its_workload_until_all_is_done(state: State) -> None:
    """In flight it is open; a bad verdict stays open as long as its undo is due."""
    expected = state in OPEN | {"Ineffective", "Harmful"}
    assert lifecycle.is_open(a_proposal(state=state)) is expected


@pytest.mark.parametrize("state", [State.INEFFECTIVE, State.HARMFUL])
def test_without_an_undo_a_bad_verdict_ends_it(state: State) -> None:
    """Where nothing can be undone, or must not be by itself, a bad verdict is the end."""
    bad = a_proposal(state=state)
    assert lifecycle.undo_is_due(bad)
    assert not lifecycle.is_open(replace(bad, plan=a_plan(undo=None)))
    assert not lifecycle.is_open(replace(bad, verify=VerifySpec(rollback=False)))
