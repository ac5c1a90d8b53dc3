"""What an edited, disabled or removed policy had asked for is neither approved nor written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from remedyd.errors import Refused
from remedyd.library import Library
from remedyd.model import Proposal, State
from remedyd.observability.metrics import Metrics
from remedyd.paths import shipped
from remedyd.stages.inforce import InForce
from support.daemons import Daemon
from support.fakecluster import cluster
from support.proposals import ALICE, a_clock

NAME = "oom-raise-memory"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a policy."""
    return Path(shutil.copy(shipped("policies") / f"{NAME}.yaml", tmp_path))


@pytest.fixture
def library(path: Path) -> Library:
    """Return the policies in force."""
    return Library([shipped("esql")], [path.parent], a_clock(), Metrics())


@pytest.fixture
def daemon(tmp_path: Path, library: Library) -> Iterator[Daemon]:
    """Return a daemon with that policy."""
    names = [f"w{n}" for n in range(20)]
    in_force = InForce(library.policies, library.check)
    made = Daemon(tmp_path, cluster(*names), a_clock(), in_force=in_force)
    yield made
    made.close()


def proposed(daemon: Daemon, library: Library) -> Proposal:
    """Return what the policy in force asks for."""
    made = daemon.propose("w0", policy_hash=library.policies()[NAME].hash)
    assert made is not None
    return made


def edit(path: Path, before: str, after: str) -> None:
    """Change the policy's file."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after"),
    [("mode: Propose", "mode: Disabled"), ("factor: 1.5", "factor: 3"), ("cycles: 2", "cycles: 9")],
)
def test_an_edited_policy_ends_what_it_asked_for(
    daemon: Daemon, library: Library, path: Path, before: str, after: str
) -> None:
    """Even before its file is read again by the clock; the proposal is left to expire."""
    proposal = proposed(daemon, library)
    edit(path, before, after)
    with pytest.raises(Refused, match=f"the policy {NAME} was changed since the plan") as caught:
        daemon.approve(proposal, ALICE)
    assert caught.value.reason == "PolicyChanged"
    assert daemon.store.get(proposal.id).state is State.PROPOSED


def test_a_removed_policy_ends_what_it_asked_for(
    daemon: Daemon, library: Library, path: Path
) -> None:
    """Nobody stands for it any more."""
    proposal = proposed(daemon, library)
    edit(path, f"name: {NAME}", "name: another")
    with pytest.raises(Refused, match=f"the policy {NAME} was removed"):
        daemon.approve(proposal, ALICE)


def test_a_comment_changes_nothing(daemon: Daemon, library: Library, path: Path) -> None:
    """The content counts, not the file."""
    proposal = proposed(daemon, library)
    path.write_text(f"# looked at on Monday\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    assert daemon.approve(proposal, ALICE).state is State.APPROVED


def test_a_policy_edited_after_the_approval_stops_the_write(
    daemon: Daemon, library: Library, path: Path
) -> None:
    """At the door the proposal ends as Stale, and nothing is written."""
    proposal = daemon.approve(proposed(daemon, library), ALICE)
    edit(path, "mode: Propose", "mode: Disabled")
    assert library.check()
    daemon.loop.tick()
    found = daemon.store.get(proposal.id)
    assert (found.state, daemon.cluster.landed) == (State.STALE, [])
    assert f"the policy {NAME} was changed" in found.reason


def test_a_request_has_no_policy(daemon: Daemon, path: Path) -> None:
    """What a person asked for is approved whatever becomes of policies."""
    proposal = daemon.propose("w0", policy="", policy_hash="")
    assert proposal is not None
    edit(path, "mode: Propose", "mode: Disabled")
    assert daemon.approve(proposal, ALICE).state is State.APPROVED
