"""StatefulSets, DaemonSets, scheduling, deletion: the rest of what controllers do."""

from remedyd.lab.controllers.objects import (
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    NODES,
    PODS,
    REPLICASETS,
    REVISIONS,
    STATEFULSETS,
)
from remedyd.model.values import KubeObject
from support.labcluster import Rig, rig, spec


def set_memory(memory: str):  # type: ignore[no-untyped-def]
    """Return a change of the template."""

    def write(obj: KubeObject) -> None:
        resources = obj["spec"]["template"]["spec"]["containers"][0]["resources"]
        resources["limits"]["memory"] = memory

    return write


def replicas(number: int):  # type: ignore[no-untyped-def]
    """Return a change of the size."""

    def write(obj: KubeObject) -> None:
        obj["spec"]["replicas"] = number

    return write


def database(size: int = 3) -> Rig:
    """Return a cluster with a StatefulSet."""
    return rig(spec("db", kind="StatefulSet", replicas=size))


def test_a_statefulset_is_made_in_order() -> None:
    """Each pod is made when the one before it is ready."""
    cluster = database()
    born = [pod["metadata"]["creationTimestamp"] for pod in cluster.pods("db")]
    assert [pod["metadata"]["name"] for pod in cluster.pods("db")] == ["db-0", "db-1", "db-2"]
    assert born == sorted(set(born))


def test_a_statefulset_is_updated_from_the_highest_ordinal_down() -> None:
    """A rolling update replaces one pod after the other, the last one first."""
    cluster = database()
    gone: list[str] = []
    cluster.simulation.store.on_change(
        lambda type_, gvr, obj: (
            gone.append(obj["metadata"]["name"]) if (type_, gvr) == ("DELETED", PODS) else None
        )
    )
    cluster.change("db", set_memory("256Mi"), STATEFULSETS)
    cluster.advance(120)
    status = cluster.get("db", STATEFULSETS)["status"]
    assert gone == ["db-2", "db-1", "db-0"]
    assert status["currentRevision"] == status["updateRevision"]
    assert (status["readyReplicas"], status["updatedReplicas"]) == (3, 3)


def test_a_statefulset_shows_two_revisions_while_it_is_updated() -> None:
    """In the middle of an update current and updated pods are counted apart."""
    cluster = database(2)
    cluster.change("db", set_memory("256Mi"), STATEFULSETS)
    cluster.advance(6)
    status = cluster.get("db", STATEFULSETS)["status"]
    assert status["currentRevision"] != status["updateRevision"]
    assert status["currentReplicas"] == 1


def test_a_statefulset_keeps_its_history() -> None:
    """Each template is a ControllerRevision, and an old one is used again."""
    cluster = database(1)
    for memory in ("256Mi", "128Mi"):
        cluster.change("db", set_memory(memory), STATEFULSETS)
        cluster.advance(60)
    found = cluster.simulation.store.list(REVISIONS, "shop")
    assert sorted(revision["revision"] for revision in found) == [2, 3]


def test_a_statefulset_shrinks_from_the_top() -> None:
    """Scaling down removes the highest ordinals."""
    cluster = database()
    cluster.change("db", replicas(1), STATEFULSETS)
    cluster.advance(60)
    assert [pod["metadata"]["name"] for pod in cluster.pods("db")] == ["db-0"]


def test_a_daemonset_has_a_pod_on_every_node() -> None:
    """One pod per node, and no more."""
    cluster = rig(spec("agent", kind="DaemonSet"))
    nodes = [pod["spec"]["nodeName"] for pod in cluster.pods("agent")]
    assert sorted(nodes) == ["worker-1", "worker-2", "worker-3"]


def test_a_daemonset_is_updated_one_node_at_a_time() -> None:
    """With maxUnavailable 1 at most one node is without its pod."""
    cluster = rig(spec("agent", kind="DaemonSet"))
    missing: list[int] = []
    cluster.simulation.store.on_change(
        lambda type_, gvr, obj: (
            missing.append(obj["status"].get("numberUnavailable", 0)) if gvr == DAEMONSETS else None
        )
    )
    cluster.change("agent", set_memory("256Mi"), DAEMONSETS)
    cluster.advance(120)
    status = cluster.get("agent", DAEMONSETS)["status"]
    assert max(missing) == 1
    assert (status["updatedNumberScheduled"], status["numberAvailable"]) == (3, 3)


