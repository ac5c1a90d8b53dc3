"""Pods resized in place, as the recorded kubelet does it: done, deferred, or with a restart."""

from remedyd.lab.controllers.objects import PODS
from remedyd.model.values import KubeObject
from support.labcluster import Rig, rig, spec


def resize(cluster: Rig, pod: str, **amounts: str) -> None:
    """Ask for other amounts of memory."""

    def write(obj: KubeObject) -> None:
        resources = obj["spec"]["containers"][0]["resources"]
        for part, amount in amounts.items():
            resources[part]["memory"] = amount

    store = cluster.simulation.store
    store.mutate(PODS, "shop", pod, write, manager="kubectl", subresource="resize")


def pending(pod: KubeObject) -> list[tuple[str, str]]:
    """Return reason and message of the condition PodResizePending."""
    return [
        (c["reason"], c["message"])
        for c in pod["status"]["conditions"]
        if c["type"] == "PodResizePending"
    ]


def test_a_resize_is_accepted_first_and_done_later() -> None:
    """The status shows the old amounts until the new ones are in force; nothing restarts."""
    cluster = rig()
    resize(cluster, cluster.pods()[0]["metadata"]["name"], limits="256Mi")
    at_once = cluster.container()["resources"]["limits"]["memory"]
    cluster.advance(5)
    assert at_once == "128Mi"
    assert cluster.container()["resources"]["limits"]["memory"] == "256Mi"
    assert cluster.container()["restartCount"] == 0
    assert {"ResizeStarted", "ResizeCompleted"} <= cluster.reasons("Pod")
    pod = cluster.pods()[0]
    assert pod["status"]["observedGeneration"] == pod["metadata"]["generation"]


def test_a_node_without_room_defers_and_does_it_when_there_is_room() -> None:
    """Deferred keeps the old amounts in force, and ends by itself."""
    big = spec("big", replicas=1, requests=("50m", "12Gi"), limits=("200m", "12Gi"))
    cluster = rig(spec(replicas=1), big, nodes=1)
    name = cluster.pods()[0]["metadata"]["name"]
    resize(cluster, name, limits="8Gi", requests="8Gi")
    cluster.advance(60)
    [(reason, message)] = pending(cluster.pods()[0])
    assert reason == "Deferred"
    assert message.startswith("Node didn't have enough resource: memory, requested: 8589934592, ")
    assert cluster.container()["resources"]["limits"]["memory"] == "128Mi"
    assert "ResizeDeferred" in cluster.reasons("Pod")
    cluster.change("big", lambda obj: obj["spec"].update(replicas=0))
    cluster.advance(90)
    assert pending(cluster.pods()[0]) == []
    assert cluster.container()["resources"]["requests"]["memory"] == "8Gi"


def test_a_container_that_asks_for_it_is_restarted() -> None:
    """With resizePolicy RestartContainer the new amount comes with a restart, exit code 0."""
    cluster = rig()
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]

    def ask(obj: KubeObject) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["resizePolicy"] = policy

    cluster.change("web", ask)
    cluster.advance(120)
    resize(cluster, cluster.pods()[0]["metadata"]["name"], limits="256Mi")
    cluster.advance(10)
    found = cluster.container()
    assert found["restartCount"] == 1
    assert found["lastState"]["terminated"]["reason"] == "Completed"
    assert found["resources"]["limits"]["memory"] == "256Mi"


def test_a_crash_loop_takes_the_new_limit_at_its_next_start() -> None:
    """What is killed for want of memory runs on once the limit suffices."""
    cluster = rig(spec(replicas=1))
    cluster.inject("oom", "shop/web", need=175)
    cluster.advance(180)
    resize(cluster, cluster.pods()[0]["metadata"]["name"], limits="256Mi")
    cluster.advance(400)
    restarts = cluster.container()["restartCount"]
    cluster.advance(400)
    assert cluster.container()["ready"]
    assert cluster.container()["restartCount"] == restarts
