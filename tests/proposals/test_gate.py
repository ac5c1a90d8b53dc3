"""The gate lets through exactly what was read, by whom it may, once, in time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from remedyd.errors import Conflict, Expired, Forbidden, InvalidInput, NotFound, Refused
from remedyd.model import (
    AUTO,
    DecisionKind,
    Digest,
    ManualClock,
    Mode,
    Precheck,
    PrecheckResult,
    Principal,
    Proposal,
    ProposalId,
    Scope,
    State,
)
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from support.proposals import (
    ALICE,
    BOB,
    PAT,
    PATH,
    START,
    VIC,
    a_decision,
    a_plan,
    a_target,
)

WRONG = Digest("0" * 64)
BLOCK = Precheck("HpaOwnsReplicas", PrecheckResult.BLOCK, "an HPA sets replicas", "change the HPA")


@pytest.fixture
def proposal(gate: Gate) -> Proposal:
    """Return a proposal that waits for approval."""
    return gate.propose(a_plan(), a_decision())


def test_a_proposal_carries_all_an_approver_needs(proposal: Proposal) -> None:
    """It waits for a quarter of an hour, with digest, evidence and summary."""
    assert proposal.state is State.PROPOSED
    assert proposal.expires_at == START + timedelta(minutes=15)
    assert proposal.row == a_decision().row
    assert "256Mi" in proposal.summary
    assert proposal.digest in proposal.summary


def test_a_workload_gets_one_proposal_at_a_time(gate: Gate, proposal: Proposal) -> None:
    """A second decision about a workload with an open proposal is a conflict."""
    with pytest.raises(Conflict, match="p1"):
        gate.propose(a_plan(), a_decision())


def test_a_dry_run_ends_at_once(gate: Gate, store: Store) -> None:
    """A policy in mode DryRun leaves a record and nothing that could be approved."""
    dry = gate.propose(a_plan(), a_decision(mode=Mode.DRY_RUN))
    assert store.get(dry.id).state is State.DRY_RUN
    assert [event.state for event in store.events(dry.id)] == [State.DRY_RUN]
    with pytest.raises(Conflict, match="is DryRun"):
        gate.approve(dry.id, dry.digest, ALICE)
    gate.propose(a_plan(), a_decision())


def test_a_dry_run_shows_a_blocked_plan(gate: Gate) -> None:
    """What would have been blocked is worth seeing in mode DryRun."""
    dry = gate.propose(a_plan(prechecks=(BLOCK,)), a_decision(mode=Mode.DRY_RUN))
    assert "BLOCK HpaOwnsReplicas" in dry.summary


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (a_plan(a_target(uid="")), "NoIdentity"),
        (a_plan(prechecks=(BLOCK,)), "Blocked"),
        (a_plan(dry_run=""), "NotDryRun"),
    ],
)
def test_a_plan_unfit_for_approval_is_refused(gate: Gate, plan: object, reason: str) -> None:
    """Without live object, with a block, or unseen by the API server, nobody is asked."""
    with pytest.raises(Refused) as refused:
        gate.propose(plan, a_decision())  # type: ignore[arg-type]
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "changes", [{"kind": DecisionKind.HOLD}, {"kind": DecisionKind.ERROR}, {"mode": Mode.DISABLED}]
)
def test_only_a_decision_to_propose_proposes(gate: Gate, changes: dict[str, object]) -> None:
    """A held, failed or disabled decision cannot become a proposal by mistake."""
    with pytest.raises(InvalidInput):
        gate.propose(a_plan(), a_decision(**changes))


def test_a_requested_change_waits_longer(gate: Gate, store: Store) -> None:
    """A workflow's request is open for a day and keeps who asked and for whom."""
    asker = replace(PAT, on_behalf_of="eve")
    made = gate.request(a_plan(), asker, "ticket 7")
    assert made.expires_at == START + timedelta(hours=24)
    assert (made.source, made.requested_by, made.policy) == ("request", asker, "")
    assert store.events(made.id)[0].detail == "ticket 7"
    assert "requested by pat, for eve (as it says)" in made.summary


