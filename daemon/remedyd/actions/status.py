"""Status: look, do not touch."""

from datetime import datetime

from remedyd.actions.action import Live, Parameters
from remedyd.cluster.access import Permission
from remedyd.cluster.rollout import desired_replicas, rollout_status
from remedyd.model.plan import Plan
from remedyd.model.target import Target
from remedyd.model.values import KubeObject


class StatusParameters(Parameters):
    """`Status` takes no parameters."""


class Status:
    """The action `Status`: a plan with nothing in it but the report."""

    type = "Status"
    params = StatusParameters
    kinds = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
    reads: frozenset[str] = frozenset()
    verbs: tuple[Permission, ...] = ()

    def plan(self, target: Target, params: StatusParameters, live: Live, now: datetime) -> Plan:
        """Return a plan without changes; its consequence is the one-line report."""
        workload = live.workload
        rollout = rollout_status(workload)
        return Plan(
            target=target.with_uid(workload["metadata"]["uid"]),
            action=self.type,
            params={},
            changes=(),
            patch=None,
            undo=None,
            diff=f"rollout {rollout.state}: {rollout.evidence}",
            consequence=report(workload),
            resource_version=str(workload["metadata"].get("resourceVersion", "")),
        )


def report(workload: KubeObject) -> str:
    """Return `Status: 2/3 pods ready.`: available of existing pods, or of wanted nodes."""
    status = workload.get("status") or {}
    if workload["kind"] == "DaemonSet":
        ready, of = status.get("numberReady") or 0, desired_replicas(workload)
    else:
        ready = status.get("availableReplicas") or 0
        of = status.get("replicas") or desired_replicas(workload)
    return f"Status: {ready}/{of} pods ready."
