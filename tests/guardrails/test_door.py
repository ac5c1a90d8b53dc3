"""Every guardrail is asked again immediately before the write, with what holds then."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.errors import Refused
from remedyd.model import (
    Approval,
    Hold,
    HoldKind,
    Mode,
    Proposal,
    Scope,
    Severity,
    State,
)
from remedyd.policy.guardrails import Guardrails
from remedyd.proposals.store import Store
from support.daemons import Daemon
from support.fakecluster import FakeCluster, Fault, cluster
from support.guardrails import guardrails
from support.proposals import ALICE, a_clock, a_decision

NAMES = [f"w{n}" for n in range(20)]


@pytest.fixture
def world() -> FakeCluster:
    """Return a cluster of twenty Deployments."""
    return cluster(*NAMES)


@pytest.fixture
def daemon(world: FakeCluster, tmp_path: Path, url: str) -> Iterator[Daemon]:
    """Return a daemon on it."""
    clock = a_clock()
    made = Daemon(tmp_path, world, clock, store=Store(url, clock))
    yield made
    made.close()


def proposed(daemon: Daemon, name: str = "w0", **changes: object) -> Proposal:
    made = daemon.propose(name, **changes)
    assert made is not None
    return made


def pause(daemon: Daemon) -> None:
    daemon.store.flags.pause("ann", daemon.clock.now(), "why")


def annotate(kind: str, value: str) -> Callable[[Daemon], None]:
    def act(daemon: Daemon) -> None:
        place = ("", "shop") if kind == "Namespace" else ("shop", "w0")
        body = {"metadata": {"annotations": {"remedyd.io/mode": value}}}
        daemon.cluster.change(kind, *place, body)

    return act


def storm(daemon: Daemon) -> None:
    daemon.store.holds.open(Hold("h", HoldKind.STORM, "prod", daemon.clock.now(), "5 of 9"))


def quarantine(daemon: Daemon) -> None:
    workload = "prod/shop/Deployment/w0"
    daemon.store.holds.open(Hold("h", HoldKind.QUARANTINE, workload, daemon.clock.now(), "x"))


def break_node(daemon: Daemon) -> None:
    gone = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
    daemon.cluster.change("Node", "", "worker-1", gone)


CIRCUMSTANCES = {
    "Paused": pause,
    "OptedOut": annotate("Deployment", "off"),
    "StricterMode": annotate("Namespace", "dry-run"),
    "Storm": storm,
    "Quarantined": quarantine,
}


@pytest.mark.parametrize("reason", [name for name in CIRCUMSTANCES if name != "Paused"])
def test_what_comes_up_after_the_approval_stops_the_write(daemon: Daemon, reason: str) -> None:
    """The proposal ends Failed with the reason's sentence, and nothing is written."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    CIRCUMSTANCES[reason](daemon)
    ended = daemon.loop.advance(proposal.id)
    assert ended is not None
    assert ended.state is State.FAILED
    assert daemon.cluster.landed == []