def test_a_viewer_may_not_request(gate: Gate) -> None:
    """Requesting a change needs the proposer's scope."""
    with pytest.raises(Forbidden, match="proposer in namespace shop"):
        gate.request(a_plan(), VIC)


def test_an_approval_is_recorded(gate: Gate, store: Store, proposal: Proposal) -> None:
    """The approval names principal, digest, time and comment, in the record and its history."""
    approved = gate.approve(proposal.id, proposal.digest, ALICE, "looks right")
    assert store.get(proposal.id) == approved
    assert approved.state is State.APPROVED
    assert approved.approval is not None
    assert (approved.approval.principal, approved.approval.digest) == (ALICE, proposal.digest)
    event = store.events(proposal.id)[-1]
    assert (event.principal, event.detail) == ("alice", "looks right")


@pytest.mark.parametrize("who", [PAT, VIC, replace(ALICE, namespaces=frozenset({"other"}))])
def test_who_is_no_approver_there_may_not_approve(
    gate: Gate, store: Store, proposal: Proposal, who: Principal
) -> None:
    """A proposer, a viewer, and an approver of another namespace are refused."""
    with pytest.raises(Forbidden):
        gate.approve(proposal.id, proposal.digest, who)
    assert store.get(proposal.id) == proposal


def test_an_empty_list_of_namespaces_means_nobody(gate: Gate, proposal: Proposal) -> None:
    """An approver for no namespace approves nothing."""
    with pytest.raises(Forbidden):
        gate.approve(proposal.id, proposal.digest, replace(ALICE, namespaces=frozenset()))


def test_the_automaton_approves_in_mode_auto_only(gate: Gate) -> None:
    """The principal that stands in for a person is refused unless the policy says Auto."""
    asked = gate.propose(a_plan(), a_decision())
    with pytest.raises(Forbidden, match="a principal has to approve it"):
        gate.approve(asked.id, asked.digest, AUTO)
    auto = gate.propose(a_plan(a_target("cart")), a_decision(a_target("cart"), mode=Mode.AUTO))
    assert gate.approve(auto.id, auto.digest, AUTO).state is State.APPROVED


def test_an_unknown_digest_is_refused(gate: Gate, store: Store, proposal: Proposal) -> None:
    """A digest that was never handed out approves nothing, and the answer names the right one."""
    with pytest.raises(Conflict, match="not a digest of any proposal") as refused:
        gate.approve(proposal.id, WRONG, ALICE)
    assert proposal.digest in refused.value.hint
    assert store.get(proposal.id) == proposal


def test_an_outdated_digest_says_what_changed(gate: Gate, proposal: Proposal) -> None:
    """Who read an older plan for the workload is told the difference to the one open now."""
    gate.supersede(proposal.id, "a newer plan")
    newer = gate.propose(a_plan(new="512Mi"), a_decision())
    with pytest.raises(Conflict) as refused:
        gate.approve(newer.id, proposal.digest, ALICE)
    assert f"{PATH}: 256Mi -> 384Mi became 256Mi -> 512Mi" in refused.value.message
    assert "p1 (Superseded)" in refused.value.message


def test_a_digest_of_another_workload_says_so(gate: Gate, proposal: Proposal) -> None:
    """A digest copied from the wrong proposal is recognised."""
    other = gate.propose(a_plan(a_target("cart")), a_decision(a_target("cart")))
    with pytest.raises(Conflict, match=r"belongs to proposal p2 about Deployment/shop/cart\[app\]"):
        gate.approve(proposal.id, other.digest, ALICE)


