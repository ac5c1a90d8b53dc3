"""What is read back, where, and when a difference counts: over a cluster in memory."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from remedyd.cluster import fields
from remedyd.cluster.ports import FIELD_MANAGER
from remedyd.cluster.readback import Finding, inspect, read_back, undo_lost
from remedyd.model import FieldChange, Json, KubeObject, Patch, Plan
from support.fakecluster import MEMORY, FakeCluster, cluster
from support.proposals import a_plan

RAISE = FieldChange(MEMORY, "256Mi", "384Mi")
POD_MEMORY = MEMORY.removeprefix("spec.template.")
MEBI = 2**20


def planned(*changes: FieldChange, **parts: Any) -> Plan:
    """Return a plan of these changes about `checkout`."""
    told = changes or (RAISE,)
    undo = Patch(fields.patch_body(told, undo=True))
    return replace(a_plan(), changes=told, patch=Patch(fields.patch_body(told)), undo=undo, **parts)


def world(memory: str = "384Mi", *, pod: str = "384Mi", replicaset: str = "384Mi") -> FakeCluster:
    """Return `checkout` with a ReplicaSet and a pod, each with its own memory limit."""
    made = cluster("checkout")
    live = made.objects["Deployment", "shop", "checkout"]
    live["metadata"]["uid"] = "uid-of-checkout"
    put(live, MEMORY, memory)
    labels = {"app": "checkout"}
    owner = {"controller": True, "uid": "uid-of-checkout"}
    meta = {"namespace": "shop", "labels": labels}
    made.add(
        {
            "kind": "ReplicaSet",
            "metadata": {**meta, "name": "rs", "uid": "rs", "ownerReferences": [owner]},
            "spec": {"template": {"spec": {"containers": [container(replicaset)]}}},
        }
    )
    made.add(
        {
            "kind": "Pod",
            "metadata": {
                **meta,
                "name": "pod",
                "uid": "uid-pod",
                "ownerReferences": [{"controller": True, "uid": "rs"}],
            },
            "spec": {"containers": [container(pod)]},
            "status": {"phase": "Running"},
        }
    )
    return made


def container(memory: str) -> dict[str, Any]:
    """Return a container with a limit."""
    return {"name": "app", "resources": {"limits": {"memory": memory}}}


def put(obj: KubeObject, path: str, value: Json) -> None:
    """Set a field."""
    changed = fields.changed(obj, [FieldChange(path, None, value)])
    obj.clear()
    obj.update(changed)


def found(made: FakeCluster, plan: Plan | None = None, **how: Any) -> str:
    """Return the finding of an inspection."""
    return inspect(made, plan or planned(), **how).finding.value


# where it looks


@pytest.mark.parametrize(
    ("parts", "finding"),
    [
        ({}, "Holds"),
        ({"pod": "256Mi"}, "ChangeNotEffective"),
        ({"replicaset": "256Mi"}, "ChangeNotEffective"),
        ({"memory": "256Mi"}, "Reverted"),
        ({"memory": "1Gi"}, "Reverted"),
    ],
)
def test_template_replica_set_and_pods_are_compared(parts: dict[str, Any], finding: str) -> None:
    """The first that has another amount is what is told."""
    assert found(world(**parts)) == finding


def test_while_it_rolls_out_an_older_replica_set_says_nothing() -> None:
    """But a template that was changed does, and once rolled out everything counts."""
    assert found(world(replicaset="256Mi", pod="256Mi"), rolling=True) == "Holds"
    assert found(world(memory="256Mi"), rolling=True) == "Reverted"
    assert found(world(pod="256Mi"), rolling=True) == "ChangeNotEffective"


def test_what_is_no_amount_needs_no_pods() -> None:
    """Replicas, annotations and images are settled by the workload itself: nothing else is read."""
    made = world(pod="1Mi", replicaset="1Mi")
    scaled = planned(FieldChange("spec.replicas", 1, 2))
    marked = planned(FieldChange("spec.template.metadata.annotations[x]", None, "y"))
    made.objects["Deployment", "shop", "checkout"]["spec"]["template"]["metadata"][
        "annotations"
    ] = {"x": "y"}
    made.requests.clear()
    assert (found(made, scaled), found(made, marked)) == ("Holds", "Holds")
    assert {kind for _, kind, _ in made.requests} == {"Deployment"}


def test_what_cannot_be_undone_is_not_looked_at() -> None:
    """A restart leaves nothing that anybody could take back."""
    made = world(memory="1Mi")
    made.requests.clear()
    assert found(made, replace(planned(), undo=None)) == "Holds"
    assert made.requests == []


def scaler(maximum: int) -> KubeObject:
    """Return an autoscaler."""
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaler", "namespace": "shop"},
        "spec": {"maxReplicas": maximum},
    }


def adjusting() -> Plan:
    """Return a plan about the autoscaler."""
    plan = planned(FieldChange("spec.maxReplicas", 4, 5))
    assert plan.patch is not None
    return replace(plan, patch=replace(plan.patch, kind="HorizontalPodAutoscaler", name="scaler"))


@pytest.mark.parametrize(("maximum", "finding"), [(5, "Holds"), (4, "Reverted")])
def test_another_object_is_read_where_it_was_written(maximum: int, finding: str) -> None:
    """The autoscaler, not the workload."""
    made = world()
    made.add(scaler(maximum))
    made.requests.clear()
    assert found(made, adjusting()) == finding
    assert {kind for _, kind, _ in made.requests} == {"HorizontalPodAutoscaler"}


# what counts as a difference


@pytest.mark.parametrize(
    ("limit", "finding"),
    [
        (None, "Holds"),
        (384, "Holds"),
        (387, "Holds"),
        (388, "ChangeNotEffective"),
        (380, "ChangeNotEffective"),
        (256, "ChangeNotEffective"),
    ],
)
def test_telemetry_may_round_by_a_hundredth(limit: int | None, finding: str) -> None:
    """More is another limit than was written."""
    told = None if limit is None else Decimal(limit * MEBI)
    assert found(world(), telemetry_limit=told) == finding


def test_telemetry_of_memory_says_nothing_of_other_fields() -> None:
    """Requests, CPU and limits that were removed are not compared with it."""
    live: KubeObject = {"metadata": {}, "spec": {}}
    for change in (
        FieldChange(MEMORY.replace("limits", "requests"), None, "1Mi"),
        FieldChange(MEMORY.replace("memory", "cpu"), None, "1"),
        FieldChange(MEMORY, "256Mi", None),
    ):
        template = {"spec": {"containers": [{"name": "app", "resources": {}}]}}
        live["spec"] = {"template": template}
        put(live, change.path, change.new)
        assert read_back(planned(change), live, telemetry_limit=Decimal(9)).finding == "Holds"


def test_the_first_finding_is_told() -> None:
    """Pods before telemetry: the nearer cause is the better answer."""
    made = world(pod="256Mi")
    told = inspect(made, planned(), telemetry_limit=Decimal(1)).evidence
    assert told.startswith("pod pod has 256Mi")


def test_what_landed_otherwise_is_told_once_and_not_as_a_revert() -> None:
    """A webhook capped the write: that was known at the time, and is not somebody's revert."""
    capped = (FieldChange(MEMORY, "384Mi", "300Mi"),)
    seen = inspect(world(memory="300Mi"), planned(), left=capped)
    assert seen.finding is Finding.CHANGE_NOT_EFFECTIVE
    assert "landed as 300Mi instead of 384Mi" in seen.evidence
    assert inspect(world(memory="256Mi"), planned(), left=capped).finding is Finding.REVERTED


