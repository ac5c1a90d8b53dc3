"""The status of a Deployment, computed from its ReplicaSets: counts and conditions.

Pure functions over plain objects. The order of conditions in the list changes as in a real
cluster, because a condition that changes is taken out and put back at the end.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from remedyd.lab.controllers.objects import (
    condition,
    parse_stamp,
    resolve,
    stamp,
    total,
)
from remedyd.model.values import KubeObject

_COUNTS = (
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
)


def surge(deployment: KubeObject) -> int:
    """Return how many pods above the desired number a rollout may have."""
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0
    wanted = int(deployment["spec"].get("replicas", 1))
    return resolve((strategy.get("rollingUpdate") or {}).get("maxSurge", "25%"), wanted, up=True)


def max_unavailable(deployment: KubeObject) -> int:
    """Return how many pods below the desired number a rollout may leave available."""
    strategy = deployment["spec"].get("strategy") or {}
    wanted = int(deployment["spec"].get("replicas", 1))
    if strategy.get("type") == "Recreate" or wanted == 0:
        return 0
    share = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    down = resolve(share, wanted, up=False)
    if down == 0 and surge(deployment) == 0:
        return 1
    return min(down, wanted)


def set_condition(status: KubeObject, new: dict[str, Any]) -> None:
    """Put a condition into a status unless nothing about it changed."""
    old = condition(status, new["type"])
    if old and old["status"] == new["status"] and old["reason"] == new["reason"]:
        return
    if old and old["status"] == new["status"]:
        new["lastTransitionTime"] = old["lastTransitionTime"]
    drop_condition(status, new["type"])
    status["conditions"].append(new)


def drop_condition(status: KubeObject, type_: str) -> None:
    """Take a condition out of a status."""
    status["conditions"] = [c for c in status.get("conditions") or [] if c["type"] != type_]


def new_condition(
    type_: str, state: str, reason: str, message: str, now: datetime
) -> dict[str, Any]:
    """Return a Deployment condition that changes now."""
    return {
        "type": type_,
        "status": state,
        "lastUpdateTime": stamp(now),
        "lastTransitionTime": stamp(now),
        "reason": reason,
        "message": message,
    }


def calculate(
    deployment: KubeObject, every: Sequence[KubeObject], new: KubeObject | None, now: datetime
) -> KubeObject:
    """Return the status by the counts of `every` ReplicaSet, `new` among them."""
    available = total(every, "status", "availableReplicas")
    counts = {
        "replicas": total(every, "status", "replicas"),
        "updatedReplicas": total([new], "status", "replicas") if new else 0,
        "readyReplicas": total(every, "status", "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total(every, "spec", "replicas") - available),
    }
    status: KubeObject = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= {name: counts[name] for name in _COUNTS if counts[name]}
    status["terminatingReplicas"] = total(every, "status", "terminatingReplicas")
    old = deployment.get("status") or {}
    status["conditions"] = [dict(c) for c in old.get("conditions") or ()]
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    if available >= int(deployment["spec"].get("replicas", 1)) - max_unavailable(deployment):
        text = "Deployment has minimum availability."
        found = new_condition("Available", "True", "MinimumReplicasAvailable", text, now)
    else:
        text = "Deployment does not have minimum availability."
        found = new_condition("Available", "False", "MinimumReplicasUnavailable", text, now)
    set_condition(status, found)
    return status


def is_complete(deployment: KubeObject, status: KubeObject) -> bool:
    """Say whether every replica is new and available."""
    wanted = int(deployment["spec"].get("replicas", 1))
    return (
        all(
            int(status.get(name, 0)) == wanted
            for name in ("updatedReplicas", "replicas", "availableReplicas")
        )
        and int(status.get("observedGeneration", 0)) >= deployment["metadata"]["generation"]
    )


def with_progress(
    deployment: KubeObject,
    status: KubeObject,
    every: Sequence[KubeObject],
    new: KubeObject | None,
    now: datetime,
) -> KubeObject:
    """Add the Progressing and ReplicaFailure conditions of a rollout to a status, in place."""
    if deployment["spec"].get("progressDeadlineSeconds") is None:
        drop_condition(status, "Progressing")
    else:
        _progress(deployment, status, new, now)
    failures = [
        found for rs in every if (found := condition(rs.get("status") or {}, "ReplicaFailure"))
    ]
    own = [found for found in failures if new and found in (new["status"].get("conditions") or ())]
    if failures:
        first = (own or failures)[0]
        found = new_condition(
            "ReplicaFailure", first["status"], first["reason"], first["message"], now
        )
        found["lastTransitionTime"] = first["lastTransitionTime"]
        set_condition(status, found)
    else:
        drop_condition(status, "ReplicaFailure")
    return status


def _progress(
    deployment: KubeObject, status: KubeObject, new: KubeObject | None, now: datetime
) -> None:
    current = condition(deployment.get("status") or {}, "Progressing")
    done = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if current and current["reason"] == "NewReplicaSetAvailable" and done:
        return
    name = (
        f'ReplicaSet "{new["metadata"]["name"]}"'
        if new
        else (f'Deployment "{deployment["metadata"]["name"]}"')
    )
    if is_complete(deployment, status):
        text = f"{name} has successfully progressed."
        found = new_condition("Progressing", "True", "NewReplicaSetAvailable", text, now)
        set_condition(status, found)
    elif _moved(deployment.get("status") or {}, status):
        text = f"{name} is progressing."
        found = new_condition("Progressing", "True", "ReplicaSetUpdated", text, now)
        if current and current["status"] == "True":
            found["lastTransitionTime"] = current["lastTransitionTime"]
        drop_condition(status, "Progressing")
        status["conditions"].append(found)
    elif timed_out(deployment, status, now):
        text = f"{name} has timed out progressing."
        found = new_condition("Progressing", "False", "ProgressDeadlineExceeded", text, now)
        set_condition(status, found)


def _moved(old: KubeObject, new: KubeObject) -> bool:
    def outdated(status: KubeObject) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    return (
        new.get("updatedReplicas", 0) > old.get("updatedReplicas", 0)
        or outdated(new) < outdated(old)
        or new.get("readyReplicas", 0) > old.get("readyReplicas", 0)
        or new.get("availableReplicas", 0) > old.get("availableReplicas", 0)
    )


def timed_out(deployment: KubeObject, status: KubeObject, now: datetime) -> bool:
    """Say whether a rollout made no progress for longer than its deadline."""
    current = condition(status, "Progressing")
    if current is None or current["reason"] == "NewReplicaSetAvailable":
        return False
    if current["reason"] == "ProgressDeadlineExceeded":
        return True
    deadline = timedelta(seconds=int(deployment["spec"]["progressDeadlineSeconds"]))
    return parse_stamp(current["lastUpdateTime"]) + deadline < now


def deadline_in(deployment: KubeObject, now: datetime) -> float | None:
    """Return the seconds after which a stuck rollout is to be looked at again."""
    current = condition(deployment.get("status") or {}, "Progressing")
    deadline = deployment["spec"].get("progressDeadlineSeconds")
    if current is None or deadline is None:
        return None
    if current["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return None
    since = parse_stamp(current["lastUpdateTime"])
    return max(0.0, (since + timedelta(seconds=int(deadline)) - now).total_seconds()) + 1.0
