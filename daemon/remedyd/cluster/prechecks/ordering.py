"""A StatefulSet that keeps its pods in order waits for each of them, for ever if need be.

With podManagementPolicy OrderedReady (the default) the controller goes through the pods from the
lowest number up before it replaces any for a new template, and stops at the first that is not
Ready: a pod that hangs is not replaced, nor is any other. Kubernetes documents this under "forced
rollback". A pod that has ended is made anew, and one that crashes may be Ready between two
crashes, so neither counts here.
"""

from collections.abc import Mapping
from typing import Any

from remedyd.cluster.prechecks.scene import Scene, blocked, passed, warned
from remedyd.cluster.rollout import condition
from remedyd.model.plan import Precheck

_NAME = "OrderedPods"


def ordered_pods(scene: Scene) -> Precheck | None:
    """A restart does not replace a pod that hangs; after a new template it has to be evicted."""
    spec = scene.live["spec"]
    if (
        scene.live["kind"] != "StatefulSet"
        or not scene.replaces_pods
        or spec.get("podManagementPolicy", "OrderedReady") != "OrderedReady"
        or (spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    ):
        return None
    stuck = sorted(pod["metadata"]["name"] for pod in scene.around.pods() if _hangs(pod))
    if not stuck:
        return passed(_NAME, "no pod that hangs stands in the way of the others")
    told = (
        f"{', '.join(stuck)} not Ready: with podManagementPolicy OrderedReady the controller waits "
        "for that and replaces no pod"
    )
    if scene.plan.action == "Restart":
        return blocked(_NAME, told, "evict the pod instead: action DeletePod")
    return warned(_NAME, told, "evict the pod after the change: action DeletePod")


def _hangs(pod: Mapping[str, Any]) -> bool:
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp") or status.get("phase") in ("Failed", "Succeeded"):
        return False
    if condition(dict(pod), "Ready").get("status") == "True":
        return False
    return not any(map(_crashes, status.get("containerStatuses") or ()))


def _crashes(container: Mapping[str, Any]) -> bool:
    state = container.get("state") or {}
    waits = (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    return waits or state.get("terminated") is not None
