"""Deployments go through the same states, in the same order, as recorded from a real cluster."""

import json
from pathlib import Path
from typing import Any

import pytest

from remedyd.lab.controllers.objects import DEPLOYMENTS
from remedyd.model.values import KubeObject
from support.labcluster import Rig, rig, spec

RECORDED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "lifecycles.json").read_text(encoding="utf-8")
)
IMAGE = "registry.example.com/demo/web:{}"


def deployment(**changes: Any) -> KubeObject:
    """Return the recorded Deployments' common shape."""
    container = {
        "name": "app",
        "image": IMAGE.format("1.0.0"),
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"cpu": "200m", "memory": changes.pop("limit", "128Mi")},
        },
    }
    notes = {"lab.remedyd.io/ready-after": "4", "lab.remedyd.io/memory": "50Mi"}
    template = {
        "metadata": {"labels": {"app": "life"}, "annotations": notes},
        "spec": {"terminationGracePeriodSeconds": 2, "containers": [container]},
    }
    body = {"replicas": 4, "selector": {"matchLabels": {"app": "life"}}, "template": template}
    meta = {"name": "life", "namespace": "shop"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": body | changes,
    }


@pytest.fixture
def cluster() -> Rig:
    """Return a cluster with one other workload."""
    return rig(spec("other", replicas=1))


def create(cluster: Rig, obj: KubeObject) -> None:
    """Create a Deployment."""
    cluster.simulation.store.create(DEPLOYMENTS, "shop", obj, manager="kubectl")


def container(obj: KubeObject) -> KubeObject:
    """Return the template's container."""
    found: KubeObject = obj["spec"]["template"]["spec"]["containers"][0]
    return found


def set_image(tag: str) -> Any:
    """Return a change of the image."""

    def write(obj: KubeObject) -> None:
        container(obj)["image"] = IMAGE.format(tag)

    return write


def set_spec(**values: Any) -> Any:
    """Return a change of the spec; None removes a field."""

    def write(obj: KubeObject) -> None:
        for name, value in values.items():
            obj["spec"].pop(name, None)
            if value is not None:
                obj["spec"][name] = value

    return write


def set_limit(memory: str) -> Any:
    """Return a change of the memory limit."""

    def write(obj: KubeObject) -> None:
        container(obj)["resources"]["limits"]["memory"] = memory

    return write


def conditions(steps: list[str]) -> list[str]:
    """Return the steps without the observed generation, which may follow a moment later."""
    short = [f"{step.split('/')[0]} {step.partition(' ')[2]}" for step in steps]
    return [step for number, step in enumerate(short) if number == 0 or short[number - 1] != step]


def test_create(cluster: Rig) -> None:
    """A new Deployment of four becomes available through the recorded steps."""
    noted = cluster.watch("life")
    create(cluster, deployment())
    cluster.advance(30)
    assert noted == RECORDED["create"]


def test_rolling_update(cluster: Rig) -> None:
    """A rolling update with the default 25 %/25 % shows the recorded conditions."""
    create(cluster, deployment())
    cluster.advance(30)
    noted = cluster.watch("life")
    cluster.change("life", set_image("1.1.0"))
    cluster.advance(60)
    assert noted == RECORDED["rollout"]


def test_a_rolling_update_never_leaves_its_bounds(cluster: Rig) -> None:
    """During 25 %/25 % of four there are at most five pods and at least three available."""
    create(cluster, deployment())
    cluster.advance(30)
    sizes: list[tuple[int, int]] = []

    def note(type_: str, gvr: str, obj: KubeObject) -> None:
        if gvr == DEPLOYMENTS and obj["metadata"]["name"] == "life":
            status = obj["status"]
            sizes.append((status.get("replicas", 0), status.get("availableReplicas", 0)))

    cluster.simulation.store.on_change(note)
    cluster.change("life", set_image("1.1.0"))
    cluster.advance(60)
    assert max(replicas for replicas, _ in sizes) == 5
    assert min(available for _, available in sizes) == 3


def test_stuck_rollout_and_undo(cluster: Rig) -> None:
    """A rollout that never gets ready exceeds its deadline; undoing it completes."""
    create(cluster, deployment(progressDeadlineSeconds=20))
    cluster.advance(30)
    before = cluster.get("life")["spec"]["template"]
    noted = cluster.watch("life")

    def never_ready(obj: KubeObject) -> None:
        notes = obj["spec"]["template"]["metadata"]["annotations"]
        notes["lab.remedyd.io/never-ready"] = "true"
        container(obj)["image"] = IMAGE.format("1.2.0")

    def undo(obj: KubeObject) -> None:
        obj["spec"]["template"] = before

    cluster.change("life", never_ready)
    cluster.advance(40)
    cluster.change("life", undo)
    cluster.advance(40)
    assert noted == RECORDED["stuck rollout and undo"]


def test_bad_image(cluster: Rig) -> None:
    """With maxUnavailable 1 and maxSurge 0 a missing image costs a pod until it is there."""
    update = {"maxSurge": 0, "maxUnavailable": 1}
    strategy = {"type": "RollingUpdate", "rollingUpdate": update}
    create(cluster, deployment(replicas=2, strategy=strategy))
    cluster.advance(30)
    noted = cluster.watch("life")
    cluster.simulation.board.missing_images.add(IMAGE.format("9.9.9"))
    cluster.change("life", set_image("9.9.9"))
    cluster.advance(8)
    cluster.simulation.board.missing_images.clear()
    cluster.simulation.controllers.kubelets.faults_changed()
    cluster.advance(60)
    assert noted == RECORDED["bad image"]


def test_scale_and_pause(cluster: Rig) -> None:
    """Scaling, pausing, changing while paused and resuming show the recorded conditions."""
    create(cluster, deployment(replicas=2))
    cluster.advance(30)
    noted = cluster.watch("life")
    for change, seconds in (
        (set_spec(replicas=4), 20),
        (set_spec(replicas=0), 20),
        (set_spec(paused=True), 0.05),
        (lambda obj: (set_spec(replicas=2)(obj), set_image("1.3.0")(obj)), 20),
        (set_spec(paused=None), 40),
    ):
        cluster.change("life", change)
        cluster.advance(seconds)
    assert conditions(noted) == conditions(RECORDED["scale and pause"])


def test_out_of_memory_and_healed(cluster: Rig) -> None:
    """Recreate, an OOM loop with pods Ready in between, and the patch that ends it."""
    create(cluster, deployment(replicas=2, strategy={"type": "Recreate"}))
    cluster.advance(30)
    noted = cluster.watch("life")
    cluster.inject("oom", "shop/life", need=100, ramp=40)
    cluster.change("life", set_limit("80Mi"))
    cluster.advance(200)
    cluster.change("life", set_limit("160Mi"))
    cluster.advance(60)
    head, tail = RECORDED["out of memory and healed"][:8], RECORDED["out of memory and healed"][-8:]
    assert noted[:8] == head
    assert noted[-8:] == tail
    assert "Progressing=False" not in " ".join(noted)
