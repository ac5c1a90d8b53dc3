"""When the verdict comes: not before the proof is whole, unless harm is seen."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.model import Proposal, Severity, State
from remedyd.proposals.store import Store
from support.daemons import Daemon
from support.fakecluster import cluster
from support.proposals import ALICE, a_clock

MINUTE = timedelta(minutes=1)


@pytest.fixture
def daemon(tmp_path: Path, url: str) -> Iterator[Daemon]:
    """A daemon on two Deployments."""
    world, clock = cluster("web", "api", *(f"w{n}" for n in range(18))), a_clock()
    made = Daemon(tmp_path, world, clock, store=Store(url, clock))
    yield made
    made.close()


def rolled_out(daemon: Daemon) -> Proposal:
    """Have web changed and rolled out."""
    proposal = daemon.propose("web")
    assert proposal is not None
    daemon.approve(proposal, ALICE)
    daemon.loop.advance(proposal.id)
    daemon.finish_rollouts()
    daemon.loop.tick()
    return daemon.store.get(proposal.id)


def after(daemon: Daemon, proposal: Proposal, minutes: int) -> State:
    """Let minutes pass, tick each of them, and return the state."""
    for _ in range(minutes):
        daemon.clock.advance(MINUTE)
        daemon.loop.tick()
    return daemon.store.get(proposal.id).state


def test_a_success_waits_for_the_whole_proof(daemon: Daemon) -> None:
    """A minute to settle, ten to observe, one of lag: Effective after twelve, not before."""
    proposal = rolled_out(daemon)
    assert proposal.state is State.VERIFYING
    assert after(daemon, proposal, 11) is State.VERIFYING
    assert after(daemon, proposal, 1) is State.EFFECTIVE


def test_harm_to_a_neighbour_does_not_wait(daemon: Daemon) -> None:
    """Once a neighbour is critical for an interval of the audit, the change is taken back."""
    proposal = rolled_out(daemon)
    daemon.telemetry.later["api"] = (daemon.clock.now(), Severity.CRITICAL)
    assert after(daemon, proposal, 6) is State.VERIFYING
    assert after(daemon, proposal, 2) is not State.VERIFYING
    ended = daemon.store.get(proposal.id)
    assert ended.verdict is not None
    assert ended.verdict.reason == "NeighbourHarmed"


def test_a_neighbour_that_was_proposed_for_before_is_no_harm(daemon: Daemon) -> None:
    """Something was wrong with it already when the change was written."""
    assert daemon.propose("api") is not None
    daemon.clock.advance(MINUTE)
    proposal = rolled_out(daemon)
    daemon.telemetry.later["api"] = (daemon.clock.now(), Severity.CRITICAL)
    assert after(daemon, proposal, 12) is State.EFFECTIVE


def test_a_neighbour_that_was_proposed_for_afterwards_may_be_harm(daemon: Daemon) -> None:
    """A proposal that came after the write may be for what the change did."""
    proposal = rolled_out(daemon)
    daemon.clock.advance(MINUTE)
    assert daemon.propose("api") is not None
    daemon.telemetry.later["api"] = (daemon.clock.now(), Severity.CRITICAL)
    assert after(daemon, proposal, 9) is not State.VERIFYING
    ended = daemon.store.get(proposal.id)
    assert ended.verdict is not None
    assert ended.verdict.reason == "NeighbourHarmed"


def test_what_cannot_be_read_back_is_no_success(daemon: Daemon) -> None:
    """The telemetry is well, the API server silent: Inconclusive once the time is up."""
    proposal = rolled_out(daemon)
    daemon.cluster.blind = True
    assert after(daemon, proposal, 40) is State.VERIFYING
    assert after(daemon, proposal, 30) is State.INCONCLUSIVE
    ended = daemon.store.get(proposal.id)
    assert ended.verdict is not None
    assert ended.verdict.reason == "NotReadBack"