def test_the_same_approval_twice_is_one(gate: Gate, store: Store, proposal: Proposal) -> None:
    """A repeated click changes nothing, also when the change is already being applied."""
    first = gate.approve(proposal.id, proposal.digest, ALICE)
    assert gate.approve(proposal.id, proposal.digest, ALICE) == first
    applying = store.transition(first, State.APPLYING)
    assert gate.approve(proposal.id, proposal.digest, ALICE) == applying
    assert len(store.events(proposal.id)) == 3


@pytest.mark.parametrize("second", [BOB, replace(ALICE, on_behalf_of="eve")])
def test_another_approver_comes_too_late(gate: Gate, proposal: Proposal, second: Principal) -> None:
    """A second approver is told who was first; approving for someone else is another approval."""
    gate.approve(proposal.id, proposal.digest, ALICE)
    with pytest.raises(Conflict, match="was approved by alice at 2026-11-05 12:00:00Z"):
        gate.approve(proposal.id, proposal.digest, second)


def test_an_expired_proposal_cannot_be_approved(
    gate: Gate, store: Store, clock: ManualClock, proposal: Proposal
) -> None:
    """At its expiry a proposal ends as Expired, also if no sweep came by."""
    clock.advance(timedelta(minutes=15))
    with pytest.raises(Expired, match="expired at 2026-11-05 12:15:00Z"):
        gate.approve(proposal.id, proposal.digest, ALICE)
    assert store.get(proposal.id).state is State.EXPIRED
    with pytest.raises(Expired):
        gate.approve(proposal.id, proposal.digest, ALICE)


def test_a_moment_before_expiry_is_in_time(
    gate: Gate, clock: ManualClock, proposal: Proposal
) -> None:
    """The last microsecond still counts."""
    clock.advance(timedelta(minutes=15) - timedelta(microseconds=1))
    assert gate.approve(proposal.id, proposal.digest, ALICE).state is State.APPROVED


def test_a_proposer_may_reject(gate: Gate, store: Store, proposal: Proposal) -> None:
    """A rejection needs no approver; it keeps who and why."""
    rejected = gate.reject(proposal.id, PAT, "not now")
    assert (rejected.state, rejected.reason) == (State.REJECTED, "not now")
    assert store.events(proposal.id)[-1].principal == "pat"


def test_a_viewer_may_not_reject(gate: Gate, proposal: Proposal) -> None:
    """Looking is not deciding."""
    with pytest.raises(Forbidden):
        gate.reject(proposal.id, VIC)


def test_the_same_rejection_twice_is_one(gate: Gate, store: Store, proposal: Proposal) -> None:
    """A repeated rejection by the same principal changes nothing; another's is a conflict."""
    gate.reject(proposal.id, PAT)
    assert gate.reject(proposal.id, PAT).version == 1
    with pytest.raises(Conflict, match="is Rejected since"):
        gate.reject(proposal.id, ALICE)
    assert len(store.events(proposal.id)) == 2


def test_a_rejected_proposal_cannot_be_approved(gate: Gate, proposal: Proposal) -> None:
    """The answer tells the state and the reason."""
    gate.reject(proposal.id, PAT, "not now")
    with pytest.raises(Conflict, match="is Rejected since 2026-11-05 12:00:00Z: not now"):
        gate.approve(proposal.id, proposal.digest, ALICE)


def test_an_approved_proposal_cannot_be_rejected(gate: Gate, proposal: Proposal) -> None:
    """Approving and rejecting have one winner."""
    gate.approve(proposal.id, proposal.digest, ALICE)
    with pytest.raises(Conflict, match="is Approved"):
        gate.reject(proposal.id, PAT)


def test_an_unknown_proposal_is_not_found(gate: Gate) -> None:
    """Approving an unknown id says that there is none."""
    with pytest.raises(NotFound):
        gate.approve(ProposalId("none"), WRONG, ALICE)


