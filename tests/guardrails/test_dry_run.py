"""Dry run: full plans, and never a write, by whichever of the three ways."""

from collections.abc import Callable
from pathlib import Path

import pytest

from remedyd.model import Mode, Severity, State
from support.daemons import Daemon
from support.fakecluster import FakeCluster, cluster
from support.proposals import ALICE, a_clock

NAMES = [f"w{n}" for n in range(20)]


def by_setting(home: Path) -> tuple[Daemon, Mode]:
    return Daemon(home, cluster(*NAMES), a_clock(), dry_run=True), Mode.AUTO


def by_policy(home: Path) -> tuple[Daemon, Mode]:
    return Daemon(home, cluster(*NAMES), a_clock()), Mode.DRY_RUN


def _annotated(kind: str, *place: str) -> Callable[[Path], tuple[Daemon, Mode]]:
    def make(home: Path) -> tuple[Daemon, Mode]:
        world = cluster(*NAMES)
        world.change(kind, *place, {"metadata": {"annotations": {"remedyd.io/mode": "dry-run"}}})
        return Daemon(home, world, a_clock()), Mode.AUTO

    return make


WAYS = {
    "setting": by_setting,
    "policy": by_policy,
    "namespace": _annotated("Namespace", "", "shop"),
    "workload": _annotated("Deployment", "shop", "w0"),
}


def writes(world: FakeCluster) -> list[object]:
    return [request for request in world.requests if request[0] == "patch" and not request[2]]


@pytest.mark.parametrize("way", list(WAYS))
def test_no_write_reaches_the_api_server(tmp_path: Path, way: str) -> None:
    """A whole day in mode Auto: the plan is rehearsed by the server, and that is all."""
    daemon, mode = WAYS[way](tmp_path)
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    proposal = daemon.propose("w0", mode=mode)
    assert proposal is not None
    assert (proposal.state, proposal.mode) == (State.DRY_RUN, Mode.DRY_RUN)
    assert daemon.settle(proposal.id, minutes=24 * 60).state is State.DRY_RUN
    assert ("patch", "Deployment", True) in daemon.cluster.requests
    assert writes(daemon.cluster) == []
    daemon.close()


def test_what_was_approved_before_is_not_written(tmp_path: Path) -> None:
    """Switched to dry run between approval and write, the daemon stops at the door."""
    world = cluster(*NAMES)
    before = Daemon(tmp_path, world, a_clock())
    proposal = before.propose("w0")
    assert proposal is not None
    before.approve(proposal, ALICE)
    after = Daemon(tmp_path, world, before.clock, dry_run=True)
    after.loop.tick()
    assert after.store.get(proposal.id).state is State.FAILED
    assert writes(world) == []
    before.close()
    after.close()


def test_an_undo_that_is_only_recorded_is_not_called_done(tmp_path: Path) -> None:
    """Switched to dry run before an undo, the change is still there, and that is told."""
    world = cluster(*NAMES)
    before = Daemon(tmp_path, world, a_clock())
    proposal = before.propose("w0")
    assert proposal is not None
    before.loop.advance(before.approve(proposal, ALICE).id)
    after = Daemon(tmp_path, world, before.clock, dry_run=True)
    after.telemetry.grades["w0"] = Severity.CRITICAL
    assert after.settle(proposal.id).state is State.ROLLBACK_FAILED
    assert len(writes(world)) == 1
    before.close()
    after.close()
