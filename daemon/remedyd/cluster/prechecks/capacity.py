"""Is there room for what is asked: LimitRange, ResourceQuota, nodes, and the QoS class.

The API server takes a Deployment that no quota has room for; only its pods are refused, after
the old ones may be gone. So the sums are done here, before.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from remedyd.cluster import quantities
from remedyd.cluster.prechecks.scene import (
    Scene,
    amount,
    blocked,
    containers,
    passed,
    pod_total,
    warned,
    write,
)
from remedyd.cluster.rollout import desired_replicas, rolling
from remedyd.model.plan import Precheck
from remedyd.model.values import KubeObject

_SECTIONS = ("requests", "limits")
_RESOURCES = ("memory", "cpu")


def qos_class(pod: Mapping[str, Any]) -> str:
    """Return the QoS class of a pod spec: Guaranteed, Burstable or BestEffort."""
    parts = containers(pod)
    values = [amount(c, section, r) for c in parts for section in _SECTIONS for r in _RESOURCES]
    if not any(values):
        return "BestEffort"
    for container in parts:
        for resource in _RESOURCES:
            limit = amount(container, "limits", resource)
            if not limit or amount(container, "requests", resource) != limit:
                return "Burstable"
    return "Guaranteed"


def qos(scene: Scene) -> Precheck | None:
    """The QoS class decides who is evicted first; a resize must not change it."""
    if not scene.amounts:
        return None
    before = qos_class(scene.live["spec"]["template"]["spec"])
    after = qos_class(scene.after["spec"]["template"]["spec"])
    if before == after:
        return passed("QosClass", f"stays {after}")
    return warned(
        "QosClass",
        f"changes from {before} to {after}",
        "use requestPolicy: Follow, which keeps the proportion"
        if before == "Guaranteed"
        else "make sure that this order of eviction is meant",
    )


def limit_range(scene: Scene) -> Precheck | None:
    """Pods outside a LimitRange are refused when they are made."""
    if not scene.new_pods:
        return None
    found = scene.around.limit_ranges()
    pod = scene.after["spec"]["template"]["spec"]
    for one in found:
        for item in one["spec"].get("limits") or ():
            broken = next(_broken(item, pod), "")
            if broken:
                return blocked(
                    "LimitRange",
                    f"LimitRange {one['metadata']['name']}: {broken}",
                    "stay within it, or ask its owner to change it",
                )
    if not found:
        return passed("LimitRange", "no LimitRange in the namespace")
    return passed("LimitRange", f"within {', '.join(one['metadata']['name'] for one in found)}")


def _broken(item: KubeObject, pod: Mapping[str, Any]) -> Iterator[str]:
    if item.get("type") == "Pod":
        for resource, most in (item.get("max") or {}).items():
            total = pod_total(pod, "limits", resource)
            if total > quantities.parse(most):
                yield f"at most {most} {resource} per pod, planned {write(resource, total)}"
        return
    if item.get("type") != "Container":
        return
    for container in containers(pod):
        yield from _container(item, container)


def _container(item: KubeObject, container: KubeObject) -> Iterator[str]:
    name = container["name"]
    for resource, most in (item.get("max") or {}).items():
        limit = amount(container, "limits", resource)
        if limit is not None and limit > quantities.parse(most):
            planned = write(resource, limit)
            yield f"at most {most} {resource} per container, {name} gets {planned}"
    for resource, least in (item.get("min") or {}).items():
        request = amount(container, "requests", resource)
        if request is not None and request < quantities.parse(least):
            planned = write(resource, request)
            yield f"at least {least} {resource} per container, {name} requests {planned}"
    for resource, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        limit, request = (amount(container, s, resource) for s in ("limits", "requests"))
        if limit and request and limit / request > quantities.parse(ratio):
            yield f"{resource} limit at most {ratio} times the request, {name} is above"


def quota(scene: Scene) -> Precheck | None:
    """The namespace's quota must hold the pods in the end, and one more to begin with."""
    if not scene.new_pods:
        return None
    found = [one for one in scene.around.quotas() if _concerns(one, scene.after)]
    slow = ""
    for one in found:
        for key, hard in one["spec"].get("hard", {}).items():
            verdict, told = _room(scene, one, key, quantities.parse(hard))
            if verdict == "none":
                return blocked(
                    "Quota",
                    f"ResourceQuota {one['metadata']['name']}: {told}",
                    "free some of it, or ask its owner to raise it",
                )
            if verdict == "tight":
                slow = slow or f"ResourceQuota {one['metadata']['name']}: {told}"
    if slow:
        return warned("Quota", slow, "the rollout goes on only as old pods stop")
    if not found:
        return passed("Quota", "no ResourceQuota counts these pods")
    return passed("Quota", f"room in {', '.join(one['metadata']['name'] for one in found)}")


