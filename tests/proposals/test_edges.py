"""The gate and its rules to their edges: rollback, refusals, what counts as an approval."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remedyd.errors import Conflict, Forbidden, InvalidInput, Refused, Stale
from remedyd.model import (
    AUTO,
    Applied,
    Approval,
    DecisionKind,
    Digest,
    ManualClock,
    Mode,
    Principal,
    Proposal,
    ProposalId,
    Scope,
    State,
    VerifySpec,
)
from remedyd.proposals import approvals, lifecycle
from remedyd.proposals.gate import INTERACTIVE, WORKFLOW, Gate
from remedyd.proposals.store import Store
from support.proposals import (
    ALICE,
    BOB,
    PAT,
    START,
    VIC,
    Ids,
    a_clock,
    a_decision,
    a_plan,
    a_proposal,
    a_target,
)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands."""
    return a_clock()


@pytest.fixture
def store(clock: ManualClock, migrated: Any) -> Iterator[Store]:
    """Return an empty store on SQLite: what is tried here does not depend on the database."""
    made = Store(migrated.sqlite(), clock)
    yield made
    made.close()


@pytest.fixture
def gate(store: Store, clock: ManualClock) -> Gate:
    """Return a gate on it."""
    return Gate(store, clock, Ids())


def proposed(gate: Gate, name: str = "checkout", **changes: Any) -> Proposal:
    target = a_target(name)
    return gate.propose(a_plan(target), a_decision(target, **changes))


ROAD = (State.APPLYING, State.APPLIED, State.VERIFYING)
WRITTEN = Applied(START, resource_version="2", generation=2)


def carried(gate: Gate, store: Store, *then: State, **plan: Any) -> Proposal:
    """Return a proposal that was written, and then moved on."""
    made = gate.propose(a_plan(**plan), a_decision())
    proposal = gate.approve(made.id, made.digest, ALICE)
    for state in (*ROAD, *then):
        proposal = store.transition(
            proposal, state, **({"applied": WRITTEN} if state is State.APPLIED else {})
        )
    return proposal


# proposing


@pytest.mark.parametrize(
    "changes",
    [{"kind": DecisionKind.HOLD}, {"kind": DecisionKind.SKIP}, {"mode": Mode.DISABLED}],
)
def test_only_a_decision_to_propose_proposes(gate: Gate, changes: dict[str, Any]) -> None:
    """Nothing else becomes a proposal, by whatever mistake it is handed in."""
    with pytest.raises(InvalidInput):
        proposed(gate, **changes)


def test_a_policys_proposal_waits_a_quarter_of_an_hour_and_a_request_a_day(gate: Gate) -> None:
    """Unless a request says for how long, and how it is to be proved."""
    assert proposed(gate).expires_at == START + INTERACTIVE
    usual = gate.request(a_plan(a_target("a")), PAT)
    assert (usual.expires_at, usual.verify) == (START + WORKFLOW, VerifySpec())
    hour, proof = timedelta(hours=1), VerifySpec(observe_seconds=1200)
    asked = gate.request(a_plan(a_target("b")), PAT, life=hour, verify=proof)
    assert (asked.expires_at, asked.verify) == (START + hour, proof)


def test_the_first_event_names_what_was_made(gate: Gate, store: Store) -> None:
    """A proposal is proposed; a call for a person is an escalation."""
    assert store.events(proposed(gate).id)[0].action == "propose"
    tells = a_plan(a_target("b"), action="Escalate", patch=None, undo=None, changes=())
    told = gate.propose(tells, a_decision(a_target("b")))
    assert (told.state, store.events(told.id)[0].action) == (State.ESCALATED, "escalate")


# rejecting


def test_only_the_same_person_may_reject_again(gate: Gate) -> None:
    """For anyone else it is decided; and what was approved cannot be rejected by its approver."""
    made = proposed(gate)
    rejected = gate.reject(made.id, PAT, "no")
    assert gate.reject(made.id, PAT) == rejected
    with pytest.raises(Conflict):
        gate.reject(made.id, ALICE)
    other = proposed(gate, "other")
    gate.approve(other.id, other.digest, ALICE)
    with pytest.raises(Conflict):
        gate.reject(other.id, ALICE)


def test_what_is_not_asserted_is_not_noted(gate: Gate, store: Store) -> None:
    """An event carries whom somebody acted for, and where, only if that was said."""
    made = proposed(gate)
    gate.approve(made.id, made.digest, ALICE)
    assert dict(store.events(made.id)[-1].data) == {"digest": made.digest}
    other = proposed(gate, "other")
    gate.approve(
        other.id, other.digest, replace(ALICE, on_behalf_of="eve"), execution_url="https://x/1"
    )
    data = store.events(other.id)[-1].data
    assert (data["on_behalf_of"], data["execution_url"]) == ("eve", "https://x/1")


# rolling back


