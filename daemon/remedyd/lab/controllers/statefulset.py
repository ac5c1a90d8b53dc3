"""The StatefulSet controller: numbered pods, made in order, replaced from the highest down."""

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    PODS,
    STATEFULSETS,
    Key,
    controller_ref,
    is_finished,
    is_ready,
    is_terminating,
    key_of,
)
from remedyd.lab.controllers.podmaker import create_pod, delete_pod, new_pod, pods_of
from remedyd.lab.controllers.revisions import (
    REVISION_LABEL,
    current_revision,
    history,
    label_of,
    prune,
    template_of,
)
from remedyd.lab.timeline import WorkQueue
from remedyd.model.values import KubeObject

_COMPONENT = "statefulset-controller"


class StatefulSetController:
    """Follows StatefulSets and their pods."""

    def __init__(self, env: Environment) -> None:
        """Take the shared parts; the lab calls `observe` for every change."""
        self._env = env
        self._queue = WorkQueue(env.timeline, self.sync, env.lag)

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note which StatefulSet a change is about."""
        if gvr == STATEFULSETS and type_ != "DELETED":
            self._queue.add(key_of(obj))
        elif gvr == PODS:
            ref = controller_ref(obj)
            if ref and ref["kind"] == "StatefulSet":
                self._queue.add((obj["metadata"]["namespace"], ref["name"]))

    def sync(self, key: Key) -> None:
        """Bring one StatefulSet a step further."""
        owner = self._env.store.peek(STATEFULSETS, *key)
        if owner is None:
            return
        update = current_revision(self._env, owner)
        pods = {_ordinal(pod): pod for pod in pods_of(self._env, owner)}
        if not is_terminating(owner):
            try:
                self._manage(owner, update, pods)
            except StatusError:
                self._queue.add(key, 5.0)
        self._write_status(owner, update, pods)

    def _manage(self, owner: KubeObject, update: KubeObject, pods: dict[int, KubeObject]) -> None:
        size = int(owner["spec"].get("replicas", 1))
        ordered = owner["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        for ordinal in range(size):
            pod = pods.get(ordinal)
            if pod is not None and is_finished(pod) and not is_terminating(pod):
                delete_pod(self._env, owner, pod, _COMPONENT)
            elif pod is None:
                self._create(owner, update, ordinal)
            if ordered and (pod is None or not is_ready(pod) or is_terminating(pod)):
                return
        for ordinal in sorted((n for n in pods if n >= size), reverse=True):
            if not is_terminating(pods[ordinal]):
                delete_pod(self._env, owner, pods[ordinal], _COMPONENT)
            if ordered:
                return
        self._update(owner, update, pods, size)

    def _update(
        self, owner: KubeObject, update: KubeObject, pods: dict[int, KubeObject], size: int
    ) -> None:
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") == "OnDelete":
            return
        first = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        for ordinal in range(size - 1, first - 1, -1):
            pod = pods.get(ordinal)
            if pod is None or is_terminating(pod):
                return
            if _revision(pod) != label_of(update):
                delete_pod(self._env, owner, pod, _COMPONENT)
                return
            if not is_ready(pod):
                return

    def _create(self, owner: KubeObject, update: KubeObject, ordinal: int) -> None:
        revision = self._revision_for(owner, update, ordinal)
        name = f"{owner['metadata']['name']}-{ordinal}"
        pod = new_pod(owner, template_of(revision))
        pod["metadata"]["name"] = name
        pod["metadata"]["labels"] = (pod["metadata"].get("labels") or {}) | {
            REVISION_LABEL: label_of(revision),
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
        }
        pod["spec"]["hostname"] = name
        pod["spec"]["subdomain"] = owner["spec"].get("serviceName", "")
        create_pod(self._env, owner, pod, _COMPONENT)

    def _revision_for(self, owner: KubeObject, update: KubeObject, ordinal: int) -> KubeObject:
        """Return the revision a missing pod gets: the old one below the rollout's front."""
        status = owner.get("status") or {}
        name = status.get("currentRevision", "")
        strategy = owner["spec"].get("updateStrategy") or {}
        first = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        if not name or name == label_of(update):
            return update
        if ordinal >= first and ordinal >= int(status.get("currentReplicas", 0)):
            return update
        known = (r for r in history(self._env, owner) if label_of(r) == name)
        return next(known, update)

    def _write_status(
        self, owner: KubeObject, update: KubeObject, pods: dict[int, KubeObject]
    ) -> None:
        old = owner.get("status") or {}
        front = label_of(update)
        current = old.get("currentRevision") or front
        live = [pod for pod in pods.values() if not is_terminating(pod)]
        ready = sum(is_ready(pod) for pod in pods.values() if not is_finished(pod))
        counts = {
            "readyReplicas": ready,
            "currentReplicas": sum(_revision(pod) == current for pod in live),
            "updatedReplicas": sum(_revision(pod) == front for pod in live),
        }
        if counts["updatedReplicas"] == len(pods) == ready:
            current, counts["currentReplicas"] = front, counts["updatedReplicas"]
        status: KubeObject = {
            "observedGeneration": owner["metadata"]["generation"],
            "replicas": len(pods),
        }
        status |= {name: count for name, count in counts.items() if count}
        status["currentRevision"] = current
        status["updateRevision"] = front
        status["collisionCount"] = 0
        status["availableReplicas"] = ready
        if status == old:
            return
        if current == front:
            prune(self._env, owner, {_revision(pod) for pod in live} | {front})

        def write(obj: KubeObject) -> None:
            obj["status"] = status

        self._env.store.mutate(
            STATEFULSETS, *key_of(owner), write, manager=CONTROLLER_MANAGER, subresource="status"
        )


def _ordinal(pod: KubeObject) -> int:
    return int(pod["metadata"]["name"].rsplit("-", 1)[1])


def _revision(pod: KubeObject) -> str:
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))
