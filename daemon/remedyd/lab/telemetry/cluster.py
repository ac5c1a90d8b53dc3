"""What the k8s_cluster receiver reports: the objects of the API server as numbers."""

from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.controllers.objects import (
    DAEMONSETS,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    PODS,
    QUOTAS,
    REPLICASETS,
    STATEFULSETS,
    condition,
)
from remedyd.lab.quantities import quantity
from remedyd.lab.telemetry.documents import Page
from remedyd.lab.telemetry.resources import Resources
from remedyd.model.values import KubeObject

_PHASES = {"Pending": 1, "Running": 2, "Succeeded": 3, "Failed": 4}
_TRUTH = {"True": 1, "False": 0, "Unknown": -1}
_REASON_UNKNOWN = 6
_AUTOSCALERS = "autoscaling/v2/horizontalpodautoscalers"


def report(store: ObjectStore, resources: Resources, page: Page, start: str) -> None:
    """Add the documents of one scrape; `start` is when the collector started."""
    for namespace in store.scan(NAMESPACES):
        phase = 1 if (namespace.get("status") or {}).get("phase", "Active") == "Active" else 0
        page.add(resources.namespace(namespace), {"k8s.namespace.phase": phase}, start=start)
    for node in store.scan(NODES):
        _node(resources, page, node)
    _workloads(store, resources, page, start)
    for quota in store.scan(QUOTAS):
        _quota(resources, page, start, quota)
    for pod in store.scan(PODS):
        _pod(resources, page, start, pod)


def _node(resources: Resources, page: Page, node: KubeObject) -> None:
    who, status = resources.node(node), node.get("status") or {}
    states = {
        f"k8s.node.condition_{name}": _TRUTH[found["status"]] if found else -1
        for name, found in (
            ("ready", condition(status, "Ready")),
            ("memory_pressure", condition(status, "MemoryPressure")),
        )
    }
    page.add(who, states, unit="{condition}")
    room = status.get("allocatable") or {}
    page.add(who, {"k8s.node.allocatable_cpu": quantity(room.get("cpu"))}, unit="{cpu}")
    memory = int(quantity(room.get("memory")))
    page.add(who, {"k8s.node.allocatable_memory": memory}, unit="By")


def _numbers(
    obj: KubeObject, prefix: str, fields: dict[str, tuple[str, str]]
) -> dict[str, int | float]:
    return {
        f"{prefix}.{name}": int((obj.get(part) or {}).get(field) or 0)
        for name, (part, field) in fields.items()
    }


_DEPLOYMENT = {"desired": ("spec", "replicas"), "available": ("status", "availableReplicas")}
_STATEFULSET = {
    "desired_pods": ("spec", "replicas"),
    "ready_pods": ("status", "readyReplicas"),
    "current_pods": ("status", "currentReplicas"),
    "updated_pods": ("status", "updatedReplicas"),
}
_DAEMONSET = {
    "current_scheduled_nodes": ("status", "currentNumberScheduled"),
    "desired_scheduled_nodes": ("status", "desiredNumberScheduled"),
    "misscheduled_nodes": ("status", "numberMisscheduled"),
    "ready_nodes": ("status", "numberReady"),
}
_AUTOSCALER = {
    "max_replicas": ("spec", "maxReplicas"),
    "min_replicas": ("spec", "minReplicas"),
    "current_replicas": ("status", "currentReplicas"),
    "desired_replicas": ("status", "desiredReplicas"),
}
_KINDS = (
    (DEPLOYMENTS, "deployment", _DEPLOYMENT, "{pod}"),
    (REPLICASETS, "replicaset", _DEPLOYMENT, "{pod}"),
    (STATEFULSETS, "statefulset", _STATEFULSET, "{pod}"),
    (DAEMONSETS, "daemonset", _DAEMONSET, "{node}"),
    (_AUTOSCALERS, "hpa", _AUTOSCALER, "{pod}"),
)


def _workloads(store: ObjectStore, resources: Resources, page: Page, start: str) -> None:
    for gvr, kind, fields, unit in _KINDS:
        for obj in store.scan(gvr):
            numbers = _numbers(obj, f"k8s.{kind}", fields)
            page.add(resources.object(kind, obj), numbers, unit=unit, start=start)


def _quota(resources: Resources, page: Page, start: str, quota: KubeObject) -> None:
    status = quota.get("status") or {}
    who = resources.object("resourcequota", quota)
    for name, hard in (status.get("hard") or {}).items():
        scale = 1000 if name.endswith("cpu") else 1
        used = (status.get("used") or {}).get(name)
        page.add(
            who,
            {
                "k8s.resource_quota.hard_limit": int(quantity(hard) * scale),
                "k8s.resource_quota.used": int(quantity(used) * scale),
            },
            unit="{resource}",
            start=start,
            attributes={"resource": name},
        )


def _pod(resources: Resources, page: Page, start: str, pod: KubeObject) -> None:
    status = pod.get("status") or {}
    phase = _PHASES.get(status.get("phase", "Pending"), 5)
    numbers = {"k8s.pod.phase": phase, "k8s.pod.status_reason": _REASON_UNKNOWN}
    page.add(resources.pod(pod), numbers, start=start)
    specs = {spec["name"]: spec for spec in pod["spec"]["containers"]}
    for found in status.get("containerStatuses") or ():
        who = resources.container(pod, found)
        cpu, memory = _requirements(specs[found["name"]])
        page.add(who, cpu, unit="{cpu}", start=start)
        page.add(who, memory, unit="By", start=start)
        if found.get("containerID"):
            restarts = {"k8s.container.restarts": int(found["restartCount"])}
            page.add(who, restarts, unit="{restart}", start=start)
            page.add(who, {"k8s.container.ready": int(found["ready"])}, start=start)


def _requirements(
    spec: KubeObject,
) -> tuple[dict[str, int | float], dict[str, int | float]]:
    cpu: dict[str, int | float] = {}
    memory: dict[str, int | float] = {}
    for part, name in (("requests", "request"), ("limits", "limit")):
        values = (spec.get("resources") or {}).get(part) or {}
        if "cpu" in values:
            cpu[f"k8s.container.cpu_{name}"] = quantity(values["cpu"])
        if "memory" in values:
            memory[f"k8s.container.memory_{name}"] = int(quantity(values["memory"]))
    return cpu, memory
