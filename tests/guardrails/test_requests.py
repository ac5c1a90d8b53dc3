"""Guardrails and gate for what a principal asks for, and for whoever has no approval."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from remedyd.errors import Refused
from remedyd.model import (
    AUTO,
    ActionRequest,
    Applied,
    Mode,
    Plan,
    Principal,
    Proposal,
    Scope,
    Severity,
    State,
    Target,
)
from remedyd.proposals.store import Store
from support.daemons import Daemon
from support.fakecluster import cluster
from support.guardrails import guardrails
from support.proposals import ALICE, PAT, START, a_clock

NAMES = [f"w{n}" for n in range(20)]
DONE = Applied(START, resource_version="2", generation=2)


@pytest.fixture
def daemon(tmp_path: Path, url: str) -> Iterator[Daemon]:
    """Return a daemon on twenty Deployments."""
    clock = a_clock()
    made = Daemon(tmp_path, cluster(*NAMES), clock, store=Store(url, clock))
    yield made
    made.close()


def planned(daemon: Daemon, name: str = "w0") -> Plan:
    """Return a plan as somebody asks for it."""
    target = Target("prod", "shop", "Deployment", name, "app")
    return daemon.planner.plan(target, ActionRequest("UpdateResources"))


def asked(daemon: Daemon, name: str = "w0") -> Proposal:
    """Return the proposal of a request."""
    plan = planned(daemon, name)
    return daemon.gate.request(plan, PAT, "please", mode=daemon.guard.check_request(plan))


def annotated(daemon: Daemon, kind: str, value: str) -> None:
    """Say how far a change may go."""
    place = ("", "shop") if kind == "Namespace" else ("shop", "w0")
    body = {"metadata": {"annotations": {"remedyd.io/mode": value}}}
    daemon.cluster.change(kind, *place, body)


@pytest.mark.parametrize(
    ("value", "mode"),
    [("auto", Mode.PROPOSE), ("propose", Mode.PROPOSE), ("dry-run", Mode.DRY_RUN)],
)
def test_a_request_goes_as_far_as_the_annotations_let_it(
    daemon: Daemon, value: str, mode: Mode
) -> None:
    """It always waits for an approver; where only rehearsals are wanted it is one."""
    annotated(daemon, "Namespace", value)
    assert daemon.guard.check_request(planned(daemon)) is mode


def test_a_request_is_refused_where_nothing_may_be_changed(daemon: Daemon) -> None:
    """Opted out, paused, or a protected namespace: at once, before anyone is asked."""
    annotated(daemon, "Deployment", "off")
    with pytest.raises(Refused) as refused:
        daemon.guard.check_request(planned(daemon))
    assert refused.value.reason == "OptedOut"
    daemon.store.flags.pause("ann", daemon.clock.now(), "why")
    with pytest.raises(Refused) as refused:
        daemon.guard.check_request(planned(daemon, "w1"))
    assert refused.value.reason == "Paused"


def test_a_request_does_not_wait_for_a_window(tmp_path: Path) -> None:
    """Rules for policies alone let it through when asked for, approved and written."""
    spec = '{windows: [{name: w, kind: Maintenance, start: "01:00", end: "02:00"}]}'
    daemon = Daemon(tmp_path, cluster(*NAMES), a_clock(), guardrails=guardrails(spec))
    assert daemon.propose("w1") is None
    done = daemon.settle(daemon.approve(asked(daemon), ALICE).id)
    assert done.state is State.EFFECTIVE
    assert len(daemon.cluster.landed) == 1
    daemon.close()


def test_the_automaton_is_held_by_what_holds_policies_in_mode_auto(daemon: Daemon) -> None:
    """Where a person has to be asked, a person's approval counts and the automaton's does not."""
    proposal = daemon.propose("w0")
    assert proposal is not None
    annotated(daemon, "Namespace", "propose")
    with pytest.raises(Refused) as refused:
        daemon.guard.check_approval(proposal, AUTO)
    assert refused.value.reason == "StricterMode"
    daemon.guard.check_approval(proposal, ALICE)
    approved = daemon.approve(proposal, ALICE)
    daemon.loop.advance(approved.id)
    assert len(daemon.cluster.landed) == 1


def test_a_principal_of_that_name_is_no_automaton(daemon: Daemon) -> None:
    """Only the daemon's own name is."""
    proposal = daemon.propose("w0")
    assert proposal is not None
    annotated(daemon, "Namespace", "propose")
    daemon.guard.check_approval(proposal, Principal("autumn", frozenset({Scope.APPROVER})))


def test_the_door_writes_nothing_without_an_approval(daemon: Daemon) -> None:
    """Whatever calls it, and whatever the guardrails say: the gate has the last word."""
    proposal = daemon.propose("w0")
    assert proposal is not None
    for attempt in (
        lambda: daemon.door.write(proposal.id, proposal.plan),
        lambda: daemon.guard.undo_fence(daemon.gate, proposal.id),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.reason == "NotApproved"
    assert daemon.cluster.landed == []


def test_an_undo_needs_its_own_state(daemon: Daemon) -> None:
    """A change that nobody wants taken back is not taken back, and a pause counts here too."""
    daemon.telemetry.grades["w0"] = Severity.HEALTHY
    proposal = daemon.propose("w0")
    assert proposal is not None
    done = daemon.settle(daemon.approve(proposal, ALICE).id)
    with pytest.raises(Refused):
        daemon.door.undo(done.id, done.plan, replace(DONE))
    back = daemon.gate.rollback(done.id, ALICE)
    daemon.guard.undo_fence(daemon.gate, back.id)
    daemon.store.flags.pause("ann", daemon.clock.now(), "why")
    with pytest.raises(Refused) as refused:
        daemon.guard.undo_fence(daemon.gate, back.id)
    assert refused.value.reason == "Paused"
    assert [made.undo for made in daemon.cluster.landed] == [False]