def test_a_pause_after_the_approval_holds_the_write_up(daemon: Daemon) -> None:
    """A pause is about the moment, not about the change: it is made once work is resumed."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    pause(daemon)
    waiting = daemon.loop.advance(proposal.id)
    assert waiting is not None
    assert waiting.state is State.APPLYING
    assert waiting.reason.startswith("waits (Paused): ")
    assert daemon.cluster.landed == []
    daemon.store.flags.resume("ann", daemon.clock.now())
    daemon.loop.advance(proposal.id)
    assert len(daemon.cluster.landed) == 1


@pytest.mark.parametrize("reason", list(CIRCUMSTANCES))
def test_what_comes_up_before_the_approval_is_told_the_approver(
    daemon: Daemon, reason: str
) -> None:
    """The approval is refused with the reason; the proposal goes on waiting."""
    proposal = proposed(daemon)
    CIRCUMSTANCES[reason](daemon)
    with pytest.raises(Refused) as refused:
        daemon.approve(proposal, ALICE)
    assert refused.value.reason == reason
    assert refused.value.hint
    assert daemon.store.get(proposal.id).state is State.PROPOSED


@pytest.mark.parametrize("reason", list(CIRCUMSTANCES))
def test_what_is_there_at_planning_makes_no_proposal_to_write(daemon: Daemon, reason: str) -> None:
    """No proposal that could be approved comes of it; a dry-run annotation makes a dry run."""
    CIRCUMSTANCES[reason](daemon)
    made = daemon.propose("w0")
    assert made is None or made.state is State.DRY_RUN


def test_a_broken_node_stops_the_write(daemon: Daemon) -> None:
    """The door looks at the nodes itself, whatever the storm watch has noticed."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    break_node(daemon)
    daemon.loop.advance(proposal.id)
    assert daemon.store.get(proposal.id).state is State.FAILED
    assert daemon.cluster.landed == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ('{windows: [{name: w, kind: Freeze, start: "12:10", end: "13:00"}]}', "Frozen"),
        (
            '{windows: [{name: w, kind: Maintenance, start: "11:00", end: "12:10"}]}',
            "OutsideMaintenance",
        ),
    ],
)
def test_a_window_is_looked_at_when_writing(
    world: FakeCluster, tmp_path: Path, spec: str, reason: str
) -> None:
    """Proposed and approved before the freeze, or in the window: too late is too late."""
    daemon = Daemon(tmp_path, world, a_clock(), guardrails=guardrails(spec))
    proposal = daemon.approve(proposed(daemon), ALICE)
    daemon.clock.advance(timedelta(minutes=12))
    assert daemon.propose("w5") is None
    daemon.loop.advance(proposal.id)
    ended = daemon.store.get(proposal.id)
    assert ended.state is State.FAILED
    assert daemon.cluster.landed == []
    sample = daemon.metrics.registry.get_sample_value(
        "remedyd_guardrail_refusals_total", {"at": "write", "reason": reason}
    )
    assert sample == 1
    daemon.close()


def test_protected_namespaces_are_checked_at_the_door(world: FakeCluster, tmp_path: Path) -> None:
    """A namespace that became protected after the approval is not written in."""
    before = Daemon(tmp_path, world, a_clock())
    proposal = before.approve(proposed(before), ALICE)
    after = Daemon(tmp_path, world, before.clock, guardrails=Guardrails().protecting("shop"))
    after.loop.advance(proposal.id)
    assert after.store.get(proposal.id).state is State.FAILED
    assert world.landed == []
    before.close()
    after.close()


def test_only_three_of_five_approved_together_are_written(daemon: Daemon) -> None:
    """Approvals that race past each other meet the limit at the door."""
    made = [proposed(daemon, name) for name in NAMES[:5]]
    for proposal in made:
        with_no_others = replace(proposal)
        daemon.store.transition(
            with_no_others,
            State.APPROVED,
            approval=_approval(daemon, proposal),
        )
    for proposal in made:
        daemon.loop.advance(proposal.id)
    assert len(daemon.cluster.landed) == 3


def _approval(daemon: Daemon, proposal: Proposal) -> object:
    return Approval(ALICE, proposal.digest, daemon.clock.now())


def test_the_fourth_approval_waits_for_one_to_end(daemon: Daemon) -> None:
    """With three under way the next approval is refused, and succeeds once one has ended."""
    made = [proposed(daemon, name) for name in NAMES[:4]]
    for proposal in made[:3]:
        daemon.loop.advance(daemon.approve(proposal, ALICE).id)
    with pytest.raises(Refused) as refused:
        daemon.approve(made[3], ALICE)
    assert refused.value.reason == "Concurrency"


def test_an_automatic_approval_ends_with_a_stricter_annotation(daemon: Daemon) -> None:
    """What a policy in mode Auto approved is not written once the namespace says propose."""
    proposal = proposed(daemon, mode=Mode.AUTO)
    assert proposal.state is State.APPROVED
    annotate("Namespace", "propose")(daemon)
    daemon.loop.advance(proposal.id)
    assert daemon.store.get(proposal.id).state is State.FAILED


def test_a_stricter_annotation_makes_auto_a_proposal(daemon: Daemon) -> None:
    """With `propose` on the workload a policy in mode Auto asks a person."""
    annotate("Deployment", "propose")(daemon)
    proposal = proposed(daemon, mode=Mode.AUTO)
    assert (proposal.mode, proposal.state) == (Mode.PROPOSE, State.PROPOSED)


def test_an_annotation_never_allows_more(daemon: Daemon) -> None:
    """`auto` on the workload leaves a policy in mode Propose as it is."""
    annotate("Deployment", "auto")(daemon)
    assert proposed(daemon).mode is Mode.PROPOSE


