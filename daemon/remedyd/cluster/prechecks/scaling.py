"""Autoscalers own what they scale: writing it beside them is a tug-of-war."""

from remedyd.cluster.prechecks.scene import Scene, blocked, passed, warned
from remedyd.cluster.rollout import condition
from remedyd.model.plan import Precheck
from remedyd.model.values import KubeObject


def horizontal(scene: Scene) -> Precheck | None:
    """Replicas under a HorizontalPodAutoscaler are its own; its percentages are of requests."""
    if not scene.scales and not scene.amounts:
        return None
    found = scene.around.autoscalers()
    if not found:
        return passed("Autoscaler", "no HorizontalPodAutoscaler scales it")
    name = found[0]["metadata"]["name"]
    if scene.scales:
        return blocked("Autoscaler", f"{_describe(found[0])} owns the replicas", _step(found[0]))
    touched = {c.path.rpartition(".")[2] for c in scene.amounts if ".requests." in c.path}
    measured = sorted(touched & _utilization(found[0]))
    if measured:
        return warned(
            "Autoscaler",
            f"HorizontalPodAutoscaler {name} scales on {measured[0]} as a share of the request: "
            "another request means another number of pods",
            "set its target to the same amount as before",
        )
    return passed("Autoscaler", f"HorizontalPodAutoscaler {name} does not depend on these fields")


def limited(autoscaler: KubeObject) -> bool:
    """Say whether an autoscaler wants more pods than its maximum allows."""
    found = condition(autoscaler, "ScalingLimited")
    return found.get("status") == "True" and found.get("reason") == "TooManyReplicas"


def _describe(autoscaler: KubeObject) -> str:
    spec, meta = autoscaler["spec"], autoscaler["metadata"]
    least = spec.get("minReplicas", 1)
    return f"HorizontalPodAutoscaler {meta['name']} ({least} to {spec['maxReplicas']})"


def _step(autoscaler: KubeObject) -> str:
    if limited(autoscaler):
        return "it is at its maximum: raise maxReplicas with AdjustHPA"
    return "let it scale; change its minReplicas or its target when that is wrong"


def _utilization(autoscaler: KubeObject) -> set[str]:
    names = set()
    for metric in autoscaler["spec"].get("metrics") or ():
        source = metric.get("resource") or metric.get("containerResource") or {}
        if (source.get("target") or {}).get("type") == "Utilization":
            names.add(str(source.get("name")))
    return names


def vertical(scene: Scene) -> Precheck | None:
    """Requests under an acting VerticalPodAutoscaler are overwritten when pods are made."""
    if not scene.amounts:
        return None
    found = scene.around.vertical_autoscalers()
    for autoscaler in found:
        policy = autoscaler["spec"].get("updatePolicy") or {}
        mode = policy.get("updateMode", "Auto")
        if mode != "Off":
            name = autoscaler["metadata"]["name"]
            return blocked(
                "VerticalAutoscaler",
                f"VerticalPodAutoscaler {name} ({mode}) owns the resources",
                "change its resourcePolicy instead",
            )
    if found:
        return passed("VerticalAutoscaler", "a VerticalPodAutoscaler only recommends (Off)")
    return passed("VerticalAutoscaler", "no VerticalPodAutoscaler sizes it")
