"""The Deployment controller: rollouts, scaling, pausing, and what the status says of them.

A sync works on the objects as they were when it began. When it changed the Deployment itself, it
stops there and comes back, since its copy is stale: this is why a real Deployment's status shows
NewReplicaSetCreated before it shows the new generation.
"""

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers import replicasets
from remedyd.lab.controllers.deployment_status import (
    calculate,
    deadline_in,
    is_complete,
    max_unavailable,
    new_condition,
    set_condition,
    surge,
    with_progress,
)
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    DEPLOYMENTS,
    PODS,
    REPLICASETS,
    Key,
    condition,
    controller_ref,
    is_finished,
    is_terminating,
    key_of,
    total,
)
from remedyd.lab.controllers.replicasets import DESIRED, Owned, replicas, scale
from remedyd.lab.timeline import WorkQueue
from remedyd.model.values import KubeObject


class DeploymentController:
    """Follows Deployments, their ReplicaSets, and (for Recreate) their pods."""

    def __init__(self, env: Environment) -> None:
        """Take the shared parts; the lab calls `observe` for every change."""
        self._env = env
        self._queue = WorkQueue(env.timeline, self.sync, env.lag)

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note which Deployment a change is about."""
        if gvr == DEPLOYMENTS and type_ != "DELETED":
            self._queue.add(key_of(obj))
        elif gvr == REPLICASETS:
            ref = controller_ref(obj)
            if ref and ref["kind"] == "Deployment":
                self._queue.add((obj["metadata"]["namespace"], ref["name"]))
        elif gvr == PODS and type_ == "DELETED":
            self._pod_gone(obj)

    def _pod_gone(self, pod: KubeObject) -> None:
        ref = controller_ref(pod)
        if ref and ref["kind"] == "ReplicaSet":
            rs = self._env.store.peek(REPLICASETS, pod["metadata"]["namespace"], ref["name"])
            owner = controller_ref(rs) if rs else None
            if owner and owner["kind"] == "Deployment":
                self._queue.add((pod["metadata"]["namespace"], owner["name"]))

    def sync(self, key: Key) -> None:
        """Bring one Deployment a step further."""
        found = self._env.store.peek(DEPLOYMENTS, *key)
        if found is None:
            return
        owned = replicasets.find(self._env, found)
        try:
            self._step(found, owned)
        except StatusError as error:
            if error.code not in (403, 409):
                raise
            self._queue.add(key, 0.05 if error.code == 409 else 5.0)

    def _step(self, deployment: KubeObject, owned: Owned) -> None:
        if is_terminating(deployment):
            self._write_status(deployment, owned, rollout=False)
            return
        self._pause_or_resume(deployment)
        paused = deployment["spec"].get("paused", False)
        if paused or self._is_scaled(deployment, owned):
            self._scale_only(deployment, owned)
        elif (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            self._recreate(deployment, owned)
        else:
            self._roll(deployment, owned)

    def _pause_or_resume(self, deployment: KubeObject) -> None:
        if deployment["spec"].get("progressDeadlineSeconds") is None:
            return
        current = condition(deployment.get("status") or {}, "Progressing")
        if current and current["reason"] == "ProgressDeadlineExceeded":
            return
        was = bool(current and current["reason"] == "DeploymentPaused")
        paused = bool(deployment["spec"].get("paused", False))
        if was == paused:
            return
        reason = "DeploymentPaused" if paused else "DeploymentResumed"
        text = f"Deployment is {'paused' if paused else 'resumed'}"
        now = self._env.timeline.now()

        def write(obj: KubeObject) -> None:
            found = new_condition("Progressing", "Unknown", reason, text, now)
            set_condition(obj.setdefault("status", {}), found)

        self._mutate_status(deployment, write)

    def _is_scaled(self, deployment: KubeObject, owned: Owned) -> bool:
        wanted = str(replicas(deployment))
        notes = [
            (rs["metadata"].get("annotations") or {}).get(DESIRED)
            for rs in owned.every
            if replicas(rs)
        ]
        return any(note is not None and note != wanted for note in notes)

    def _scale_only(self, deployment: KubeObject, owned: Owned) -> None:
        replicasets.ensure_new(self._env, deployment, owned, create=False)
        self._spread(deployment, owned)
        if deployment["spec"].get("paused"):
            replicasets.clean_up(self._env, deployment, owned.old)
        self._write_status(deployment, owned, rollout=False)

    def _spread(self, deployment: KubeObject, owned: Owned) -> None:
        active = [rs for rs in owned.every if replicas(rs)]
        wanted = replicas(deployment)
        if len(active) <= 1:
            candidates = active or ([owned.new] if owned.new else owned.old[-1:])
            for latest in candidates:
                scale(self._env, deployment, latest, wanted)
            return
        if owned.new and replicas(owned.new) == wanted == _available(owned.new):
            for rs in owned.old:
                scale(self._env, deployment, rs, 0)
            return
        for rs, size in _proportional(deployment, active):
            scale(self._env, deployment, rs, size)

    def _roll(self, deployment: KubeObject, owned: Owned) -> None:
        replicasets.ensure_new(self._env, deployment, owned, create=True)
        assert owned.new is not None
        moved = self._grow(deployment, owned) or self._shrink(deployment, owned)
        if not moved and is_complete(deployment, deployment.get("status") or {}):
            replicasets.clean_up(self._env, deployment, owned.old)
        self._write_status(deployment, owned, rollout=True)

    def _grow(self, deployment: KubeObject, owned: Owned) -> bool:
        new, wanted = owned.new, replicas(deployment)
        assert new is not None
        size = replicas(new)
        if size == wanted:
            return False
        target = wanted if size > wanted else replicasets.wanted_of_new(deployment, owned, size)
        return scale(self._env, deployment, new, target)

    def _shrink(self, deployment: KubeObject, owned: Owned) -> bool:
        new = owned.new
        assert new is not None
        least = replicas(deployment) - max_unavailable(deployment)
        waiting = replicas(new) - _available(new)
        budget = total(owned.every, "spec", "replicas") - least - waiting
        if budget <= 0 or not total(owned.old, "spec", "replicas"):
            return False
        sizes = {rs["metadata"]["name"]: replicas(rs) for rs in owned.old}
        for rs in owned.old:  # unhealthy pods go first: nobody misses them
            name, broken = rs["metadata"]["name"], replicas(rs) - _available(rs)
            take = max(0, min(budget, broken))
            sizes[name] -= take
            budget -= take
        spare = total(owned.every, "status", "availableReplicas") - least
        for rs in owned.old:
            take = max(0, min(spare, sizes[rs["metadata"]["name"]]))
            sizes[rs["metadata"]["name"]] -= take
            spare -= take
        changed = False
        for rs in owned.old:
            changed |= scale(self._env, deployment, rs, sizes[rs["metadata"]["name"]])
        return changed

    def _recreate(self, deployment: KubeObject, owned: Owned) -> None:
        replicasets.ensure_new(self._env, deployment, owned, create=False)
        down = [rs for rs in owned.old if replicas(rs)]
        for rs in down:
            scale(self._env, deployment, rs, 0)
        if not down and not self._old_pods(owned):
            if owned.new is None:
                replicasets.ensure_new(self._env, deployment, owned, create=True)
            if owned.new:
                scale(self._env, deployment, owned.new, replicas(deployment))
            if is_complete(deployment, deployment.get("status") or {}):
                replicasets.clean_up(self._env, deployment, owned.old)
        self._write_status(deployment, owned, rollout=True)

    def _old_pods(self, owned: Owned) -> bool:
        """Say whether pods of old ReplicaSets still exist, terminating ones included."""
        return any(
            not is_finished(pod)
            for rs in owned.old
            for pod in self._env.store.owned(PODS, rs["metadata"]["uid"])
        )

    def _write_status(self, deployment: KubeObject, owned: Owned, *, rollout: bool) -> None:
        now = self._env.timeline.now()
        status = calculate(deployment, owned.every, owned.new, now)
        if rollout:
            with_progress(deployment, status, owned.every, owned.new, now)
        if status == (deployment.get("status") or {}):
            delay = deadline_in(deployment, now) if rollout else None
            if delay is not None:
                self._queue.add(key_of(deployment), delay)
            return

        def write(obj: KubeObject) -> None:
            obj["status"] = status

        self._mutate_status(deployment, write)

    def _mutate_status(self, deployment: KubeObject, write: replicasets.Change) -> None:
        if replicasets.is_stale(self._env, deployment):
            self._queue.add(key_of(deployment))
            return
        self._env.store.mutate(
            DEPLOYMENTS,
            *key_of(deployment),
            write,
            manager=CONTROLLER_MANAGER,
            subresource="status",
        )


def _available(rs: KubeObject) -> int:
    return int((rs.get("status") or {}).get("availableReplicas", 0))


def _proportional(deployment: KubeObject, active: list[KubeObject]) -> list[tuple[KubeObject, int]]:
    """Spread a new total over the ReplicaSets of a running rollout by their share."""
    allowed = replicas(deployment) + surge(deployment) if replicas(deployment) else 0
    held = total(active, "spec", "replicas")
    left = allowed - held
    by_size = sorted(active, key=lambda rs: (-replicas(rs), replicasets.age(rs)))
    sizes: list[tuple[KubeObject, int]] = []
    for rs in by_size:
        share = round(replicas(rs) * allowed / held) - replicas(rs) if held else 0
        change = min(share, left) if left > 0 else max(share, left)
        sizes.append((rs, max(0, replicas(rs) + change)))
        left -= change
    if left and sizes:
        first, size = sizes[0]
        sizes[0] = (first, max(0, size + left))
    return sizes
