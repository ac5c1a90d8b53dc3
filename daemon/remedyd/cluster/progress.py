"""Whether an applied plan has taken effect yet: a rollout for most, resizes for some."""

from datetime import datetime, timedelta

from remedyd.cluster import fields, writes
from remedyd.cluster.ports import Reader
from remedyd.cluster.resize import resize_status
from remedyd.cluster.rollout import (
    RolloutState,
    RolloutStatus,
    condition,
    in_progress,
    progress_deadline,
    rollout_status,
)
from remedyd.errors import NotFound
from remedyd.model.plan import Plan
from remedyd.model.values import KubeObject

_GRACE = timedelta(minutes=2)
_ORDER = (RolloutState.DEADLINE_EXCEEDED, RolloutState.PROGRESSING, RolloutState.COMPLETE)


def progress(
    reader: Reader,
    plan: Plan,
    live: KubeObject,
    since: datetime,
    now: datetime,
    *,
    undo: bool = False,
) -> RolloutStatus:
    """Return how far the plan applied at `since` is; `live` is its workload as it is now.

    With `undo`, how far taking it back is. Pods that are gone since need no resize any more.
    Raises ClusterError.
    """
    if not plan.pods:
        return _rollout(plan, live, since, now)
    states = [RolloutStatus(RolloutState.COMPLETE, "the resized pods have been replaced since")]
    for patch in plan.pods:
        try:
            pod = reader.get("Pod", plan.target.namespace, patch.name)
        except NotFound:
            continue
        if pod["metadata"]["uid"] == patch.uid:
            changes = writes.pod_changes(plan, patch.name)
            wanted = fields.inverse(changes) if undo else changes
            states.append(resize_status(pod, wanted, since, now))
    return min(reversed(states), key=lambda status: _ORDER.index(status.state))


def _rollout(plan: Plan, live: KubeObject, since: datetime, now: datetime) -> RolloutStatus:
    """Return how far the rollout is.

    Pods that crash once they are all replaced make it incomplete again, for ever: such a rollout
    is over, and the audit says what came of it.
    """
    status = rollout_status(live)
    if status.state is RolloutState.DEADLINE_EXCEEDED and _of_the_one_before(live, since):
        told = "nothing has moved yet since a rollout before this one got stuck"
        return RolloutStatus(RolloutState.PROGRESSING, told)
    replaces = any(f"{change.path}.".startswith("spec.template.") for change in plan.changes)
    if status.state is not RolloutState.PROGRESSING or not replaces or now < since + _GRACE:
        return status
    if in_progress(live):
        return status
    return RolloutStatus(RolloutState.COMPLETE, f"rolled out, and since then {status.evidence}")


def _of_the_one_before(live: KubeObject, since: datetime) -> bool:
    """Say whether a deadline passed before `since`: the controller keeps that until pods move.

    A deadline of our own rollout passes no sooner than its length after; half of it is left for
    clocks that differ.
    """
    passed = condition(live, "Progressing").get("lastUpdateTime")
    if not passed:
        return False
    return datetime.fromisoformat(str(passed)) < since + progress_deadline(live) / 2