@pytest.mark.parametrize(
    "then", [(), (State.EFFECTIVE,), (State.INEFFECTIVE,), (State.INCONCLUSIVE,)]
)
def test_what_was_written_can_be_taken_back(
    gate: Gate, store: Store, then: tuple[State, ...]
) -> None:
    """At any time after the write; asked again it is the same, and the reason is kept."""
    proposal = carried(gate, store, *then)
    back = gate.rollback(proposal.id, replace(BOB, on_behalf_of="eve"), "it is slower")
    assert back.state is State.ROLLING_BACK
    event = store.events(proposal.id)[-1]
    assert (event.action, event.principal, event.detail) == ("rollback", "bob", "it is slower")
    assert event.data == {"on_behalf_of": "eve"}
    assert gate.rollback(proposal.id, ALICE) == back
    done = store.transition(back, State.ROLLED_BACK)
    assert gate.rollback(proposal.id, ALICE) == done


def test_an_undo_that_failed_may_be_tried_again(gate: Gate, store: Store) -> None:
    """The record of the first attempt goes, so that the second one writes."""
    proposal = carried(gate, store, State.EFFECTIVE)
    back = gate.rollback(proposal.id, ALICE)
    failed = store.transition(back, State.ROLLBACK_FAILED, rollback=WRITTEN)
    again = gate.rollback(failed.id, ALICE)
    assert (again.state, again.rollback) == (State.ROLLING_BACK, None)


def test_what_was_not_written_has_nothing_to_take_back(gate: Gate, store: Store) -> None:
    """Waiting, approved, rejected or rolled out by nobody: a conflict that says so."""
    made = proposed(gate)
    for _ in range(2):
        with pytest.raises(Conflict, match="nothing of it is there to take back"):
            gate.rollback(made.id, ALICE)
        gate.approve(made.id, made.digest, ALICE)
    unwritten = replace(a_proposal("x", "other"), state=State.VERIFYING)
    with pytest.raises(Conflict):
        gate.rollback(store.create(a_proposal("x", "other")).id, ALICE)
    assert unwritten.applied is None


def test_a_state_from_which_nothing_is_undone(gate: Gate, store: Store) -> None:
    """Superseded: somebody else changed it since."""
    back = gate.rollback(carried(gate, store, State.EFFECTIVE).id, ALICE)
    gone = store.transition(back, State.SUPERSEDED)
    with pytest.raises(Conflict):
        gate.rollback(gone.id, ALICE)


def test_a_change_without_an_undo_is_refused(gate: Gate, store: Store) -> None:
    """A restart cannot be taken back."""
    proposal = carried(gate, store, undo=None)
    with pytest.raises(Refused) as refused:
        gate.rollback(proposal.id, ALICE)
    assert refused.value.reason == "NothingToUndo"


@pytest.mark.parametrize(
    "who", [PAT, VIC, Principal("away", frozenset({Scope.APPROVER}), frozenset({"bank"}))]
)
def test_taking_back_needs_the_approvers_scope_there(
    gate: Gate, store: Store, who: Principal
) -> None:
    """It is a write like any other."""
    proposal = carried(gate, store)
    with pytest.raises(Forbidden):
        gate.rollback(proposal.id, who)


class Racing(Store):
    """A store in which somebody else is faster once."""

    rival: Any = None

    def transition(self, proposal: Proposal, *args: Any, **named: Any) -> Proposal:
        """Let the rival move first."""
        if self.rival is not None:
            rival, self.rival = self.rival, None
            rival(proposal)
        return super().transition(proposal, *args, **named)


@pytest.fixture
def racing(clock: ManualClock, migrated: Any) -> Iterator[tuple[Gate, Racing]]:
    """Return a gate in which a rival can be put."""
    store = Racing(migrated.sqlite(), clock)
    yield Gate(store, clock, Ids()), store
    store.close()


def test_two_who_take_back_are_one(racing: tuple[Gate, Racing]) -> None:
    """Who comes second finds it under way."""
    gate, store = racing
    proposal = carried(gate, store, State.EFFECTIVE)
    store.rival = lambda seen: store.transition(seen, State.ROLLING_BACK, principal="bob")
    assert gate.rollback(proposal.id, ALICE).state is State.ROLLING_BACK
    assert [event.principal for event in store.events(proposal.id)][-1] == "bob"


def test_rejecting_loses_to_an_approval_in_the_same_moment(racing: tuple[Gate, Racing]) -> None:
    """It is read again, and told that it is too late."""
    gate, store = racing
    made = proposed(gate)
    approval = Approval(BOB, made.digest, START)
    store.rival = lambda seen: store.transition(seen, State.APPROVED, approval=approval)
    with pytest.raises(Conflict, match="is Approved"):
        gate.reject(made.id, PAT)


def test_a_conflict_that_is_no_race_is_passed_on(gate: Gate, store: Store) -> None:
    """Another proposal holds the workload: trying again would never end."""
    done = carried(gate, store, State.EFFECTIVE)
    other = proposed(gate)
    with pytest.raises(Conflict, match=other.id):
        gate.rollback(done.id, ALICE)


# approving


