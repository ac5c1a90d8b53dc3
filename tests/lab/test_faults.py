"""Each fault does to a workload what it does in a real cluster, and can be taken away."""

import pytest

from remedyd.errors import InvalidInput, NotFound
from remedyd.lab.controllers.objects import DAEMONSETS, NODES, PODS, STATEFULSETS
from remedyd.lab.faults import KINDS
from remedyd.model.values import KubeObject
from support.labcluster import Rig, rig, spec


@pytest.fixture
def cluster() -> Rig:
    """Return a cluster with one workload of two pods."""
    return rig()


def available(cluster: Rig, name: str = "web") -> int:
    """Return how many pods of a Deployment are available."""
    return int(cluster.get(name)["status"].get("availableReplicas", 0))


def raise_limit(memory: str):  # type: ignore[no-untyped-def]
    """Return a change of the memory limit."""

    def write(obj: KubeObject) -> None:
        for container in obj["spec"]["template"]["spec"]["containers"]:
            container["resources"]["limits"]["memory"] = memory

    return write


def restart(obj: KubeObject) -> None:
    """Ask for a rolling restart."""
    notes = obj["spec"]["template"]["metadata"].setdefault("annotations", {})
    notes["kubectl.kubernetes.io/restartedAt"] = "2026-01-05T09:30:00Z"


