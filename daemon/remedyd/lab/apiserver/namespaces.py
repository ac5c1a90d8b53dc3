"""Empties a namespace that is being deleted, then lets it go.

A real controller takes a few seconds; here it happens within the write that deletes, except for
what has finalizers or, like running pods, time to stop.
"""

from remedyd.lab.apiserver import resources
from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

_NAMESPACES = "v1/namespaces"


class NamespaceCollector:
    """Follows the store; install it as a listener."""

    def __init__(self, store: ObjectStore) -> None:
        """Take the store that holds everything."""
        self._store = store

    def follow(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Start or go on with emptying a namespace."""
        if gvr == _NAMESPACES and type_ == "MODIFIED":
            if obj["metadata"].get("deletionTimestamp"):
                self._empty(obj["metadata"]["name"])
        elif type_ == "DELETED" and (namespace := obj["metadata"].get("namespace")):
            found = self._store.peek(_NAMESPACES, None, namespace)
            if found is not None and found["metadata"].get("deletionTimestamp"):
                self._release(namespace)

    def _held(self, namespace: str) -> list[tuple[str, str]]:
        return [
            (gvr, obj["metadata"]["name"])
            for gvr in self._store.kinds()
            for obj in self._store.scan(gvr, namespace)
            if (found := resources.find(gvr)) is None or found.namespaced
        ]

    def _empty(self, namespace: str) -> None:
        for gvr, name in self._held(namespace):
            found = self._store.peek(gvr, namespace, name)
            if found is None or found["metadata"].get("deletionTimestamp"):
                continue
            try:
                self._store.delete(gvr, namespace, name)
            except StatusError:
                continue
        self._release(namespace)

    def _release(self, namespace: str) -> None:
        if self._held(namespace):
            return

        def let_go(obj: KubeObject) -> None:
            obj["spec"].pop("finalizers", None)

        self._store.mutate(
            _NAMESPACES,
            None,
            namespace,
            let_go,
            manager="kube-controller-manager",
            subresource="finalize",
        )
