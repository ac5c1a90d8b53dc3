"""What those who use the workload will notice."""

from collections.abc import Iterator

from remedyd.cluster.prechecks.scene import Scene, blocked, passed, warned
from remedyd.cluster.rollout import desired_replicas, rolling
from remedyd.model.plan import Precheck
from remedyd.model.values import KubeObject


def budget(scene: Scene) -> Precheck | None:
    """A PodDisruptionBudget guards evictions; a rolling update goes past it."""
    evicts = scene.plan.patch is not None and scene.plan.patch.subresource == "eviction"
    if not evicts and not scene.replaces_pods:
        return None
    found = scene.around.disruption_budgets()
    if not found:
        return passed("DisruptionBudget", "no PodDisruptionBudget covers its pods")
    if evicts:
        return _eviction(scene, found)
    spent = [one for one in found if not (one.get("status") or {}).get("disruptionsAllowed")]
    if not spent:
        return passed("DisruptionBudget", f"{_describe(found[0])}; a rollout does not ask it")
    return warned(
        "DisruptionBudget",
        f"{_describe(spent[0])}; a rollout does not ask it and replaces pods all the same",
        "an in-place resize disturbs no pod",
    )


def _eviction(scene: Scene, found: list[KubeObject]) -> Precheck:
    if len(found) > 1:
        names = ", ".join(one["metadata"]["name"] for one in found)
        return blocked(
            "DisruptionBudget",
            f"the pod is covered by {names}: the API server evicts under one budget only",
            "leave it with one PodDisruptionBudget",
        )
    if (found[0].get("status") or {}).get("disruptionsAllowed"):
        return passed("DisruptionBudget", _describe(found[0]))
    policy = found[0]["spec"].get("unhealthyPodEvictionPolicy", "IfHealthyBudget")
    if not _ready(scene):
        if policy == "AlwaysAllow":
            told = f"{_describe(found[0])}, but unhealthy pods may always be evicted"
            return passed("DisruptionBudget", told)
        if _healthy(found[0]):
            told = f"{_describe(found[0])}, and evicting an unhealthy pod takes none of them"
            return passed("DisruptionBudget", told)
    return blocked(
        "DisruptionBudget",
        f"{_describe(found[0])} (unhealthyPodEvictionPolicy {policy})",
        "wait for healthy pods, or set unhealthyPodEvictionPolicy: AlwaysAllow",
    )


def _healthy(one: KubeObject) -> bool:
    """Say whether the budget holds, so that unhealthy pods may go under IfHealthyBudget."""
    status = one.get("status") or {}
    return 0 < int(status.get("desiredHealthy") or 0) <= int(status.get("currentHealthy") or 0)


def _ready(scene: Scene) -> bool:
    name = scene.plan.patch.name if scene.plan.patch else ""
    pod = next((pod for pod in scene.around.pods() if pod["metadata"]["name"] == name), None)
    conditions = ((pod or {}).get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _describe(one: KubeObject) -> str:
    status = one.get("status") or {}
    allowed = status.get("disruptionsAllowed", 0)
    healthy, needed = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    counts = f"{healthy} healthy, {needed} needed"
    return f"PodDisruptionBudget {one['metadata']['name']} allows {allowed} disruptions ({counts})"


def downtime(scene: Scene) -> Precheck | None:
    """Pods that cannot overlap leave a gap while they are replaced."""
    if not scene.replaces_pods:
        return None
    pods = desired_replicas(scene.live)
    if pods == 0:
        return passed("Downtime", "no pods run now")
    reason = _gap(scene.live, pods)
    if reason:
        return warned("Downtime", reason, "approve it for a quiet time, or add a replica first")
    for name, modes in _claims(scene):
        if "ReadWriteOncePod" in modes:
            return blocked(
                "Downtime",
                f"volume {name} is ReadWriteOncePod: the new pod waits for the old one for ever",
                "use strategy Recreate",
            )
        if not any(mode.endswith("Many") for mode in modes):
            return warned(
                "Downtime",
                f"volume {name} is ReadWriteOnce: a new pod on another node waits for the old one",
                "approve it for a quiet time",
            )
    return passed("Downtime", f"old and new of {pods} pods overlap")


def _gap(workload: KubeObject, pods: int) -> str:
    spec = workload["spec"]
    kind = workload["kind"]
    if kind == "StatefulSet":
        return "the only pod is stopped before its replacement starts" if pods == 1 else ""
    if kind == "DaemonSet":
        surge = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("maxSurge", 0)
        return "" if surge else "each node is without its pod for a moment"
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return f"strategy Recreate stops all {pods} pods before the new ones start"
    _, away = rolling(workload, pods)
    if away >= pods:
        return f"the rolling update may stop all {pods} pods at once (maxUnavailable {away})"
    return ""


def _claims(scene: Scene) -> Iterator[tuple[str, list[str]]]:
    """Yield the claims that old and new pods of a Deployment would have to share."""
    if scene.live["kind"] != "Deployment":
        return
    for volume in scene.live["spec"]["template"]["spec"].get("volumes") or ():
        claim = volume.get("persistentVolumeClaim")
        if claim:
            name = claim["claimName"]
            yield name, list(scene.around.claim(name)["spec"].get("accessModes") or ())