def test_oom_kills_with_back_off(cluster: Rig) -> None:
    """Containers that need more than their limit are OOM-killed again and again."""
    cluster.inject("oom", "shop/web", need=175)
    cluster.advance(240)
    found = cluster.container()
    assert found["restartCount"] >= 4
    assert found["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert found["lastState"]["terminated"]["exitCode"] == 137


def test_oom_is_cured_by_enough_memory(cluster: Rig) -> None:
    """A limit above the need ends the loop."""
    cluster.inject("oom", "shop/web", need=175)
    cluster.advance(120)
    cluster.change("web", raise_limit("256Mi"))
    cluster.advance(60)
    assert available(cluster) == 2
    cluster.advance(600)
    assert cluster.container()["restartCount"] == 0


def test_oom_is_not_cured_by_too_little_memory(cluster: Rig) -> None:
    """A limit below the need does not help."""
    cluster.inject("oom", "shop/web", need=175)
    cluster.change("web", raise_limit("160Mi"))
    cluster.advance(300)
    assert cluster.container()["restartCount"] >= 3


def test_insatiable_memory_is_never_enough(cluster: Rig) -> None:
    """However far the limit is raised, the containers want more."""
    cluster.inject("insatiable", "shop/web")
    cluster.change("web", raise_limit("2Gi"))
    cluster.advance(300)
    assert cluster.container()["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_a_leak_is_only_delayed_by_memory(cluster: Rig) -> None:
    """After a raise the containers run longer, and die all the same."""
    cluster.inject("leak", "shop/web", rate=60)
    cluster.advance(90)
    assert cluster.container()["restartCount"] == 1
    cluster.change("web", raise_limit("256Mi"))
    cluster.advance(120)
    assert cluster.container()["restartCount"] == 0
    cluster.advance(180)
    assert cluster.container()["restartCount"] >= 1


def test_the_back_off_doubles_to_five_minutes(cluster: Rig) -> None:
    """The first restart is immediate, then 10 s, 20 s, ... up to 300 s pass."""
    messages: list[str] = []
    name = cluster.pods()[0]["metadata"]["name"]

    def note(type_: str, gvr: str, obj: KubeObject) -> None:
        if gvr == PODS and obj["metadata"]["name"] == name:
            waiting = obj["status"]["containerStatuses"][0]["state"].get("waiting", {})
            text = waiting.get("message", "").split(" restarting", 1)[0]
            if waiting.get("reason") == "CrashLoopBackOff" and text not in messages:
                messages.append(text)

    cluster.simulation.store.on_change(note)
    cluster.inject("crash", "shop/web", code=3)
    cluster.advance(1500)
    assert messages == [
        f"back-off {text}" for text in ("10s", "20s", "40s", "1m20s", "2m40s", "5m0s")
    ]


def test_a_crash_loop_reports_its_exit_code(cluster: Rig) -> None:
    """A crash is an Error with the given code, never an OOM kill."""
    cluster.inject("crash", "shop/web", code=3)
    cluster.advance(60)
    ended = cluster.container()["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("Error", 3)
    assert "BackOff" in cluster.reasons("Pod")


def test_a_crash_loop_can_be_cured_by_a_restart(cluster: Rig) -> None:
    """With cure=restart pods made after the injection are healthy."""
    cluster.inject("crash", "shop/web", cure="restart")
    cluster.advance(90)
    assert available(cluster) == 0
    cluster.change("web", restart)
    cluster.advance(60)
    assert available(cluster) == 2
    assert cluster.container()["restartCount"] == 0


def test_a_crash_loop_without_cure_survives_a_restart(cluster: Rig) -> None:
    """With cure=none new pods crash like the old ones."""
    cluster.inject("crash", "shop/web")
    cluster.change("web", restart)
    cluster.advance(120)
    assert available(cluster) == 0


def test_backfire_punishes_more_memory(cluster: Rig) -> None:
    """The workload is fine until somebody raises its limit."""
    cluster.inject("backfire", "shop/web")
    cluster.advance(120)
    assert available(cluster) == 2
    cluster.change("web", raise_limit("256Mi"))
    cluster.advance(120)
    newest = max(cluster.pods(), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    assert newest["status"]["containerStatuses"][0]["restartCount"] >= 1


def test_a_stuck_pod_is_a_gap_that_a_restart_closes(cluster: Rig) -> None:
    """A hung pod stays not ready until it is replaced."""
    cluster.inject("stuck", "shop/web")
    cluster.advance(600)
    assert available(cluster) == 1
    assert cluster.container()["restartCount"] == 0
    cluster.change("web", restart)
    cluster.advance(60)
    assert available(cluster) == 2


def test_unready_holds_up_the_next_rollout(cluster: Rig) -> None:
    """Pods that exist go on serving; a rollout passes its deadline."""
    cluster.inject("unready", "shop/web")
    cluster.change("web", restart)
    cluster.advance(300)
    progressing = {c["type"]: c["reason"] for c in cluster.get()["status"]["conditions"]}
    assert progressing["Progressing"] == "ProgressDeadlineExceeded"
    assert available(cluster) == 2


def test_a_bad_image_backs_off_without_restarts() -> None:
    """A missing image gives ImagePullBackOff, no container and no restart."""
    update = {"maxSurge": 0, "maxUnavailable": 1}
    cluster = rig(spec(strategy={"type": "RollingUpdate", "rollingUpdate": update}))
    cluster.inject("bad-image", "shop/web")
    cluster.advance(60)
    waiting = [
        found
        for pod in cluster.pods()
        for found in pod["status"]["containerStatuses"]
        if "waiting" in found["state"]
    ]
    assert [found["state"]["waiting"]["reason"] for found in waiting] == ["ImagePullBackOff"]
    assert waiting[0]["restartCount"] == 0
    assert "containerID" not in waiting[0]
    assert available(cluster) == 1


def test_zero_scales_down_and_back(cluster: Rig) -> None:
    """Scaled to zero is a healthy Deployment without pods; clearing restores the size."""
    cluster.inject("zero", "shop/web")
    cluster.advance(30)
    assert cluster.pods() == []
    cluster.clear("zero", "shop/web")
    cluster.advance(30)
    assert available(cluster) == 2


def test_a_quota_keeps_lost_pods_from_coming_back(cluster: Rig) -> None:
    """The ReplicaSet cannot replace a lost pod, and the Deployment says why."""
    cluster.inject("quota", "shop/web")
    cluster.advance(60)
    conditions = {c["type"]: c for c in cluster.get()["status"]["conditions"]}
    assert conditions["ReplicaFailure"]["reason"] == "FailedCreate"
    assert "exceeded quota: lab-quota" in conditions["ReplicaFailure"]["message"]
    assert "FailedCreate" in cluster.reasons("ReplicaSet")
    assert available(cluster) == 1


def test_clearing_a_quota_lets_pods_come_back(cluster: Rig) -> None:
    """Without the quota the ReplicaSet tries again and the condition goes."""
    cluster.inject("quota", "shop/web")
    cluster.advance(60)
    cluster.clear("quota", "shop/web")
    cluster.advance(120)
    assert available(cluster) == 2
    assert "ReplicaFailure" not in {c["type"] for c in cluster.get()["status"]["conditions"]}


@pytest.fixture
def spread() -> Rig:
    """Return a cluster whose workload has a pod on every node, beside a DaemonSet."""
    agent = spec("agent", kind="DaemonSet", replicas=0)
    return rig(spec(replicas=3), agent)


def ready_condition(cluster: Rig, node: str) -> tuple[str, str]:
    """Return status and reason of a node's Ready condition."""
    found = cluster.simulation.store.get(NODES, None, node)
    ready = next(c for c in found["status"]["conditions"] if c["type"] == "Ready")
    return ready["status"], ready["reason"]


def test_a_dead_node_becomes_unknown_and_tainted(spread: Rig) -> None:
    """A node that is silent for a minute is Unknown and taints keep pods away."""
    spread.inject("node-down", "worker-2")
    spread.advance(60)
    assert ready_condition(spread, "worker-2") == ("Unknown", "NodeStatusUnknown")
    taints = spread.simulation.store.get(NODES, None, "worker-2")["spec"]["taints"]
    assert {taint["effect"] for taint in taints} == {"NoSchedule", "NoExecute"}
    assert available(spread) == 2


def test_pods_of_a_dead_node_are_evicted_after_five_minutes(spread: Rig) -> None:
    """After the toleration the pods are replaced elsewhere; the old ones hang in Terminating."""
    spread.inject("node-down", "worker-2")
    spread.advance(340)
    assert available(spread) == 2
    spread.advance(60)
    assert available(spread) == 3
    hanging = [pod for pod in spread.pods() if "deletionTimestamp" in pod["metadata"]]
    assert [pod["spec"]["nodeName"] for pod in hanging] == ["worker-2"]


def test_a_daemonset_expects_no_pod_on_a_dead_node(spread: Rig) -> None:
    """Desired and ready fall together, so that no gap shows."""
    spread.inject("node-down", "worker-2")
    spread.advance(120)
    status = spread.get("agent", DAEMONSETS)["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"]) == (2, 2)
    assert status["numberMisscheduled"] == 1


def test_a_node_that_comes_back_finishes_what_was_begun(spread: Rig) -> None:
    """Back again, a node deletes what was evicted and counts as ready."""
    spread.inject("node-down", "worker-2")
    spread.advance(420)
    spread.clear("node-down", "worker-2")
    spread.advance(60)
    assert ready_condition(spread, "worker-2") == ("True", "KubeletReady")
    assert len(spread.pods()) == 3
    assert available(spread) == 3


def test_a_short_absence_of_a_node_evicts_nothing(spread: Rig) -> None:
    """A node that is back before the toleration keeps its pods."""
    before = {pod["metadata"]["uid"] for pod in spread.pods()}
    spread.inject("node-down", "worker-2")
    spread.advance(120)
    spread.clear("node-down", "worker-2")
    spread.advance(600)
    assert {pod["metadata"]["uid"] for pod in spread.pods()} == before
    assert available(spread) == 3


def test_a_silent_collector_sends_nothing(cluster: Rig) -> None:
    """Without its collector a receiver's stream stands still."""
    cluster.inject("collector-down", "k8s_cluster")
    cluster.advance(5)
    before = {name: len(found) for name, found in cluster.documents.items()}
    cluster.advance(60)
    grown = {name for name, found in cluster.documents.items() if len(found) > before[name]}
    assert grown == {"metrics-kubeletstatsreceiver.otel-default"}


def test_a_statefulset_can_be_broken_too() -> None:
    """Faults are not for Deployments alone."""
    cluster = rig(spec("db", kind="StatefulSet", replicas=1))
    cluster.inject("oom", "shop/db", need=300)
    cluster.advance(120)
    assert cluster.get("db", STATEFULSETS)["status"].get("readyReplicas", 0) == 0
    assert cluster.container("db")["restartCount"] >= 2


def test_clearing_a_fault_heals(cluster: Rig) -> None:
    """Taken away, a fault lets containers run on after their back-off."""
    cluster.inject("crash", "shop/web")
    cluster.advance(60)
    cluster.clear("crash", "shop/web")
    cluster.advance(120)
    assert available(cluster) == 2


@pytest.mark.parametrize(
    ("fault", "target", "params", "error", "text"),
    [
        ("oops", "shop/web", {}, InvalidInput, "there is no fault named 'oops'"),
        ("oom", "shop/web", {"size": 1}, InvalidInput, "has no parameter 'size'"),
        ("oom", "shop/web", {"need": "much"}, InvalidInput, "parameter need must be a number"),
        ("oom", "shop/nothing", {}, NotFound, "there is no workload 'shop/nothing'"),
        ("oom", "web", {}, NotFound, "there is no workload 'web'"),
        ("node-down", "worker-9", {}, NotFound, "there is no node 'worker-9'"),
        ("collector-down", "loki", {}, InvalidInput, "there is no receiver 'loki'"),
    ],
)
def test_wrong_wishes_are_explained(
    cluster: Rig,
    fault: str,
    target: str,
    params: dict[str, object],
    error: type[Exception],
    text: str,
) -> None:
    """An unknown fault, parameter or target is refused with the known ones named."""
    with pytest.raises(error, match=text):
        cluster.inject(fault, target, **params)


def test_every_fault_has_a_summary() -> None:
    """The list of faults explains each of them."""
    assert all(kind.summary for kind in KINDS.values())


def test_an_annotation_injects_and_clears(cluster: Rig) -> None:
    """A person with kubectl can break and mend a workload."""

    def note(obj: KubeObject) -> None:
        notes = {"lab.remedyd.io/fault": "crash,code=7,cure=restart"}
        obj["metadata"].setdefault("annotations", {}).update(notes)

    def forget(obj: KubeObject) -> None:
        del obj["metadata"]["annotations"]["lab.remedyd.io/fault"]

    cluster.change("web", note)
    cluster.advance(60)
    assert cluster.container()["lastState"]["terminated"]["exitCode"] == 7
    cluster.change("web", forget)
    cluster.advance(120)
    assert available(cluster) == 2


def test_a_wrong_annotation_is_reported_as_an_event(cluster: Rig) -> None:
    """What an annotation cannot do is said where kubectl describe shows it."""

    def note(obj: KubeObject) -> None:
        obj["metadata"].setdefault("annotations", {})["lab.remedyd.io/fault"] = "oops"

    cluster.change("web", note)
    cluster.advance(5)
    assert "FaultRefused" in cluster.reasons("Deployment")
