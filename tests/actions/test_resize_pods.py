"""ResizePods: running pods get other amounts, the template stays."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from remedyd.actions.action import Live, validated
from remedyd.actions.planner import Planner
from remedyd.actions.registry import ACTIONS
from remedyd.cluster import fields
from remedyd.cluster.door import PROPOSAL, ClusterDoor
from remedyd.errors import ClusterRejected, OutcomeUnknown, Refused
from remedyd.model import ActionRequest, KubeObject, Plan
from support.cluster import children, namespace, put, recorded, target_of
from support.labserver import Lab, lab, target
from support.wire import lost

NOW = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)
LIMIT = "spec.containers[app].resources.limits.memory"
RAISE = ActionRequest("ResizePods", {"memory": {"factor": 2, "requestPolicy": "Keep"}})


def pods() -> list[KubeObject]:
    """Return checkout's recorded pods."""
    return [obj for obj in children("checkout-oom") if obj["kind"] == "Pod"]


def plan(live: KubeObject, some: list[KubeObject], params: dict[str, Any] | None = None) -> Plan:
    """Plan ResizePods."""
    action = ACTIONS["ResizePods"]
    checked = validated(action.params, params or dict(RAISE.params), action.type)
    return action.plan(target_of(live), checked, Live(live, pods=tuple(some)), NOW)


def test_every_running_pod_is_resized_from_its_own_amount() -> None:
    """A pod that was resized before starts from what it has."""
    some = pods()
    put(some[0], "spec.containers.0.resources.limits.memory", "192Mi")
    found = plan(recorded("deployment-checkout-oom"), some)
    assert [change.new for change in found.changes] == ["384Mi", "256Mi", "256Mi"]
    assert [patch.subresource for patch in found.pods] == ["resize"] * 3
    assert found.pods[0].body == {
        "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "384Mi"}}}]}
    }


def test_the_template_is_not_changed_and_the_plan_says_so() -> None:
    """The workload gets the proposal's annotation and nothing else."""
    found = plan(recorded("deployment-checkout-oom"), pods())
    assert found.patch is not None and found.patch.body == {}
    assert "3 running pods are resized in place without a restart" in found.consequence
    assert "pods made later have its amounts again" in found.consequence


def test_a_container_that_asks_for_a_restart_is_named() -> None:
    """resizePolicy RestartContainer makes it a restart after all."""
    some = pods()
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    put(some[0], "spec.containers.0.resizePolicy", policy)
    assert "container app restarts" in plan(recorded("deployment-checkout-oom"), some).consequence


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.deletionTimestamp", "2026-11-22T22:20:00Z"),
        ("status.phase", "Failed"),
        ("metadata.annotations", {"kubernetes.io/config.mirror": "x"}),
    ],
)
def test_pods_that_cannot_be_resized_are_left_out(path: str, value: Any) -> None:
    """Terminating, finished and static pods."""
    some = pods()
    put(some[1], path, value)
    assert len(plan(recorded("deployment-checkout-oom"), some).pods) == len(some) - 1


def test_without_running_pods_there_is_nothing_to_do() -> None:
    """A workload at zero has nothing to resize."""
    with pytest.raises(Refused) as caught:
        plan(recorded("deployment-email-zero"), [])
    assert caught.value.reason == "NoChange"


def test_the_diff_names_each_pod() -> None:
    """An approver sees which pods change."""
    some = pods()
    diff = plan(recorded("deployment-checkout-oom"), some).diff
    for pod in some:
        assert f"@@ pods[{pod['metadata']['name']}].spec.containers[app].resources @@" in diff
    assert diff.count("+    memory: 256Mi") == 3


def running(found: Lab) -> tuple[KubeObject, list[KubeObject]]:
    """Put checkout with its pods into the lab."""
    found.create(namespace("shop"))
    found.create(recorded("node-worker-5"))
    live = found.create(recorded("deployment-checkout-oom"))
    replicaset = next(obj for obj in children("checkout-oom") if obj["kind"] == "ReplicaSet")
    replicaset["metadata"]["ownerReferences"][0]["uid"] = live["metadata"]["uid"]
    stored = found.create(replicaset)
    made = []
    for pod in pods():
        pod["metadata"]["ownerReferences"][0]["uid"] = stored["metadata"]["uid"]
        made.append(found.create(pod))
    return live, made