def test_a_plan_that_no_longer_fits_ends_stale(store: Store, clock: ManualClock) -> None:
    """The approver is told, and nobody can approve it any more; a refusal leaves it waiting."""
    answers: list[Exception] = [Refused("Paused", "paused"), Stale("it was changed by hand")]

    def review(proposal: Proposal, principal: Principal) -> None:
        raise answers.pop(0)

    gate = Gate(store, clock, Ids(), review=review)
    made = proposed(gate)
    with pytest.raises(Refused):
        gate.approve(made.id, made.digest, ALICE)
    assert store.get(made.id).state is State.PROPOSED
    with pytest.raises(Stale):
        gate.approve(made.id, made.digest, ALICE)
    ended = store.get(made.id)
    assert (ended.state, ended.reason) == (State.STALE, "it was changed by hand")


def test_an_old_digest_is_told_with_what_changed_since(gate: Gate, clock: ManualClock) -> None:
    """An approver who read an earlier plan learns what is different now."""
    first = proposed(gate)
    gate.supersede(first.id, "a newer plan")
    clock.advance(timedelta(minutes=1))
    same = proposed(gate)
    with pytest.raises(Conflict, match="Since then: the expiry"):
        gate.approve(same.id, first.digest, ALICE)
    gate.supersede(same.id, "a newer plan")
    more = gate.propose(a_plan(new="512Mi"), a_decision())
    with pytest.raises(Conflict, match="512Mi"):
        gate.approve(more.id, first.digest, ALICE)
    with pytest.raises(Conflict, match="not a digest of any proposal"):
        gate.approve(more.id, Digest("f" * 64), ALICE)


def test_nobody_named_is_told_as_nobody(gate: Gate) -> None:
    """An empty list of approvers says so in its refusal."""
    made = proposed(gate, approvers=())
    with pytest.raises(Forbidden) as refused:
        gate.approve(made.id, made.digest, ALICE)
    assert refused.value.hint == "it may be approved by: nobody"


def test_the_automaton_approves_in_mode_auto_alone(gate: Gate) -> None:
    """Its name gives no right anywhere else."""
    made = proposed(gate)
    with pytest.raises(Forbidden, match="a principal has to approve it"):
        gate.approve(made.id, made.digest, AUTO)


# what counts


def given(who: Principal, digest: str, **changes: Any) -> Approval:
    return replace(Approval(who, Digest(digest), START), **changes)


def standing(*approved: Approval, last: Approval | None = None, **changes: Any) -> bool:
    """Whether these approvals let a proposal through."""
    proposal = replace(a_proposal(), approvals=approved, approval=last, **changes)
    return approvals.stand(proposal)


def test_every_approval_must_be_of_what_is_stored() -> None:
    """One of another digest spoils the rest, and so does a record that was changed."""
    digest = a_proposal().digest
    alice, bob = given(ALICE, digest), given(BOB, digest)
    assert standing(last=alice)
    assert standing(alice, bob, last=bob, approvals_needed=2)
    assert standing(alice, last=bob, approvals_needed=2)
    assert not standing(alice, approvals_needed=1)
    assert not standing(given(ALICE, "f" * 64), bob, last=bob)
    assert not standing(last=given(ALICE, "f" * 64))
    assert not standing(alice, last=alice, approvals_needed=2)
    assert not standing(last=alice, plan=a_plan(new="1Gi"))


def test_every_approver_must_be_a_named_one() -> None:
    """Where names are given, one stranger among them spoils the rest."""
    digest = a_proposal().digest
    alice, bob = given(ALICE, digest), given(BOB, digest)
    assert standing(alice, bob, last=bob, approvals_needed=2, approvers=("alice", "bob"))
    assert not standing(alice, bob, last=bob, approvals_needed=2, approvers=("bob",))
    assert not standing(last=alice, approvers=())


def test_the_last_approval_is_counted_once() -> None:
    """Whether or not the list of approvals has it."""
    alice = given(ALICE, a_proposal().digest)
    assert approvals.given_to(replace(a_proposal(), approval=alice)) == (alice,)
    assert approvals.given_to(replace(a_proposal(), approval=alice, approvals=(alice,))) == (alice,)
    assert approvals.given_to(replace(a_proposal(), approvals=(alice,))) == (alice,)


def test_a_state_without_a_way_on_says_so() -> None:
    """The hint of a wrong move names what follows, or that nothing does."""
    with pytest.raises(Conflict) as refused:
        lifecycle.check(replace(a_proposal(), state=State.REJECTED), State.APPLIED)
    assert refused.value.hint == "from Rejected follows: nothing"


def test_the_fence_knows_no_other_state(gate: Gate, store: Store) -> None:
    """Only what is being written or taken back passes, with a valid approval."""
    proposal = carried(gate, store)
    with pytest.raises(Refused) as refused:
        gate.fence(proposal.id)
    assert refused.value.reason == "NotApproved"
    back = gate.rollback(proposal.id, ALICE)
    gate.fence(ProposalId(back.id))
