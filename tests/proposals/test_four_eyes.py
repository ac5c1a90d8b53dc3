"""Where a policy asks for several approvals, or names its approvers, less does not do."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from remedyd.errors import Conflict, Forbidden, Refused
from remedyd.model import AUTO, Mode, Principal, Proposal, Scope, State
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from support.proposals import ALICE, BOB, PAT, a_decision, a_plan, a_target
from support.races import together

CYD = Principal("cyd", frozenset({Scope.APPROVER}))


def _proposed(gate: Gate, name: str = "checkout", **rules: Any) -> Proposal:
    target = a_target(name)
    return gate.propose(a_plan(target), a_decision(target, **rules))


def test_the_first_of_two_approvals_waits_for_the_second(gate: Gate, store: Store) -> None:
    """After one approval of two the proposal still waits, and its history says for how many."""
    made = _proposed(gate, approvals=2)
    first = gate.approve(made.id, made.digest, ALICE, "ok")
    assert (first.state, first.approval) == (State.PROPOSED, None)
    assert store.events(made.id)[-1].data["still_needed"] == 1
    second = gate.approve(made.id, made.digest, BOB)
    assert second.state is State.APPROVED
    assert [given.principal for given in second.approvals] == [ALICE, BOB]
    assert second.approval is not None
    assert second.approval.principal == BOB


def test_one_principal_is_one_pair_of_eyes(gate: Gate) -> None:
    """The same principal cannot give both approvals, not even for someone else."""
    made = _proposed(gate, approvals=2)
    first = gate.approve(made.id, made.digest, ALICE)
    assert gate.approve(made.id, made.digest, ALICE) == first
    with pytest.raises(Conflict, match="alice has approved proposal p1 before"):
        gate.approve(made.id, made.digest, replace(ALICE, on_behalf_of="eve"))


def test_after_the_last_approval_each_approver_may_repeat(gate: Gate) -> None:
    """A repeated approval by any of those who gave one changes nothing; a third is too late."""
    made = _proposed(gate, approvals=2)
    gate.approve(made.id, made.digest, ALICE)
    approved = gate.approve(made.id, made.digest, BOB)
    assert gate.approve(made.id, made.digest, ALICE) == approved
    with pytest.raises(Conflict, match="was approved by bob"):
        gate.approve(made.id, made.digest, CYD)


def test_half_approved_can_be_rejected(gate: Gate) -> None:
    """Until the last approval a rejection wins, and the first approver is told."""
    made = _proposed(gate, approvals=2)
    gate.approve(made.id, made.digest, ALICE)
    assert gate.reject(made.id, PAT).state is State.REJECTED
    with pytest.raises(Conflict, match="is Rejected"):
        gate.approve(made.id, made.digest, ALICE)


def test_two_approvers_at_once_are_two_approvals(gate: Gate, store: Store) -> None:
    """Approvals that arrive together both count; none is lost."""
    for n in range(15):
        made = _proposed(gate, f"w{n}", approvals=2)
        jobs = [partial(gate.approve, made.id, made.digest, who) for who in (ALICE, BOB)]
        together(jobs)
        now = store.get(made.id)
        assert now.state is State.APPROVED
        assert {given.principal.name for given in now.approvals} == {"alice", "bob"}


def test_only_named_approvers_count(gate: Gate) -> None:
    """Where the policy names approvers, the scope alone is not enough."""
    made = _proposed(gate, approvers=("bob",))
    with pytest.raises(Forbidden, match="does not name alice") as refused:
        gate.approve(made.id, made.digest, ALICE)
    assert "bob" in refused.value.hint
    assert gate.approve(made.id, made.digest, BOB).state is State.APPROVED


def test_a_named_approver_needs_the_scope(gate: Gate) -> None:
    """Being named gives no right that the token does not have."""
    made = _proposed(gate, approvers=("pat",))
    with pytest.raises(Forbidden, match="lacks the scope"):
        gate.approve(made.id, made.digest, PAT)


@pytest.mark.parametrize("who", [ALICE, AUTO])
def test_an_empty_list_of_approvers_means_nobody(gate: Gate, who: Principal) -> None:
    """Nobody may approve, the automaton included."""
    made = _proposed(gate, approvers=(), mode=Mode.AUTO)
    with pytest.raises(Forbidden, match="does not name"):
        gate.approve(made.id, made.digest, who)


@pytest.mark.parametrize(
    "changes", [{"approvals": ()}, {"approvers": ("cyd",)}, {"approvals_needed": 3}]
)
def test_the_fence_counts_again(gate: Gate, store: Store, changes: dict[str, Any]) -> None:
    """A record with fewer or other approvals than it needs is not written."""
    made = _proposed(gate, approvals=2)
    gate.approve(made.id, made.digest, ALICE)
    applying = store.transition(gate.approve(made.id, made.digest, BOB), State.APPLYING)
    gate.fence(applying.id)
    store.amend(applying, action="tamper", **changes)
    with pytest.raises(Refused) as refused:
        gate.fence(applying.id)
    assert refused.value.reason == "DigestMismatch"


def test_the_summary_says_who_is_needed(gate: Gate) -> None:
    """An approver reads that a second one is needed, and who may be."""
    assert "needs 2 different principals" in _proposed(gate, approvals=2).summary
    named = _proposed(gate, "cart", approvers=("bob", "cyd"))
    assert "needs one principal: bob, cyd" in named.summary


def test_the_rung_before_is_kept(gate: Gate) -> None:
    """A ladder's next rung remembers which proposal it follows."""
    assert _proposed(gate, after="p0").after == "p0"
