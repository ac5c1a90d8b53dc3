"""Plan, write, roll out, read back and undo against controllers that really act."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.actions.planner import Planner
from remedyd.cluster.client import Cluster
from remedyd.cluster.door import ClusterDoor
from remedyd.cluster.progress import progress
from remedyd.cluster.readback import Finding, ReadBack, inspect
from remedyd.lab.world import Lab
from remedyd.model import ActionRequest, Applied, Plan, Target

CHECKOUT = Target("", "shop", "Deployment", "checkout", "app")
RAISE = ActionRequest("UpdateResources", {"memory": {"factor": 2}})


@pytest.fixture(scope="module")
def world() -> Iterator[Lab]:
    """A lab whose time the tests move."""
    with Lab(history=timedelta(minutes=1)) as lab:
        yield lab


@pytest.fixture(scope="module")
def cluster(world: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The real client, connected to the lab."""
    path: Path = tmp_path_factory.mktemp("lab") / "kubeconfig"
    path.write_text(world.kubeconfig())
    connected = Cluster.connect(kubeconfig=path)
    yield connected
    connected.close()


def settled(world: Lab, cluster: Cluster, plan: Plan, applied: Applied) -> str:
    """Let time pass until the change has taken effect; return the evidence."""
    for _ in range(20):
        live = cluster.get("Deployment", "shop", "checkout")
        status = progress(cluster, plan, live, applied.at, world.now())
        if status.complete:
            return status.evidence
        world.advance(timedelta(seconds=15))
    raise AssertionError(status)


def seen(cluster: Cluster, plan: Plan) -> ReadBack:
    """Read the change back from the template down to the pods."""
    return inspect(cluster, plan)


def test_a_raise_is_rolled_out_read_back_and_undone(world: Lab, cluster: Cluster) -> None:
    """A container that is killed again and again gets its memory, pod by pod, and gives it back."""
    world.inject("oom", "shop/checkout")
    world.advance(timedelta(minutes=5))
    planner = Planner(cluster, world.clock)
    door = ClusterDoor(cluster, world.clock, lambda _: None, recheck=planner.recheck)
    plan = planner.plan(CHECKOUT, RAISE)
    applied = door.write("p1", plan)
    assert settled(world, cluster, plan, applied) == "3 of 3 pods are updated and available"
    assert seen(cluster, plan).finding is Finding.HOLDS
    undone = door.undo("p1", plan, applied)
    world.clear("oom", "shop/checkout")
    settled(world, cluster, plan, undone)
    limits = [
        pod["spec"]["containers"][0]["resources"]["limits"]["memory"]
        for pod in cluster.list("Pod", "shop", labels="app=checkout")
    ]
    assert set(limits) == {plan.changes[0].old}


def test_somebody_who_takes_it_back_is_named(world: Lab, cluster: Cluster) -> None:
    """The next action on this target must know that it would be a war."""
    planner = Planner(cluster, world.clock)
    plan = planner.plan(CHECKOUT, RAISE)
    applied = ClusterDoor(cluster, world.clock, lambda _: None).write("p2", plan)
    settled(world, cluster, plan, applied)
    assert plan.undo is not None
    world.simulation.store.mutate(
        "apps/v1/deployments",
        "shop",
        "checkout",
        lambda obj: obj["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"].update(
            memory=plan.changes[0].old
        ),
        manager="argocd-controller",
    )
    found = seen(cluster, plan)
    assert found.finding is Finding.REVERTED
    assert f"is {plan.changes[0].old} again" in found.evidence
