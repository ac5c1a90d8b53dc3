"""DeletePod: evict one stuck pod, so that its controller makes another.

Through the eviction API and not by deletion: disruption budgets are kept. There is no undo.
"""

from datetime import datetime

from remedyd.actions.action import Live, Parameters
from remedyd.cluster.access import Permission
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Patch, Plan
from remedyd.model.target import Target
from remedyd.model.values import KubeObject


class DeletePodParameters(Parameters):
    """Parameters of `DeletePod`."""

    pod: str = ""
    """The pod; without it the only one that is not ready."""
    pod_from: str = ""
    """The column of the audit that names the pod."""


class DeletePod:
    """The action `DeletePod`."""

    type = "DeletePod"
    params = DeletePodParameters
    kinds = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
    reads = frozenset({"Pod"})
    verbs = (Permission("create", "Pod", "eviction"),)

    def plan(self, target: Target, params: DeletePodParameters, live: Live, now: datetime) -> Plan:
        """Return the plan; raise Refused unless it is clear which pod is stuck."""
        pod = _stuck(target, params, live)
        meta, status = pod["metadata"], pod.get("status") or {}
        place = f"pods[{meta['name']}]"
        return Plan(
            target=target.with_uid(live.workload["metadata"]["uid"]),
            action=self.type,
            params=params.model_dump(by_alias=True, exclude_defaults=True),
            changes=(FieldChange(place, meta["uid"], None),),
            patch=Patch({}, "application/json", "eviction", "Pod", meta["name"], meta["uid"]),
            undo=None,
            diff=f"--- {target} (live)\n+++ {target} (planned)\n@@ {place} @@\n"
            f"-{meta['name']} on {pod['spec'].get('nodeName', 'no node')}, "
            f"{status.get('phase', 'Unknown')}, not ready",
            consequence=f"Pod {meta['name']} is stopped and another one is made in its place. "
            "An eviction has no undo.",
            resource_version=str(live.workload["metadata"].get("resourceVersion", "")),
        )


def _stuck(target: Target, params: DeletePodParameters, live: Live) -> KubeObject:
    alive = [pod for pod in live.pods if not pod["metadata"].get("deletionTimestamp")]
    if params.pod:
        found = [pod for pod in alive if pod["metadata"]["name"] == params.pod]
        if not found:
            raise Refused("NoPod", f"{target} has no running pod {params.pod}")
        if ready(found[0]):
            raise Refused("PodReady", f"pod {params.pod} of {target} is ready: it is not stuck")
        return found[0]
    waiting = [pod for pod in alive if not ready(pod)]
    if len(waiting) != 1:
        raise Refused(
            "NotOnePod",
            f"{len(waiting)} of {len(alive)} pods of {target} are not ready: not a single one",
            hint="name the pod, or look for a cause that they share",
        )
    return waiting[0]


def ready(pod: KubeObject) -> bool:
    """Say whether a pod's condition Ready is True."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