def test_a_pod_that_fits_nowhere_stays_pending() -> None:
    """The scheduler says which resource is missing on how many nodes."""
    cluster = rig(spec("big", replicas=1, requests=("100", "64Mi"), limits=("100", "128Mi")))
    pod = cluster.pods("big")[0]
    condition = pod["status"]["conditions"][0]
    assert pod["status"]["phase"] == "Pending"
    assert (condition["reason"], condition["message"]) == (
        "Unschedulable", "0/3 nodes are available: 3 Insufficient cpu.",
    )  # fmt: skip
    assert "FailedScheduling" in cluster.reasons("Pod")


def test_siblings_are_spread_over_the_nodes() -> None:
    """Three pods of one workload land on three nodes."""
    cluster = rig(spec(replicas=3))
    assert len({pod["spec"]["nodeName"] for pod in cluster.pods()}) == 3


def test_deleting_a_deployment_deletes_what_it_owns() -> None:
    """ReplicaSets and pods go with their Deployment."""
    cluster = rig()
    cluster.simulation.store.delete(DEPLOYMENTS, "shop", "web")
    cluster.advance(30)
    assert cluster.simulation.store.list(REPLICASETS, "shop") == []
    assert cluster.pods() == []


def test_orphaning_leaves_the_replicaset() -> None:
    """With the orphan finalizer dependents stay and lose their owner."""
    cluster = rig()
    cluster.simulation.store.delete(DEPLOYMENTS, "shop", "web", finalizer="orphan")
    cluster.advance(30)
    left = cluster.simulation.store.list(REPLICASETS, "shop")
    assert [rs["metadata"].get("ownerReferences") for rs in left] == [None]
    assert len(cluster.pods()) == 2


def test_a_deleted_pod_is_replaced() -> None:
    """The ReplicaSet makes up for a pod that somebody deletes."""
    cluster = rig()
    name = cluster.pods()[0]["metadata"]["name"]
    cluster.simulation.store.delete(PODS, "shop", name)
    cluster.advance(30)
    names = [pod["metadata"]["name"] for pod in cluster.pods()]
    assert len(names) == 2
    assert name not in names


def test_old_replicasets_beyond_the_limit_are_removed() -> None:
    """Only as many empty ReplicaSets are kept as the history limit allows."""
    cluster = rig()

    def limit(obj: KubeObject) -> None:
        obj["spec"]["revisionHistoryLimit"] = 1

    cluster.change("web", limit)
    for memory in ("200Mi", "220Mi", "240Mi"):
        cluster.change("web", set_memory(memory))
        cluster.advance(60)
    assert len(cluster.simulation.store.list(REPLICASETS, "shop")) == 2


def test_repeated_events_are_counted_in_one_object() -> None:
    """The same message about the same object raises a count."""
    cluster = rig()
    cluster.inject("crash", "shop/web")
    cluster.advance(300)
    counts = [
        event["count"]
        for event in cluster.simulation.store.list(EVENTS, "shop")
        if event["reason"] == "BackOff"
    ]
    assert len(counts) == 2
    assert min(counts) > 3


def test_events_are_forgotten_after_an_hour() -> None:
    """Old Events do not pile up."""
    cluster = rig()
    cluster.advance(4200)
    assert cluster.simulation.store.list(EVENTS, "shop") == []


def test_a_raised_limit_in_place_saves_a_container() -> None:
    """A pod whose limit is raised in place is not killed for its need."""
    cluster = rig(spec(replicas=1))
    cluster.inject("oom", "shop/web", need=175, ramp=120)
    cluster.advance(10)
    pod = cluster.pods()[0]["metadata"]["name"]

    def write(obj: KubeObject) -> None:
        obj["spec"]["containers"][0]["resources"]["limits"]["memory"] = "256Mi"

    store = cluster.simulation.store
    store.mutate(PODS, "shop", pod, write, manager="kubectl", subresource="resize")
    cluster.advance(300)
    assert cluster.container()["restartCount"] == 0


def test_the_same_seed_gives_the_same_cluster() -> None:
    """Two runs with one seed end with the same objects and documents."""

    def run() -> tuple[list[KubeObject], dict[str, list[dict[str, object]]]]:
        cluster = rig(spec(replicas=3), seed=5)
        cluster.inject("oom", "shop/web", need=175)
        cluster.advance(300)
        return cluster.simulation.store.list(PODS), cluster.documents

    assert run() == run()