def limits(found: Lab, some: list[KubeObject]) -> list[Any]:
    """Return the memory limit of each pod as it is now."""
    return [fields.lookup(found.read(pod), LIMIT) for pod in some]


def door(found: Lab, **named: Any) -> ClusterDoor:
    """Return a door that never sleeps."""
    fence = named.pop("fence", lambda _: None)
    return ClusterDoor(found.cluster, found.clock, fence, sleep=lambda _: None, **named)


def test_pods_are_resized_marked_and_resized_back(tmp_path: Path) -> None:
    """Each pod through /resize, the mark on the workload, whose spec stays as it is."""
    with lab(tmp_path) as found:
        live, some = running(found)
        planner = Planner(found.cluster, found.clock)
        made = planner.plan(target(live), RAISE)
        assert made.dry_run == "accepted by the API server"
        assert limits(found, some) == ["128Mi"] * 3
        applied = door(found, recheck=planner.recheck).write("p1", made)
        after = found.read(live)
        assert limits(found, some) == ["256Mi"] * 3
        assert applied.differences == ()
        assert after["metadata"]["annotations"][PROPOSAL] == "p1"
        assert after["spec"] == live["spec"]
        assert door(found).write("p1", made).replayed
        assert door(found).undo("p1", made, applied).differences == ()
        assert limits(found, some) == ["128Mi"] * 3


def test_a_crash_between_pods_is_resumed_without_a_second_resize(tmp_path: Path) -> None:
    """A pod that has its amount already is proof enough: it is not written again."""
    with lab(tmp_path) as found:
        live, some = running(found)
        made = Planner(found.cluster, found.clock).plan(target(live), RAISE)
        count = 0

        def closing(_: str) -> None:
            nonlocal count
            count += 1
            if count == 2:
                raise Refused("Paused", "paused")

        with pytest.raises(OutcomeUnknown, match="1 of 3 pods were resized, then: paused"):
            door(found, fence=closing).write("p1", made)
        assert limits(found, some) == ["256Mi", "128Mi", "128Mi"]
        door(found).write("p1", made)
        assert limits(found, some) == ["256Mi"] * 3
        assert [one.path.endswith("/resize") for one in found.writes] == [True, True, True, False]


def test_a_fence_that_is_closed_from_the_start_refuses(tmp_path: Path) -> None:
    """Nothing was resized, so the answer is a plain no."""

    def closed(_: str) -> None:
        raise Refused("Paused", "paused")

    with lab(tmp_path) as found:
        live, some = running(found)
        made = Planner(found.cluster, found.clock).plan(target(live), RAISE)
        with pytest.raises(Refused):
            door(found, fence=closed).write("p1", made)
        assert limits(found, some) == ["128Mi"] * 3


def test_a_lost_answer_to_a_resize_is_settled_by_the_value(tmp_path: Path) -> None:
    """The amount is there: nothing is written twice."""
    with lab(tmp_path, lambda asked, n: lost if asked.writes and n == 0 else None) as found:
        live, some = running(found)
        made = Planner(found.cluster, found.clock).plan(target(live), RAISE)
        door(found).write("p1", made)
        assert limits(found, some) == ["256Mi"] * 3
        assert len(found.writes) == 4


def test_a_pod_that_is_gone_does_not_stop_the_others(tmp_path: Path) -> None:
    """What did not land is reported as a difference."""
    with lab(tmp_path) as found:
        live, some = running(found)
        made = Planner(found.cluster, found.clock).plan(target(live), RAISE)
        name = some[0]["metadata"]["name"]
        found.send("DELETE", f"/api/v1/namespaces/shop/pods/{name}?gracePeriodSeconds=0")
        applied = door(found).write("p1", made)
        assert limits(found, some[1:]) == ["256Mi"] * 2
        assert [change.path for change in applied.differences] == [f"pods[{name}].{LIMIT}"]


def test_what_no_node_holds_is_refused_in_the_rehearsal(tmp_path: Path) -> None:
    """The API server refuses an infeasible resize at once: nobody is asked."""
    request = ActionRequest(
        "ResizePods", {"memory": {"absolute": "500Gi", "requestPolicy": "Equal"}}
    )
    with lab(tmp_path) as found:
        live, _ = running(found)
        with pytest.raises(ClusterRejected):
            Planner(found.cluster, found.clock).plan(target(live), request)