def headroom(workload: KubeObject, one: KubeObject) -> Iterator[tuple[str, str, Decimal]]:
    """Yield section, resource, and by how much each pod may grow within what a quota has left.

    Left out is what leaves no room at all: the check says so, in its own words.
    """
    pods, used = desired_replicas(workload), (one.get("status") or {}).get("used") or {}
    if not pods or not _concerns(one, workload):
        return
    surge, away = _surge(workload, pods)
    for key, hard in one["spec"].get("hard", {}).items():
        section, _, resource = key.partition(".")
        if not resource:
            section, resource = "requests", key
        if section not in _SECTIONS or resource not in _RESOURCES or key not in used:
            continue
        free = quantities.parse(hard) - quantities.parse(used[key])
        growth = free / pods
        if surge and not away:
            spec = workload["spec"]["template"]["spec"]
            growth = min(growth, free - pod_total(spec, section, resource))
        if growth > 0:
            yield section, resource, growth


def _room(scene: Scene, one: KubeObject, key: str, hard: Decimal) -> tuple[str, str]:
    """Return `ok`, `tight` or `none`, and the sentence that says why."""
    before, after = _per_pod(scene.live, key), _per_pod(scene.after, key)
    if before is None or after is None:
        return "ok", ""
    used = quantities.parse(one["status"]["used"][key])
    free = hard - used
    pods, wanted = desired_replicas(scene.live), desired_replicas(scene.after)
    lasting = wanted * after - pods * before
    said = f"{key} {write(key, used)} of {write(key, hard)} used"
    if _unset(scene.after, key):
        return "none", f"counts {key}, which container {_unset(scene.after, key)} does not set"
    if lasting > free:
        return "none", f"{said}, {write(key, lasting)} more needed"
    surge, away = _overlap(scene)
    if surge and after > free and not away:
        return "none", f"{said}, no room for the first new pod ({write(key, after)})"
    peak = lasting + surge * before
    if surge and peak > free:
        return "tight", f"{said}, {write(key, peak)} more needed while old and new pods overlap"
    return "ok", ""


def _overlap(scene: Scene) -> tuple[int, int]:
    """Return how many pods a rollout adds at first and how many it may take away."""
    pods = desired_replicas(scene.live)
    return _surge(scene.live, pods) if scene.replaces_pods else (0, pods)


def _surge(workload: KubeObject, pods: int) -> tuple[int, int]:
    strategy = workload["spec"].get("strategy") or {}
    if not pods or workload["kind"] != "Deployment" or strategy.get("type") == "Recreate":
        return 0, pods
    return rolling(workload, pods)


def _per_pod(workload: KubeObject, key: str) -> Decimal | None:
    """Return what one pod takes of a quota key, None for a key that pods do not count in."""
    if key in ("pods", "count/pods"):
        return Decimal(1)
    section, _, resource = key.partition(".")
    if not resource:
        section, resource = "requests", key
    if section not in _SECTIONS or resource not in _RESOURCES:
        return None
    return pod_total(workload["spec"]["template"]["spec"], section, resource)


def _unset(workload: KubeObject, key: str) -> str:
    section, _, resource = key.partition(".")
    if section not in _SECTIONS or resource not in _RESOURCES:
        return ""
    pod = workload["spec"]["template"]["spec"]
    return next(
        (str(c["name"]) for c in containers(pod) if amount(c, section, resource) is None), ""
    )


