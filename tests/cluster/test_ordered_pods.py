"""A StatefulSet whose pods wait for each other: when a restart would come to nothing."""

from dataclasses import replace
from typing import Any

import pytest

from remedyd.model import KubeObject
from support.cluster import put, recorded
from support.prechecks import check, memory, replicas, restart


def hanging(live: KubeObject, **changes: Any) -> KubeObject:
    """Return a StatefulSet's first pod, which runs and is not ready."""
    owner = {"controller": True, "uid": live["metadata"]["uid"], "kind": "StatefulSet"}
    meta = {
        "namespace": live["metadata"]["namespace"],
        "labels": live["spec"]["selector"]["matchLabels"],
        "name": f"{live['metadata']['name']}-0",
        "ownerReferences": [owner],
    }
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}
    return {"kind": "Pod", "metadata": meta, "status": status | changes}


def in_order(policy: str = "OrderedReady") -> KubeObject:
    """Return a StatefulSet that treats its pods in this way."""
    return put(recorded("statefulset-orders-db"), "spec.podManagementPolicy", policy)


def test_a_restart_that_would_wait_for_a_hanging_pod_blocks() -> None:
    """The controller waits for the pod to be Ready and replaces none: the pod must be evicted."""
    live = in_order()
    answer = check("OrderedPods", live, restart(live), hanging(live))
    assert answer.result == "Block" and "orders-db-0" in answer.evidence
    assert "DeletePod" in answer.next_step


@pytest.mark.parametrize(
    "changes",
    [
        {"conditions": [{"type": "Ready", "status": "True"}]},
        {"phase": "Failed"},
        {"phase": "Succeeded"},
        {"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
        {"containerStatuses": [{"state": {"terminated": {"exitCode": 137}}}]},
    ],
)
def test_pods_that_are_replaced_do_not_stand_in_the_way(changes: dict[str, Any]) -> None:
    """Ready ones, ended ones, and ones that crash, which are Ready between two crashes."""
    live = in_order()
    assert check("OrderedPods", live, restart(live), hanging(live, **changes)).result == "Pass"


def test_a_pod_on_its_way_out_does_not_stand_in_the_way() -> None:
    """It ends by itself."""
    live = in_order()
    going = put(hanging(live), "metadata.deletionTimestamp", "2026-11-22T22:00:00Z")
    assert check("OrderedPods", live, restart(live), going).result == "Pass"


def test_another_template_is_written_before_the_hanging_pod_is_evicted() -> None:
    """Evicted before it, the pod would only be made of the old template again."""
    live = in_order()
    for planned in (memory(live, "1Gi"), replace(restart(live), action="RolloutUndo")):
        answer = check("OrderedPods", live, planned, hanging(live))
        assert answer.result == "Warn" and "after the change" in answer.next_step


def test_only_pods_in_order_wait_for_each_other() -> None:
    """Parallel replaces them all, OnDelete none, scaling leaves them, a Deployment has no order."""
    parallel, scaled, stateless = (
        in_order("Parallel"),
        in_order(),
        recorded("deployment-catalog-rolling"),
    )
    by_hand = put(in_order(), "spec.updateStrategy", {"type": "OnDelete"})
    for live in (parallel, by_hand):
        assert check("OrderedPods", live, restart(live), hanging(live)).name == "absent"
    assert check("OrderedPods", scaled, replicas(scaled, 4), hanging(scaled)).name == "absent"
    assert check("OrderedPods", stateless, restart(stateless)).name == "absent"
