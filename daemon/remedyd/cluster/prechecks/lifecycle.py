"""Is it the object that was meant, and is this a moment to touch it?"""

from remedyd.cluster.prechecks.scene import Scene, blocked, passed, warned
from remedyd.cluster.rollout import RolloutState, in_progress, rollout_status
from remedyd.model.plan import Precheck


def identity(scene: Scene) -> Precheck:
    """The object is the one that was planned for, and nobody is deleting it."""
    meta = scene.live["metadata"]
    if scene.plan.target.uid and meta["uid"] != scene.plan.target.uid:
        return blocked("Identity", "it was deleted and made anew", "wait for the next audit")
    if meta.get("deletionTimestamp"):
        since = f"it is being deleted since {meta['deletionTimestamp']}"
        return blocked("Identity", since, "nothing is left to mend: wait until it is gone")
    return passed("Identity", f"exists, uid {meta['uid']}")


def namespace(scene: Scene) -> Precheck:
    """A namespace that goes away takes no new pods."""
    found = scene.around.namespace_object()
    phase = (found.get("status") or {}).get("phase", "Active")
    if found["metadata"].get("deletionTimestamp"):
        phase = "Terminating"
    if phase != "Active":
        going = f"namespace {scene.around.namespace} is {phase}"
        return blocked("Namespace", going, "nothing is left to mend: wait until it is gone")
    return passed("Namespace", f"namespace {scene.around.namespace} is Active")


def rollout(scene: Scene) -> Precheck:
    """No second change while somebody's first one is on its way."""
    if scene.live["spec"].get("paused") and scene.replaces_pods:
        return blocked(
            "Rollout", "the rollout is paused", "resume it with kubectl, then plan again"
        )
    if scene.plan.action == "RolloutUndo":
        return passed("Rollout", rollout_status(scene.live).evidence)
    running = in_progress(scene.live)
    if running:
        return blocked("Rollout", f"a rollout is in progress: {running}", "wait until it ends")
    status = rollout_status(scene.live)
    if status.state is RolloutState.DEADLINE_EXCEEDED:
        return warned(
            "Rollout",
            f"the last rollout is stuck: {status.evidence}",
            "consider a rollout undo instead",
        )
    return passed("Rollout", f"none in progress: {status.evidence}")