def test_an_undo_waits_for_the_end_of_a_pause(daemon: Daemon) -> None:
    """During a pause a harmful change stays, and is taken back after it: nothing is forgotten."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    proposal = proposed(daemon)
    daemon.loop.advance(daemon.approve(proposal, ALICE).id)
    pause(daemon)
    waiting = daemon.settle(proposal.id)
    assert waiting.state is State.ROLLING_BACK
    assert [write.undo for write in daemon.cluster.landed] == [False]
    daemon.store.flags.resume("ann", daemon.clock.now())
    assert daemon.settle(proposal.id).state is State.ROLLED_BACK
    assert [write.undo for write in daemon.cluster.landed] == [False, True]


def test_an_undo_passes_a_pause_where_configured(world: FakeCluster, tmp_path: Path) -> None:
    """`undoWhilePaused` has harmful changes taken back at any time."""
    daemon = Daemon(tmp_path, world, a_clock(), guardrails=guardrails("{undoWhilePaused: true}"))
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    proposal = proposed(daemon)
    daemon.loop.advance(daemon.approve(proposal, ALICE).id)
    pause(daemon)
    assert daemon.settle(proposal.id).state is State.ROLLED_BACK
    daemon.close()


def test_hands_off_means_the_undo_too(daemon: Daemon) -> None:
    """After `off` nothing is written any more; a person is told that the undo is missing."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    proposal = proposed(daemon)
    daemon.loop.advance(daemon.approve(proposal, ALICE).id)
    annotate("Deployment", "off")(daemon)
    assert daemon.settle(proposal.id).state is State.ROLLBACK_FAILED
    assert [alert.kind for alert in daemon.told] == ["RollbackFailed"]


def test_three_failures_set_a_target_aside_until_a_person_lifts_it(daemon: Daemon) -> None:
    """One durable hold, one alert; lifted, the count starts anew."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    for step in range(3):
        made = proposed(daemon, step=f"s{step}", action=_raise(400 + step))
        daemon.loop.advance(daemon.approve(made, ALICE).id)
        assert daemon.settle(made.id).state is State.ROLLED_BACK
        daemon.clock.advance(timedelta(hours=17))
    daemon.loop.tick()
    (hold,) = daemon.store.holds.list()
    assert (hold.kind, hold.subject) == (HoldKind.QUARANTINE, "prod/shop/Deployment/w0")
    assert [alert.kind for alert in daemon.told] == ["Quarantine"]
    assert daemon.propose("w0", action=_raise(900)) is None
    daemon.store.holds.end(hold.id, daemon.clock.now(), "ann")
    assert daemon.propose("w0", action=_raise(900)) is not None


def _raise(to: int) -> object:
    assert a_decision().action is not None
    return replace(a_decision().action, params={"to": f"{to}Mi"})  # type: ignore[type-var]


def test_a_failed_remedy_is_not_proposed_again(daemon: Daemon) -> None:
    """The same raise that did not help makes no second proposal, a larger one does."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    first = proposed(daemon)
    daemon.loop.advance(daemon.approve(first, ALICE).id)
    daemon.settle(first.id)
    daemon.clock.advance(timedelta(hours=17))
    assert daemon.propose("w0") is None
    assert daemon.propose("w0", action=_raise(512)) is not None


def test_no_proof_calls_a_person(daemon: Daemon) -> None:
    """Where no data comes, the change ends Inconclusive and somebody is told."""
    daemon.telemetry.grades["w0"] = None
    proposal = proposed(daemon)
    daemon.loop.advance(daemon.approve(proposal, ALICE).id)
    assert daemon.settle(proposal.id, minutes=120).state is State.INCONCLUSIVE
    assert [(alert.kind.value, alert.proposal) for alert in daemon.told] == [
        ("Inconclusive", proposal.id)
    ]


def test_the_approver_has_the_scope() -> None:
    """The principal of these tests may approve, so refusals are the guardrails' own."""
    assert ALICE.may(Scope.APPROVER)


@pytest.mark.parametrize("quiet", range(9))
def test_a_pause_counts_up_to_the_last_read(daemon: Daemon, quiet: int) -> None:
    """Thrown during any of the reads before a write, the switch stops that write."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    written: list[int] = []

    def throw() -> None:
        written.append(len(daemon.cluster.landed))
        pause(daemon)

    daemon.cluster.pause = throw
    daemon.cluster.faults = [Fault.NONE] * quiet + [Fault.PAUSED]
    daemon.loop.advance(proposal.id)
    assert len(daemon.cluster.landed) == (written[0] if written else 1)