def strategy(**values: object):  # type: ignore[no-untyped-def]
    """Return a change of a StatefulSet's update strategy."""

    def write(obj: KubeObject) -> None:
        obj["spec"]["updateStrategy"] = values

    return write


def revisions(cluster: Rig) -> dict[str, str]:
    """Return the revision of each pod of the StatefulSet `db`."""
    label = "controller-revision-hash"
    return {p["metadata"]["name"]: p["metadata"]["labels"][label] for p in cluster.pods("db")}


def test_a_partition_holds_an_update_back() -> None:
    """Pods below the partition keep the old template, also when they are replaced."""
    cluster = database()
    before = revisions(cluster)
    partition = strategy(type="RollingUpdate", rollingUpdate={"partition": 2})
    cluster.change("db", partition, STATEFULSETS)
    cluster.change("db", set_memory("256Mi"), STATEFULSETS)
    cluster.advance(60)
    cluster.simulation.store.delete(PODS, "shop", "db-0")
    cluster.advance(60)
    after = revisions(cluster)
    assert {name for name in after if after[name] != before[name]} == {"db-2"}


def test_on_delete_waits_for_somebody_to_delete() -> None:
    """With OnDelete only a pod that is deleted by hand gets the new template."""
    cluster = database(2)
    before = revisions(cluster)
    cluster.change("db", strategy(type="OnDelete"), STATEFULSETS)
    cluster.change("db", set_memory("256Mi"), STATEFULSETS)
    cluster.advance(60)
    assert revisions(cluster) == before
    cluster.simulation.store.delete(PODS, "shop", "db-1")
    cluster.advance(60)
    after = revisions(cluster)
    assert {name for name in after if after[name] != before[name]} == {"db-1"}


def test_scaling_in_the_middle_of_a_rollout_is_spread() -> None:
    """Both ReplicaSets of a rollout that hangs grow by their share."""
    cluster = rig(spec(replicas=4))
    cluster.inject("unready", "shop/web")
    cluster.change("web", set_memory("256Mi"))
    cluster.advance(20)
    cluster.change("web", replicas(8))
    cluster.advance(20)
    sizes = [rs["spec"]["replicas"] for rs in cluster.simulation.store.list(REPLICASETS, "shop")]
    assert sorted(sizes) == [4, 6]


def test_foreground_deletion_waits_for_the_pods() -> None:
    """The Deployment stays, terminating, until everything it owned is gone."""
    cluster = rig()
    store = cluster.simulation.store
    store.delete(DEPLOYMENTS, "shop", "web", finalizer="foregroundDeletion")
    cluster.advance(1)
    assert "deletionTimestamp" in cluster.get()["metadata"]
    cluster.advance(30)
    assert store.list(DEPLOYMENTS, "shop") == []
    assert cluster.pods() == []


def test_a_cordoned_node_gets_no_new_pods() -> None:
    """An unschedulable node keeps what it has and takes nothing more."""
    cluster = rig(spec(replicas=1), nodes=2)

    def cordon(obj: KubeObject) -> None:
        obj["spec"]["unschedulable"] = True

    cluster.simulation.store.mutate(NODES, None, "worker-1", cordon, manager="kubectl")
    cluster.change("web", replicas(4))
    cluster.advance(30)
    nodes = [pod["spec"]["nodeName"] for pod in cluster.pods()]
    assert nodes.count("worker-1") <= 1


def test_a_node_selector_is_obeyed() -> None:
    """A pod goes only where its node selector allows."""
    cluster = rig(spec(replicas=3))

    def select(obj: KubeObject) -> None:
        where = {"kubernetes.io/hostname": "worker-2"}
        obj["spec"]["template"]["spec"]["nodeSelector"] = where

    cluster.change("web", select)
    cluster.advance(60)
    assert {pod["spec"]["nodeName"] for pod in cluster.pods()} == {"worker-2"}


def test_min_ready_seconds_delay_availability() -> None:
    """A pod that is ready counts as available only after minReadySeconds."""
    cluster = rig()

    def patience(obj: KubeObject) -> None:
        obj["spec"]["minReadySeconds"] = 30
        obj["spec"]["replicas"] = 3

    cluster.change("web", patience)
    cluster.advance(15)
    status = cluster.get()["status"]
    assert (status["readyReplicas"], status["availableReplicas"]) == (3, 2)
    cluster.advance(30)
    assert cluster.get()["status"]["availableReplicas"] == 3
