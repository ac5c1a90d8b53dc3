"""How far a rollout is, from the workload object alone.

The answer to "may we verify now" is what `kubectl rollout status` says. "Is somebody rolling out
right now" is another question: pods that crash after a finished rollout make it incomplete
again, and exactly those workloads need help, so `in_progress` looks at pods of old templates.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from remedyd.model.values import KubeObject


class RolloutState(StrEnum):
    """Where a rollout stands."""

    COMPLETE = "Complete"
    PROGRESSING = "Progressing"
    DEADLINE_EXCEEDED = "DeadlineExceeded"


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """A state and the sentence that proves it."""

    state: RolloutState
    evidence: str

    @property
    def complete(self) -> bool:
        """Whether every pod runs the latest template and is available."""
        return self.state is RolloutState.COMPLETE


def observed(obj: KubeObject) -> bool:
    """Whether the controller has seen the object as it is: before, its status is an older one's."""
    status = obj.get("status") or {}
    generation = int(obj["metadata"].get("generation") or 0)
    return int(status.get("observedGeneration") or 0) >= generation


def rollout_status(obj: KubeObject) -> RolloutStatus:
    """Return the state of a Deployment, StatefulSet or DaemonSet; other kinds are Complete."""
    status = obj.get("status") or {}
    if not observed(obj):
        generation = obj["metadata"]["generation"]
        return _progressing(f"the controller has not seen generation {generation} yet")
    check = {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}
    rule = check.get(obj.get("kind", ""))
    return rule(obj, status) if rule else _complete("nothing is rolled out for this kind")


def in_progress(obj: KubeObject) -> str:
    """Return why a change of the pod template is being rolled out now, empty when none is.

    A rollout that missed its deadline is not in progress: it is stuck.
    """
    status = obj.get("status") or {}
    now = rollout_status(obj)
    if now.state is not RolloutState.PROGRESSING:
        return ""
    if not observed(obj):
        return now.evidence
    if obj.get("kind") == "Deployment":
        finished = _condition(status, "Progressing").get("reason") == "NewReplicaSetAvailable"
        return "" if finished else now.evidence
    old = _old_pods(obj, status)
    return f"{old} pods still run an older template" if old > 0 else ""


def _old_pods(obj: KubeObject, status: KubeObject) -> int:
    if obj.get("kind") == "DaemonSet":
        desired = int(status.get("desiredNumberScheduled") or 0)
        return desired - int(status.get("updatedNumberScheduled") or 0)
    if status.get("updateRevision") == status.get("currentRevision"):
        return 0
    return int(status.get("replicas") or 0) - int(status.get("updatedReplicas") or 0)


def _deployment(obj: KubeObject, status: KubeObject) -> RolloutStatus:
    progressing = _condition(status, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        message = progressing.get("message") or "the progress deadline has passed"
        return RolloutStatus(RolloutState.DEADLINE_EXCEEDED, str(message))
    wanted = desired_replicas(obj)
    total = int(status.get("replicas") or 0)
    updated = int(status.get("updatedReplicas") or 0)
    available = int(status.get("availableReplicas") or 0)
    if updated < wanted:
        paused = " (the rollout is paused)" if obj["spec"].get("paused") else ""
        return _progressing(f"{updated} of {wanted} pods run the latest template{paused}")
    if total > updated:
        return _progressing(f"{total - updated} pods of an older template are still there")
    if available < updated:
        return _progressing(f"{available} of {updated} updated pods are available")
    return _complete(f"{available} of {wanted} pods are updated and available")


def _stateful_set(obj: KubeObject, status: KubeObject) -> RolloutStatus:
    strategy = obj["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return _complete("update strategy OnDelete: pods change when they are deleted")
    wanted = desired_replicas(obj)
    ready = int(status.get("readyReplicas") or 0)
    updated = int(status.get("updatedReplicas") or 0)
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    due = max(0, wanted - partition)
    if ready < wanted:
        return _progressing(f"{ready} of {wanted} pods are ready")
    if status.get("updateRevision") != status.get("currentRevision") and updated < due:
        return _progressing(f"{updated} of {due} pods run the latest template")
    return _complete(f"{ready} of {wanted} pods are ready")


def _daemon_set(obj: KubeObject, status: KubeObject) -> RolloutStatus:
    strategy = obj["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return _complete("update strategy OnDelete: pods change when they are deleted")
    wanted = int(status.get("desiredNumberScheduled") or 0)
    updated = int(status.get("updatedNumberScheduled") or 0)
    available = int(status.get("numberAvailable") or 0)
    if updated < wanted:
        return _progressing(f"{updated} of {wanted} nodes run the latest template")
    if available < wanted:
        return _progressing(f"{available} of {wanted} nodes have an available pod")
    return _complete(f"{available} of {wanted} nodes have an available pod")


def desired_replicas(obj: KubeObject) -> int:
    """Return the pods a workload wants: nodes for a DaemonSet; absent replicas mean one."""
    if obj.get("kind") == "DaemonSet":
        return int((obj.get("status") or {}).get("desiredNumberScheduled") or 0)
    replicas = obj["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def portion(value: int | str, pods: int, *, up: bool) -> int:
    """Return a count given as a number or a percentage of `pods`, rounded up or down."""
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        return int(value)
    share = pods * int(value.removesuffix("%"))
    return -(-share // 100) if up else share // 100


def rolling(workload: KubeObject, pods: int) -> tuple[int, int]:
    """Return how many pods a Deployment's rolling update adds, and how many it takes away.

    As the controller resolves them: where both come to nothing, one pod may be away.
    """
    bounds = (workload["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = portion(bounds.get("maxSurge", "25%"), pods, up=True)
    away = portion(bounds.get("maxUnavailable", "25%"), pods, up=False)
    return surge, away or int(not surge)


def condition(obj: KubeObject, kind: str) -> KubeObject:
    """Return the status condition of a type, empty when there is none."""
    return _condition(obj.get("status") or {}, kind)


def progress_deadline(workload: KubeObject) -> timedelta:
    """Return for how long a rollout may not move before it is called stuck; 0 without a limit."""
    return timedelta(seconds=int(workload["spec"].get("progressDeadlineSeconds") or 0))


def _condition(status: KubeObject, kind: str) -> KubeObject:
    found = (c for c in status.get("conditions") or () if c.get("type") == kind)
    return next(found, {})


def _complete(evidence: str) -> RolloutStatus:
    return RolloutStatus(RolloutState.COMPLETE, evidence)


def _progressing(evidence: str) -> RolloutStatus:
    return RolloutStatus(RolloutState.PROGRESSING, evidence)