def _concerns(one: KubeObject, workload: KubeObject) -> bool:
    """Say whether a quota counts the workload's pods; a scope that is not known counts them."""
    pod = workload["spec"]["template"]["spec"]
    best_effort = qos_class(pod) == "BestEffort"
    known = {"Terminating": False, "BestEffort": best_effort, "NotBestEffort": not best_effort}
    if not all(known.get(scope, True) for scope in one["spec"].get("scopes") or ()):
        return False
    selected = (one["spec"].get("scopeSelector") or {}).get("matchExpressions") or ()
    for wanted in selected:
        if wanted.get("scopeName") == "PriorityClass" and wanted.get("operator") == "In":
            if pod.get("priorityClassName") not in (wanted.get("values") or ()):
                return False
        elif not known.get(wanted.get("scopeName", ""), True):
            return False
    return True


def node_fit(scene: Scene) -> Precheck | None:
    """A pod that asks for more than any node has stays Pending for ever."""
    if not scene.amounts:
        return None
    pod = scene.after["spec"]["template"]["spec"]
    requests = {resource: pod_total(pod, "requests", resource) for resource in _RESOURCES}
    limit = pod_total(pod, "limits", "memory")
    most = dict.fromkeys(_RESOURCES, Decimal(-1))
    taking = Decimal(-1)
    for node in scene.around.nodes():
        if not usable(node, pod):
            continue
        room = {resource: allocatable(node, resource) for resource in _RESOURCES}
        most = {resource: max(most[resource], room[resource]) for resource in _RESOURCES}
        if all(requests[resource] <= room[resource] for resource in _RESOURCES):
            taking = max(taking, room["memory"])
            if limit <= taking:
                name = node["metadata"]["name"]
                return passed("NodeFit", f"fits a ready node when it is empty: {name}")
    if taking < 0:
        return _no_node(requests, most)
    return warned(
        "NodeFit",
        f"a pod's memory limits add up to {write('memory', limit)}, the largest ready node "
        f"has {write('memory', taking)}",
        "the node may run out of memory before the limit is reached",
    )


def _no_node(requests: Mapping[str, Decimal], most: Mapping[str, Decimal]) -> Precheck:
    """Say what no ready node has; `most` is the most of each that any has, negative for none."""
    if min(most.values()) < 0:
        return blocked("NodeFit", "no ready node takes these pods", "look at the nodes first")
    for resource in _RESOURCES:
        if requests[resource] > most[resource]:
            return blocked(
                "NodeFit",
                f"a pod would request {write(resource, requests[resource])} {resource}, the "
                f"largest ready node has {write(resource, most[resource])}",
                "lower the request, or add a larger node",
            )
    return blocked(
        "NodeFit",
        "no ready node has both the memory and the CPU that a pod would request",
        "lower one of the requests, or add a larger node",
    )


def allocatable(node: KubeObject, resource: str) -> Decimal:
    """Return what a node has for pods."""
    return quantities.parse((node["status"].get("allocatable") or {}).get(resource, 0))


def usable(node: KubeObject, pod: Mapping[str, Any]) -> bool:
    """Say whether a node is ready and its labels and taints admit the pod."""
    spec = node["spec"]
    conditions = node["status"].get("conditions") or ()
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
    labels = node["metadata"].get("labels") or {}
    wanted = (pod.get("nodeSelector") or {}).items()
    if not ready or spec.get("unschedulable") or any(labels.get(k) != v for k, v in wanted):
        return False
    return all(
        _tolerated(taint, pod.get("tolerations") or ())
        for taint in spec.get("taints") or ()
        if taint.get("effect") in ("NoSchedule", "NoExecute")
    )


def _tolerated(taint: Mapping[str, Any], tolerations: Any) -> bool:
    for one in tolerations:
        if one.get("effect") not in (None, "", taint.get("effect")):
            continue
        if one.get("operator") == "Exists" and one.get("key") in (None, "", taint.get("key")):
            return True
        same_key = one.get("key") == taint.get("key")
        if same_key and one.get("value", "") == taint.get("value", ""):
            return True
    return False