def test_the_sweep_ends_what_is_due_only(
    gate: Gate, store: Store, clock: ManualClock, proposal: Proposal
) -> None:
    """Proposals past their expiry end; younger and approved ones stay."""
    clock.advance(timedelta(minutes=10))
    young = gate.propose(a_plan(a_target("cart")), a_decision(a_target("cart")))
    approved = gate.propose(a_plan(a_target("web")), a_decision(a_target("web")))
    gate.approve(approved.id, approved.digest, ALICE)
    clock.advance(timedelta(minutes=5))
    assert [p.id for p in gate.expire(clock.now())] == [proposal.id]
    assert gate.expire(clock.now()) == []
    assert store.get(young.id).state is State.PROPOSED
    assert store.get(approved.id).state is State.APPROVED


def test_a_recovered_workload_frees_its_proposal(gate: Gate, proposal: Proposal) -> None:
    """A proposal that is no longer needed ends as Superseded with the reason."""
    gone = gate.supersede(proposal.id, "recovered by itself")
    assert (gone.state, gone.reason) == (State.SUPERSEDED, "recovered by itself")


def _applying(gate: Gate, store: Store, proposal: Proposal) -> Proposal:
    approved = gate.approve(proposal.id, proposal.digest, ALICE)
    return store.transition(approved, State.APPLYING)


def test_the_fence_opens_for_an_approved_change(
    gate: Gate, store: Store, proposal: Proposal
) -> None:
    """With approval, digest and state in order, the write may go on."""
    gate.fence(_applying(gate, store, proposal).id)


def test_the_fence_is_shut_before_approval(gate: Gate, proposal: Proposal) -> None:
    """Nothing is written for a proposal that only waits."""
    with pytest.raises(Refused) as refused:
        gate.fence(proposal.id)
    assert refused.value.reason == "NotApproved"


def test_the_fence_is_shut_while_paused(
    gate: Gate, store: Store, clock: ManualClock, proposal: Proposal
) -> None:
    """A pause stops a write that was already on its way, and says who paused and why."""
    applying = _applying(gate, store, proposal)
    store.flags.pause("bob", clock.now(), "incident 9")
    with pytest.raises(Refused, match="by bob: incident 9") as refused:
        gate.fence(applying.id)
    assert refused.value.reason == "Paused"
    store.flags.resume("bob", clock.now())
    gate.fence(applying.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": a_plan(new="64Gi")},
        {"approval": None},
        {"policy_hash": "other"},
        {"digest": WRONG},
    ],
)
def test_the_fence_is_shut_for_a_changed_record(
    gate: Gate, store: Store, proposal: Proposal, changes: dict[str, object]
) -> None:
    """What was altered after its approval is not written."""
    applying = _applying(gate, store, proposal)
    store.amend(applying, action="tamper", **changes)
    with pytest.raises(Refused) as refused:
        gate.fence(applying.id)
    assert refused.value.reason == "DigestMismatch"


def test_a_record_changed_before_approval_is_refused(
    gate: Gate, store: Store, proposal: Proposal
) -> None:
    """A plan altered in the store no longer fits its digest and cannot be approved."""
    store.amend(proposal, action="tamper", plan=a_plan(new="64Gi"))
    with pytest.raises(Refused, match="was changed in the store"):
        gate.approve(proposal.id, proposal.digest, ALICE)


def test_a_block_found_later_forbids_the_approval(
    gate: Gate, store: Store, proposal: Proposal
) -> None:
    """A precheck that came to block is not overruled by an approver."""
    store.amend(proposal, action="recheck", plan=a_plan(prechecks=(BLOCK,)))
    with pytest.raises(Refused) as refused:
        gate.approve(proposal.id, proposal.digest, ALICE)
    assert (refused.value.reason, refused.value.hint) == ("Blocked", "change the HPA")


def test_scope_admin_approves_everywhere(gate: Gate, proposal: Proposal) -> None:
    """An administrator holds every scope."""
    admin = Principal("root", frozenset({Scope.ADMIN}))
    assert gate.approve(proposal.id, proposal.digest, admin).state is State.APPROVED