# who did it


def managed(live: KubeObject, *managers: tuple[str, str]) -> None:
    """Say who set the memory limit, and when."""
    tree: dict[str, Any] = {"f:resources": {"f:limits": {"f:memory": {}}}}
    spec = {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': tree}}}}
    live["metadata"]["managedFields"] = [
        {"manager": name, "operation": "Update", "fieldsV1": {"f:spec": spec}}
        | ({"time": at} if at else {})
        for name, at in managers
    ]


def test_the_one_who_reverted_it_is_named_with_the_time() -> None:
    """The latest that is not remedyd; without a time none is told."""
    made = world(memory="256Mi")
    live = made.objects["Deployment", "shop", "checkout"]
    managed(
        live,
        (FIELD_MANAGER, "2026-11-05T15:00:00Z"),
        ("helm", "2026-11-05T13:00:00Z"),
        ("argocd-controller", "2026-11-05T14:00:00Z"),
    )
    seen = inspect(made, planned())
    assert seen.reason == "RevertedBy argocd-controller"
    assert "is 256Mi again instead of 384Mi, set by argocd-controller at 2026-11-05 14:00:00" in (
        seen.evidence
    )
    managed(live, ("helm", ""))
    assert inspect(made, planned()).evidence.endswith("set by helm")
    managed(live, (FIELD_MANAGER, ""))
    assert inspect(made, planned()).reason == "RevertedBy an unknown manager"


@pytest.mark.parametrize(("now", "lasting"), [("256Mi", True), ("1Gi", True), (None, False)])
def test_a_revert_lasts_where_it_would_come_again(now: Json, lasting: bool) -> None:
    """The old value or another amount is meant; a field that went with a new release is not."""
    live = world().objects["Deployment", "shop", "checkout"]
    put(live, MEMORY, now)
    assert read_back(planned(), live).lasting is lasting


def test_the_old_value_is_that_of_the_same_field() -> None:
    """Of two changes the one that was lost is compared with its own past."""
    cpu = MEMORY.replace("memory", "cpu")
    plan = planned(FieldChange(cpu, "1", "2"), RAISE)
    live = world(memory="256Mi").objects["Deployment", "shop", "checkout"]
    put(live, cpu, "2")
    assert "is 256Mi again" in read_back(plan, live).evidence


# pods that were resized


def resized(count: int = 2) -> tuple[FakeCluster, Plan]:
    """Return resized pods, and the plan that did it."""
    made = cluster("checkout")
    changes = []
    patches = []
    for number in range(count):
        name = f"pod-{number}"
        meta = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
        made.add({"kind": "Pod", "metadata": meta, "spec": {"containers": [container("384Mi")]}})
        changes.append(FieldChange(f"pods[{name}].{POD_MEMORY}", "256Mi", "384Mi"))
        patches.append(Patch({}, "", "resize", "Pod", name, f"uid-{name}"))
    return made, _about(changes, patches)


def _about(changes: list[FieldChange], patches: list[Patch]) -> Plan:
    return replace(
        a_plan(), changes=tuple(changes), patch=Patch({}), undo=Patch({}), pods=tuple(patches)
    )


def test_pods_that_have_their_amount_hold() -> None:
    """Those that were replaced meanwhile say nothing."""
    made, plan = resized(3)
    assert inspect(made, plan).evidence == "3 pods are as they were resized"
    del made.objects["Pod", "shop", "pod-0"]
    made.objects["Pod", "shop", "pod-1"]["metadata"]["uid"] = "another"
    seen = inspect(made, plan)
    assert (seen.finding, seen.evidence) == (Finding.HOLDS, "1 pods are as they were resized")


def test_when_all_pods_are_new_the_resize_is_gone() -> None:
    """The template was never changed."""
    made, plan = resized()
    for name in ("pod-0", "pod-1"):
        del made.objects["Pod", "shop", name]
    assert inspect(made, plan).finding is Finding.REVERTED


def test_a_pod_that_somebody_resized_again_is_named() -> None:
    """Even when the pods before it are as they should be, or gone."""
    made, plan = resized(3)
    put(made.objects["Pod", "shop", "pod-2"], POD_MEMORY, "256Mi")
    seen = inspect(made, plan)
    assert seen.finding is Finding.REVERTED
    assert seen.evidence.startswith("pod pod-2: ")
    del made.objects["Pod", "shop", "pod-0"]
    made.objects["Pod", "shop", "pod-1"]["metadata"]["uid"] = "another"
    assert inspect(made, plan).finding is Finding.REVERTED


def test_a_pod_that_never_took_it_is_as_it_was_left() -> None:
    """That was told when it was written."""
    made, plan = resized(1)
    put(made.objects["Pod", "shop", "pod-0"], POD_MEMORY, "256Mi")
    left = (FieldChange(f"pods[pod-0].{POD_MEMORY}", "384Mi", "256Mi"),)
    assert inspect(made, plan, left=left).finding is Finding.HOLDS


# after an undo


def test_an_undo_holds_while_the_old_value_is_there() -> None:
    """Else the field and its value are told."""
    made = world(memory="256Mi")
    live = made.objects["Deployment", "shop", "checkout"]
    assert undo_lost(made, planned(), live) == ""
    put(live, MEMORY, "384Mi")
    assert "is 384Mi again instead of 256Mi" in undo_lost(made, planned(), live)


def test_an_undo_elsewhere_is_read_there() -> None:
    """At the autoscaler; the workload does not matter."""
    made = world()
    made.add(scaler(4))
    live = made.objects["Deployment", "shop", "checkout"]
    assert undo_lost(made, adjusting(), live) == ""
    made.objects["HorizontalPodAutoscaler", "shop", "scaler"]["spec"]["maxReplicas"] = 5
    assert "spec.maxReplicas is 5" in undo_lost(made, adjusting(), live)
