"""Read-back: does the change hold, did it arrive, and who took it away?"""

from decimal import Decimal

import pytest

from remedyd.cluster import fields
from remedyd.cluster.readback import Finding, read_back
from remedyd.model import FieldChange, KubeObject, Patch, Plan
from support.cluster import children, put, recorded, target_of

LIMIT = "spec.template.spec.containers[app].resources.limits.memory"
WRITTEN = 256 * 2**20


def applied() -> tuple[Plan, KubeObject]:
    """Return a plan for checkout's memory and the Deployment after it."""
    live = recorded("deployment-checkout-oom")
    changes = (FieldChange(LIMIT, "128Mi", "256Mi"),)
    plan = Plan(
        target=target_of(live),
        action="UpdateResources",
        params={},
        changes=changes,
        patch=Patch(fields.patch_body(changes)),
        undo=None,
        diff="",
        consequence="",
    )
    return plan, fields.changed(live, changes)


def pods(memory: str) -> list[KubeObject]:
    """Return checkout's pods with a memory limit."""
    found = [obj for obj in children("checkout-oom") if obj["kind"] == "Pod"]
    for pod in found:
        pod["status"]["containerStatuses"][0].pop("resources", None)
    return [put(pod, "spec.containers.0.resources.limits.memory", memory) for pod in found]


def replicaset(memory: str) -> KubeObject:
    """Return checkout's ReplicaSet with a memory limit."""
    found = next(obj for obj in children("checkout-oom") if obj["kind"] == "ReplicaSet")
    return put(found, "spec.template.spec.containers.0.resources.limits.memory", memory)


def test_a_change_that_arrived_everywhere_holds() -> None:
    """Template, ReplicaSet, pods and telemetry agree, in whatever spelling."""
    plan, live = applied()
    found = read_back(
        plan, live, pods("0.25Gi"), [replicaset("256Mi")], telemetry_limit=Decimal(WRITTEN)
    )
    assert (found.finding, found.reason) == (Finding.HOLDS, "Holds")


def test_pods_that_run_with_another_amount_than_they_say_make_it_ineffective() -> None:
    """What counts is what the kubelet has put in force."""
    plan, live = applied()
    found = pods("256Mi")
    resources = {"limits": {"memory": "128Mi"}}
    found[0]["status"]["containerStatuses"][0]["resources"] = resources
    seen = read_back(plan, live, found)
    assert seen.reason == "ChangeNotEffective"
    assert "runs without the 256Mi at" in seen.evidence


def test_what_landed_otherwise_is_not_called_reverted() -> None:
    """A webhook changed the write itself: nobody took it away, it never arrived."""
    plan, live = applied()
    capped = fields.changed(live, [FieldChange(LIMIT, "256Mi", "200Mi")])
    left = [FieldChange(LIMIT, "256Mi", "200Mi")]
    found = read_back(plan, capped, left=left)
    assert found.reason == "ChangeNotEffective"
    assert "landed as 200Mi instead of 256Mi" in found.evidence
    assert read_back(plan, capped).finding is Finding.REVERTED


def test_a_rollout_that_has_not_begun_is_no_answer_yet() -> None:
    """While it rolls out, the latest ReplicaSet may be the one from before."""
    plan, live = applied()
    old = replicaset("128Mi")
    assert read_back(plan, live, [], [old], rolling=True).reason == "Holds"
    assert read_back(plan, live, [], [old]).reason == "ChangeNotEffective"
    assert read_back(plan, live, pods("16Mi"), [replicaset("256Mi")], rolling=True).reason == (
        "ChangeNotEffective"
    )


def test_pods_with_another_amount_make_the_change_ineffective() -> None:
    """A webhook caps new pods: the template says one thing, the pods another."""
    plan, live = applied()
    found = read_back(plan, live, pods("16Mi"))
    assert found.reason == "ChangeNotEffective"
    assert "has 16Mi at spec.containers[app].resources.limits.memory" in found.evidence


def test_a_replicaset_with_another_amount_is_found() -> None:
    """Between template and pods stands the ReplicaSet."""
    plan, live = applied()
    found = read_back(plan, live, [], [replicaset("128Mi")])
    assert found.finding is Finding.CHANGE_NOT_EFFECTIVE
    assert found.evidence.startswith("ReplicaSet checkout-")


def test_only_the_latest_replicaset_counts() -> None:
    """Older revisions have the older amounts."""
    plan, live = applied()
    found = read_back(plan, live, [], [replicaset("256Mi"), replicaset("128Mi")])
    assert found.finding is Finding.HOLDS


def test_telemetry_with_another_limit_is_found() -> None:
    """What the kubelet reports is what is in force."""
    plan, live = applied()
    found = read_back(plan, live, telemetry_limit=Decimal(128 * 2**20))
    assert found.finding is Finding.CHANGE_NOT_EFFECTIVE
    assert "telemetry says a memory limit of 128Mi" in found.evidence


def test_whoever_reverts_the_change_is_named() -> None:
    """managedFields say who set the field last, and when."""
    plan, live = applied()
    put(live, "spec.template.spec.containers.0.resources.limits.memory", "128Mi")
    live["metadata"]["managedFields"][0]["manager"] = "argocd-controller"
    found = read_back(plan, live)
    assert found.reason == "RevertedBy argocd-controller"
    assert f"{LIMIT} is 128Mi again instead of 256Mi" in found.evidence
    assert "at 2026-11-22 22:06:25" in found.evidence


def test_another_value_is_a_revert_too() -> None:
    """Whoever sets a third value has taken the field over."""
    plan, live = applied()
    put(live, "spec.template.spec.containers.0.resources.limits.memory", "4Mi")
    found = read_back(plan, live)
    assert found.finding is Finding.REVERTED
    assert "is 4Mi instead of" in found.evidence


def test_without_managed_fields_the_manager_is_unknown() -> None:
    """It was reverted all the same."""
    plan, live = applied()
    put(live, "spec.template.spec.containers.0.resources.limits.memory", "128Mi")
    live["metadata"]["managedFields"] = []
    assert read_back(plan, live).reason == "RevertedBy an unknown manager"


@pytest.mark.parametrize("replicas", [3, 5])
def test_other_fields_are_read_back_on_the_workload(replicas: int) -> None:
    """A scaled workload is compared by its replicas."""
    live = put(recorded("deployment-checkout-oom"), "spec.replicas", replicas)
    changes = (FieldChange("spec.replicas", 3, 5),)
    plan, _ = applied()
    scaled = Plan(plan.target, "Scale", {}, changes, Patch({}), None, "", "")
    held = read_back(scaled, live, pods("1Mi")).finding is Finding.HOLDS
    assert held is (replicas == 5)
