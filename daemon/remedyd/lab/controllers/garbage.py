"""The garbage collector: what belongs to a deleted object goes too, unless it is orphaned."""

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    DAEMONSETS,
    DEPLOYMENTS,
    PODS,
    REPLICASETS,
    REVISIONS,
    STATEFULSETS,
    is_terminating,
    key_of,
)
from remedyd.lab.timeline import WorkQueue
from remedyd.model.values import KubeObject

_OWNERS = (DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS)
_DEPENDENTS = (REPLICASETS, REVISIONS, PODS)


class GarbageCollector:
    """Follows deletions of the kinds that own others."""

    def __init__(self, env: Environment) -> None:
        """Take the shared parts; the lab calls `observe` for every change."""
        self._env = env
        self._queue = WorkQueue(env.timeline, self._collect, env.lag)
        self._finish = WorkQueue(env.timeline, self._finish_owner, env.lag)

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note an owner that is gone or going, and a dependent that is gone."""
        if gvr in _OWNERS and type_ == "DELETED":
            self._queue.add((obj["metadata"].get("namespace", ""), obj["metadata"]["uid"]))
        elif gvr in _OWNERS and is_terminating(obj):
            self._finish.add((gvr, "/".join(key_of(obj))))
        if gvr in _DEPENDENTS and type_ == "DELETED":
            self._wake_owners()

    def _wake_owners(self) -> None:
        for gvr in _OWNERS:
            for owner in self._env.store.scan(gvr):
                if is_terminating(owner):
                    self._finish.add((gvr, "/".join(key_of(owner))))

    def _dependents(self, namespace: str, uid: str) -> list[tuple[str, KubeObject]]:
        return [
            (gvr, obj)
            for gvr in _DEPENDENTS
            for obj in self._env.store.scan(gvr, namespace)
            if any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences") or ())
        ]

    def _collect(self, key: tuple[str, str]) -> None:
        for gvr, obj in self._dependents(*key):
            self._delete(gvr, obj)

    def _delete(self, gvr: str, obj: KubeObject, finalizer: str | None = None) -> None:
        if is_terminating(obj):
            return
        try:
            self._env.store.delete(
                gvr, *key_of(obj), finalizer=finalizer, manager=CONTROLLER_MANAGER
            )
        except StatusError as error:
            if error.code != 404:
                raise

    def _finish_owner(self, key: tuple[str, str]) -> None:
        gvr, path = key
        namespace, name = path.split("/", 1)
        owner = self._env.store.peek(gvr, namespace, name)
        finalizers = owner["metadata"].get("finalizers") or [] if owner else []
        if owner is None or not finalizers:
            return
        left = self._dependents(namespace, owner["metadata"]["uid"])
        if "orphan" in finalizers:
            for kind, obj in left:
                self._orphan(kind, obj, owner["metadata"]["uid"])
            self._drop(gvr, owner, "orphan")
        elif "foregroundDeletion" in finalizers:
            for kind, obj in left:
                self._delete(kind, obj, "foregroundDeletion" if kind == REPLICASETS else None)
            if not left:
                self._drop(gvr, owner, "foregroundDeletion")

    def _orphan(self, gvr: str, obj: KubeObject, uid: str) -> None:
        def write(current: KubeObject) -> None:
            refs = [r for r in current["metadata"].get("ownerReferences") or () if r["uid"] != uid]
            current["metadata"].pop("ownerReferences", None)
            if refs:
                current["metadata"]["ownerReferences"] = refs

        self._env.store.mutate(gvr, *key_of(obj), write, manager=CONTROLLER_MANAGER)

    def _drop(self, gvr: str, owner: KubeObject, finalizer: str) -> None:
        def write(current: KubeObject) -> None:
            kept = [f for f in current["metadata"].get("finalizers") or () if f != finalizer]
            current["metadata"].pop("finalizers", None)
            if kept:
                current["metadata"]["finalizers"] = kept

        self._env.store.mutate(gvr, *key_of(owner), write, manager=CONTROLLER_MANAGER)
