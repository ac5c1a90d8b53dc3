"""How far an in-place resize of a pod is.

The API server accepts a resize at once; the kubelet carries it out, later or never. It says so in
conditions, and the container's status shows what is in force.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from remedyd.cluster import fields
from remedyd.cluster.rollout import RolloutState, RolloutStatus, condition
from remedyd.model.plan import FieldChange
from remedyd.model.values import KubeObject

DEFERRED_FOR = timedelta(minutes=5)
"""A node without room for this long will not find any: the resize has failed."""
IN_PROGRESS_FOR = timedelta(hours=1)
"""A resize that the kubelet works on for this long has failed."""


def resize_status(
    pod: KubeObject, changes: Sequence[FieldChange], since: datetime, now: datetime
) -> RolloutStatus:
    """Return the state of the resize that made `changes` (paths from the pod on) at `since`.

    Complete when the new amounts are in force; DeadlineExceeded when the kubelet calls it
    infeasible, or was given its time.
    """
    name = pod["metadata"]["name"]
    pending, running = condition(pod, "PodResizePending"), condition(pod, "PodResizeInProgress")
    if pending.get("status") == "True":
        return _pending(name, pending, now - since)
    if running.get("status") == "True":
        told = f"pod {name} is being resized{_message(running)}"
        return _waiting(told, now - since, IN_PROGRESS_FOR)
    missing = [change.path for change in changes if not in_force(pod, change)]
    if missing:
        return _waiting(f"pod {name} runs with the old amounts", now - since, IN_PROGRESS_FOR)
    return RolloutStatus(RolloutState.COMPLETE, f"pod {name} runs with the new amounts")


def _pending(name: str, pending: KubeObject, waited: timedelta) -> RolloutStatus:
    reason = pending.get("reason")
    told = f"the resize of pod {name} is {reason or 'pending'}{_message(pending)}"
    if reason == "Infeasible":
        return RolloutStatus(RolloutState.DEADLINE_EXCEEDED, told)
    return _waiting(told, waited, DEFERRED_FOR)


def _waiting(told: str, waited: timedelta, limit: timedelta) -> RolloutStatus:
    if waited <= limit:
        return RolloutStatus(RolloutState.PROGRESSING, told)
    minutes = int(waited.total_seconds() // 60)
    return RolloutStatus(RolloutState.DEADLINE_EXCEEDED, f"{told}, for {minutes} minutes")


def _message(found: KubeObject) -> str:
    return f": {found['message']}" if found.get("message") else ""


def in_force(pod: KubeObject, change: FieldChange) -> bool:
    """Say whether the container's status shows the new amount.

    A container that waits to be started again has no resources in its status; it starts with
    those of the spec.
    """
    parts = fields.split(change.path)
    container = next((part for part in parts if isinstance(part, tuple)), None)
    section, resource = str(parts[-2]), str(parts[-1])
    status = pod.get("status") or {}
    listed = [
        *(status.get("containerStatuses") or ()),
        *(status.get("initContainerStatuses") or ()),
    ]
    for one in listed:
        if container and one.get("name") == container[1] and one.get("resources"):
            now = (one["resources"].get(section) or {}).get(resource)
            return fields.equal(f"x.resources.{section}.{resource}", now, change.new)
    return fields.equal(change.path, fields.lookup(pod, change.path), change.new)
