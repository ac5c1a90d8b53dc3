"""What a change of the pod template means for those who use the workload, in one sentence."""

from remedyd.cluster.rollout import desired_replicas, portion, rolling
from remedyd.model.values import KubeObject


def of_rollout(workload: KubeObject) -> str:
    """Return what rolling out a new pod template does to the running pods."""
    pods = desired_replicas(workload)
    if pods == 0:
        return "No pods run now; the change takes effect when the workload is scaled up."
    if workload["spec"].get("paused"):
        return "The rollout is paused: running pods stay as they are until it is resumed."
    rule = {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}
    return rule[workload["kind"]](workload, pods)


def _deployment(workload: KubeObject, pods: int) -> str:
    strategy = workload["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return f"Downtime: strategy Recreate stops {_count(pods)} before the new ones start."
    extra, away = rolling(workload, pods)
    if away >= pods:
        return f"Downtime: the rolling update may stop {_count(pods)} at once."
    room = f"at most {away} unavailable and {extra} extra at a time"
    return f"Rolling restart of {_count(pods)}: {room}."


def _stateful_set(workload: KubeObject, pods: int) -> str:
    strategy = workload["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return "Nothing restarts by itself: with OnDelete a pod changes when it is deleted."
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if partition:
        pods = max(0, pods - partition)
        kept = f" Pods below ordinal {partition} stay as they are (partition)."
    else:
        kept = ""
    if pods <= 1 and not partition:
        return "Downtime: the only pod is stopped before its replacement starts."
    return f"Restart of {_count(pods)} one after the other, highest ordinal first.{kept}"


def _daemon_set(workload: KubeObject, pods: int) -> str:
    strategy = workload["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return "Nothing restarts by itself: with OnDelete a pod changes when it is deleted."
    bounds = strategy.get("rollingUpdate") or {}
    away = portion(bounds.get("maxUnavailable", 1), pods, up=True)
    return f"Rolling restart on {pods} nodes: at most {away} without a running pod at a time."


def _count(pods: int) -> str:
    return "the only pod" if pods == 1 else f"{pods} pods"
