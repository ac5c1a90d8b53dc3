"""A release that gets stuck: from the audit's row to the proof that going back helped."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import KubeObject, Proposal, State
from remedyd.paths import shipped
from support.steered import Steered

IMAGE = "registry.example.com/x:1"
NAMES = ("api", "cart", "pay", "search", "web")
ROLL = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec(
            "shop", name, IMAGE, "40Mi", "20m", 3, requests=None, strategy=ROLL, deadline=420
        )
        for name in NAMES
    ),
    namespaces=("default", "kube-system", "shop"),
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Steered]:
    """A daemon with the shipped policy, and ten minutes in which all was well."""
    minute = timedelta(minutes=1)
    lab = Lab(seed=5, history=10 * minute, interval=minute / 2, scenario=SCENARIO)
    policy = (shipped("policies") / "stuck-rollout.yaml").read_text(encoding="utf-8")
    with lab, Steered(lab, tmp_path, policy, timeout=10.0) as made:
        yield made
        assert made.bugs() == 0


def image(live: KubeObject) -> str:
    """Return the image of the template."""
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"])


def proposed(daemon: Steered) -> Proposal | None:
    """Return what waits for an approver."""
    return next(iter(daemon.proposals(State.PROPOSED)), None)


def test_an_image_that_does_not_exist_is_taken_back(daemon: Steered) -> None:
    """Not before Kubernetes calls it stuck; approved, the old image is back and it is proved."""
    daemon.lab.inject("bad-image", "shop/cart")
    daemon.live(6)
    assert not daemon.proposals()
    assert daemon.read("cart")["status"]["availableReplicas"] == 2
    proposal = daemon.until(lambda: proposed(daemon), minutes=4)
    assert (proposal.plan.action, proposal.plan.target.name) == ("RolloutUndo", "cart")
    assert "revision 2 to revision 1" in proposal.plan.consequence
    (rollout,) = (one for one in proposal.plan.prechecks if one.name == "Rollout")
    assert "has timed out progressing" in rollout.evidence
    daemon.approve(proposal)
    for _ in range(20):  # for a moment the status still tells of the deadline that passed
        daemon.lab.advance(timedelta(milliseconds=20))
        daemon.advance(proposal)
    ended = daemon.until(daemon.ended(State.EFFECTIVE), minutes=15)
    assert ended.id == proposal.id
    live = daemon.read("cart")
    assert image(live) == IMAGE
    assert (live["status"]["availableReplicas"], live["status"]["updatedReplicas"]) == (3, 3)
    assert len(daemon.proposals()) == 1


def test_a_release_that_comes_after_all_is_left_alone(daemon: Steered) -> None:
    """Pods that take five minutes to get ready are a slow release, not a stuck one."""

    def slow(live: KubeObject) -> None:
        template = live["spec"]["template"]
        notes = {"lab.remedyd.io/ready-after": "300"}
        template["metadata"].setdefault("annotations", {}).update(notes)

    daemon.change("cart", slow)
    daemon.live(18)
    assert not daemon.proposals()
    assert daemon.read("cart")["status"]["updatedReplicas"] > 1
