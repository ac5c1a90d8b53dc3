"""In-place resizes through the whole loop: done, deferred for too long, and taken back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.lab.apiserver import apifaults
from remedyd.lab.controllers.objects import PODS
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import KubeObject, Proposal, State
from support.steered import Steered

IMAGE = "registry.example.com/x:1"
SCENARIO = Scenario(
    workloads=(
        WorkloadSpec("shop", "cart", IMAGE, "40Mi", "20m", 2),
        WorkloadSpec(
            "shop", "big", IMAGE, "40Mi", "20m", 1, requests=("50m", "12Gi"), limits=("1", "12Gi")
        ),
    ),
    nodes=("worker-1",),
    namespaces=("default", "kube-system", "shop"),
)
ROOM = {"memory": {"absolute": "256Mi"}}
TOO_MUCH = {"memory": {"absolute": "6Gi", "requestPolicy": "Equal"}}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Steered]:
    """A daemon, and a node that is nearly full."""
    minute = timedelta(minutes=1)
    lab = Lab(seed=5, history=minute, interval=10 * minute, scenario=SCENARIO)
    with lab, Steered(lab, tmp_path, timeout=10.0) as made:
        yield made
        assert made.bugs() == 0


def pods(daemon: Steered, app: str = "cart") -> list[KubeObject]:
    """Return a workload's pods."""
    return daemon.lab.simulation.store.list(PODS, "shop", {"app": app})


def limits(daemon: Steered) -> list[tuple[str, str]]:
    """Return for each pod of cart the limit in its spec and the one in force."""
    return [
        (
            pod["spec"]["containers"][0]["resources"]["limits"]["memory"],
            pod["status"]["containerStatuses"][0]["resources"]["limits"]["memory"],
        )
        for pod in pods(daemon)
    ]


def resized(daemon: Steered, params: dict[str, Any]) -> Proposal:
    """Have cart's pods resized and approved."""
    return daemon.approve(daemon.request("cart", "ResizePods", params))


def test_pods_get_more_without_a_restart_and_without_a_rollout(daemon: Steered) -> None:
    """Effective once the kubelets have put it in force; the template stays, and the pods too."""
    before = [pod["metadata"]["uid"] for pod in pods(daemon)]
    proposal = resized(daemon, ROOM)
    assert proposal.state is State.APPLIED
    assert daemon.wait(5, proposal).state is State.EFFECTIVE
    assert limits(daemon) == [("256Mi", "256Mi")] * 2
    assert [pod["metadata"]["uid"] for pod in pods(daemon)] == before
    assert all(pod["status"]["containerStatuses"][0]["restartCount"] == 0 for pod in pods(daemon))
    template = daemon.read("cart")["spec"]["template"]["spec"]["containers"][0]
    assert template["resources"]["limits"]["memory"] == "128Mi"


def test_a_resize_is_taken_back_by_hand(daemon: Steered) -> None:
    """The undo is a resize too, and confirmed by what is in force."""
    proposal = resized(daemon, ROOM)
    daemon.wait(5, proposal)
    assert daemon.roll_back(proposal).state is State.ROLLING_BACK
    assert daemon.wait(5, proposal).state is State.ROLLED_BACK
    assert limits(daemon) == [("128Mi", "128Mi")] * 2


def test_a_node_without_room_has_five_minutes(daemon: Steered) -> None:
    """Deferred is waited for, then it is a failed rollout, and the pods are put back."""
    proposal = resized(daemon, TOO_MUCH)
    daemon.wait(4, proposal)
    assert daemon.now(proposal).state is State.APPLIED
    ended = daemon.wait(10, proposal)
    assert ended.state is State.ROLLED_BACK
    assert ended.verdict is not None
    assert (ended.verdict.outcome, ended.verdict.reason) == ("Harmful", "RolloutFailed")
    assert "is Deferred: Node didn't have enough resource" in ended.verdict.detail
    assert limits(daemon) == [("128Mi", "128Mi")] * 2


def test_room_that_is_made_in_time_ends_the_wait(daemon: Steered) -> None:
    """A deferred resize that the kubelet carries out later is Effective."""
    proposal = resized(daemon, TOO_MUCH)
    daemon.wait(2, proposal)
    daemon.change("big", lambda obj: obj["spec"].update(replicas=0))
    assert daemon.wait(10, proposal).state is State.EFFECTIVE
    assert limits(daemon) == [("6Gi", "6Gi")] * 2


def test_a_no_midway_leaves_what_was_given(daemon: Steered) -> None:
    """403 for the second pod: the first keeps its resize, and the difference is on record."""
    proposal = daemon.request("cart", "ResizePods", ROOM)
    second = pods(daemon)[1]["metadata"]["name"]
    no = apifaults.forbidden("pods", "", second, "no")
    daemon.fault(method="PATCH", path=f"pods/{second}/resize", error=no)
    made = daemon.approve(proposal)
    assert made.state is State.APPLIED
    assert made.applied is not None
    assert {change.path.partition(".")[0] for change in made.applied.differences} == {
        f"pods[{second}]"
    }
    assert sorted(limits(daemon))[0] == ("128Mi", "128Mi")


def test_a_no_for_every_pod_is_a_failure(daemon: Steered) -> None:
    """Where no pod took it nothing landed: Failed, and the workload bears no mark."""
    proposal = daemon.request("cart", "ResizePods", ROOM)
    no = apifaults.forbidden("pods", "", "x", "no")
    daemon.fault(method="PATCH", path="/resize", times=2, error=no)
    assert daemon.approve(proposal).state is State.FAILED
    assert "remedyd.io/proposal" not in daemon.read("cart")["metadata"].get("annotations", {})


def test_pods_that_are_replaced_lose_the_resize(daemon: Steered) -> None:
    """New pods have the template's amounts: what was resized is gone, and that is said."""
    proposal = resized(daemon, ROOM)
    store = daemon.lab.simulation.store
    for pod in pods(daemon):
        store.delete(PODS, "shop", pod["metadata"]["name"], grace_seconds=0)
    ended = daemon.wait(5, proposal)
    assert ended.state is State.SUPERSEDED
    assert "have been replaced" in ended.reason
