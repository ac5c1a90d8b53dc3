"""Is it the object that was meant, and is this a moment to touch it?"""

from remedyd.cluster.prechecks.scene import Scene, blocked, passed, warned
from remedyd.cluster.rollout import RolloutState, condition, in_progress, rollout_status
from remedyd.model.plan import Precheck
from remedyd.model.values import KubeObject


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
        return _way_back(scene)
    running = in_progress(scene.live)
    if running:
        return blocked("Rollout", f"a rollout is in progress: {running}", "wait until it ends")
    status = rollout_status(scene.live)
    if status.state is RolloutState.DEADLINE_EXCEEDED:
        if scene.plan.action == "Restart" and _old_pods_serve(scene.live):
            told = f"a rollout is stuck, and pods from before it serve: {status.evidence}"
            return blocked("Rollout", told, "undo the rollout, or mend what it waits for")
        return warned(
            "Rollout",
            f"the last rollout is stuck: {status.evidence}",
            "consider a rollout undo instead",
        )
    return passed("Rollout", f"none in progress: {status.evidence}")


def _way_back(scene: Scene) -> Precheck:
    """A rollout may be undone at any time, unless the plan says only while it is stuck."""
    status = rollout_status(scene.live)
    if not scene.plan.params.get("onlyStuck"):
        return passed("Rollout", status.evidence)
    if status.state is not RolloutState.DEADLINE_EXCEEDED:
        waits = "wait until progressDeadlineSeconds have passed, or undo it yourself"
        return blocked("Rollout", f"it is not stuck: {status.evidence}", waits)
    refused = str(condition(scene.live, "ReplicaFailure").get("message") or "")
    if "exceeded quota" in refused:
        return blocked("Rollout", f"the revision is not at fault: {refused}", "make room first")
    return passed("Rollout", f"it is stuck: {status.evidence}{f'; {refused}' if refused else ''}")


def _old_pods_serve(live: KubeObject) -> bool:
    """Say whether a Deployment has available pods that the latest template did not make."""
    status = live.get("status") or {}
    old = int(status.get("replicas") or 0) - int(status.get("updatedReplicas") or 0)
    return old > 0 and int(status.get("availableReplicas") or 0) > 0
