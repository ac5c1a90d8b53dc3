"""The last look before an approval counts: a plan that no longer fits is told, not applied."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remedyd.errors import ClusterUnavailable, Conflict, Expired, Forbidden, Refused
from remedyd.model import Precheck, PrecheckResult, Proposal, State
from remedyd.proposals.store import Store
from support.daemons import Daemon
from support.fakecluster import Fault, cluster
from support.proposals import ALICE, BOB, a_clock


@pytest.fixture
def daemon(tmp_path: Path, url: str) -> Iterator[Daemon]:
    """Return a daemon over a small cluster."""
    world, clock = cluster(*(f"w{n}" for n in range(20))), a_clock()
    made = Daemon(tmp_path, world, clock, store=Store(url, clock))
    yield made
    made.close()


def proposed(daemon: Daemon, **changes: object) -> Proposal:
    made = daemon.propose("w0", **changes)
    assert made is not None
    return made


def set_memory(daemon: Daemon, value: str) -> None:
    container = {"name": "app", "resources": {"limits": {"memory": value}}}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    daemon.cluster.change("Deployment", "shop", "w0", body)


def test_a_changed_target_is_told_with_what_changed(daemon: Daemon) -> None:
    """Conflict names the field with its old and new value, and the proposal ends Stale."""
    proposal = proposed(daemon)
    set_memory(daemon, "300Mi")
    with pytest.raises(Conflict, match=r"limits\.memory is 300Mi, expected 256Mi"):
        daemon.approve(proposal, ALICE)
    assert daemon.store.get(proposal.id).state is State.STALE


def test_a_target_that_was_made_anew_is_stale(daemon: Daemon) -> None:
    """The same name with another uid is another workload."""
    proposal = proposed(daemon)
    daemon.cluster.change("Deployment", "shop", "w0", {"metadata": {"uid": "another"}})
    with pytest.raises(Conflict, match="made anew"):
        daemon.approve(proposal, ALICE)


def test_a_target_that_is_gone_is_stale(daemon: Daemon) -> None:
    """There is nothing left to approve a change of."""
    proposal = proposed(daemon)
    del daemon.cluster.objects[("Deployment", "shop", "w0")]
    with pytest.raises(Conflict, match="is gone"):
        daemon.approve(proposal, ALICE)
    assert daemon.store.get(proposal.id).state is State.STALE


def test_changes_elsewhere_do_not_void_an_approval(daemon: Daemon) -> None:
    """Status, labels and other fields of the workload may change."""
    proposal = proposed(daemon)
    body = {"metadata": {"labels": {"team": "a"}}, "spec": {"replicas": 3}}
    daemon.cluster.change("Deployment", "shop", "w0", body)
    assert daemon.approve(proposal, ALICE).state is State.APPROVED


def test_a_precheck_that_blocks_by_now_refuses(daemon: Daemon) -> None:
    """What the door would refuse is told to the approver first."""
    proposal = proposed(daemon)
    check = Precheck("Quota", PrecheckResult.BLOCK, "no memory is left", "raise the quota")
    daemon.planner.prechecks = (check,)
    with pytest.raises(Refused) as refused:
        daemon.approve(proposal, ALICE)
    assert (refused.value.reason, refused.value.hint) == ("Quota", "raise the quota")
    assert daemon.store.get(proposal.id).state is State.PROPOSED


def test_a_cluster_that_does_not_answer_approves_nothing(daemon: Daemon) -> None:
    """Not knowing is no: the approver may try again."""
    proposal = proposed(daemon)
    daemon.cluster.faults = [Fault.UNAVAILABLE]
    with pytest.raises(ClusterUnavailable):
        daemon.approve(proposal, ALICE)
    assert daemon.approve(proposal, ALICE).state is State.APPROVED


def test_an_approval_that_comes_too_late_is_expired(daemon: Daemon) -> None:
    """After its time a proposal cannot be approved, and says so."""
    proposal = proposed(daemon)
    daemon.clock.current = proposal.expires_at
    with pytest.raises(Expired):
        daemon.approve(proposal, ALICE)


def test_the_same_approval_twice_needs_no_second_look(daemon: Daemon) -> None:
    """A repetition is answered from the record, whatever the cluster says meanwhile."""
    approved = daemon.approve(proposed(daemon), ALICE)
    daemon.cluster.faults = [Fault.UNAVAILABLE] * 5
    assert daemon.approve(approved, ALICE).version == approved.version


def test_four_eyes_are_four_eyes(daemon: Daemon) -> None:
    """Two different principals are needed; the first alone lets nothing be written."""
    proposal = proposed(daemon, approvals=2)
    first = daemon.approve(proposal, ALICE)
    assert first.state is State.PROPOSED
    daemon.loop.tick()
    assert daemon.cluster.landed == []
    assert daemon.approve(first, BOB).state is State.APPROVED


def test_an_empty_list_of_approvers_means_nobody(daemon: Daemon) -> None:
    """Nobody named is nobody allowed."""
    proposal = proposed(daemon, approvers=())
    with pytest.raises(Forbidden):
        daemon.approve(proposal, ALICE)
