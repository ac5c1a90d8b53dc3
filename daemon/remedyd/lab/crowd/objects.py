"""The shelves of a crowded cluster: what was written lies there, the rest is cast when asked for.

Only names are kept in memory (a few tens of megabytes for 150,000 pods), and those only of
resources that somebody listed over all namespaces.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from remedyd.lab.apiserver.shelves import Key, Shelves, listed, within
from remedyd.lab.controllers.objects import (
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICASETS,
    REVISIONS,
    STATEFULSETS,
)
from remedyd.lab.crowd.moulds import Moulds
from remedyd.lab.crowd.shape import REVISION, Crowd, Workload
from remedyd.model.values import KubeObject

_OF_KIND = {
    DEPLOYMENTS: "Deployment",
    REPLICASETS: "Deployment",
    STATEFULSETS: "StatefulSet",
    REVISIONS: "StatefulSet",
}
_OURS = (*_OF_KIND, PODS, NODES, NAMESPACES)
_APP = re.compile(r"(?:^|,)app=(app-\d+)(?:,|$)")


class CrowdShelves(Shelves):
    """Objects of a `Crowd`, as if all of them had been created long ago."""

    def __init__(self, crowd: Crowd, origin: datetime) -> None:
        """Take the numbers, and when the telemetry begins: everything is older."""
        super().__init__()
        self._crowd = crowd
        self._moulds = Moulds(crowd, origin)
        self._gone: set[tuple[str, Key]] = set()
        self._names: dict[str, Sequence[Key]] = {}

    def get(self, gvr: str, key: Key) -> KubeObject | None:
        """Return what was written last, else a cast."""
        found = super().get(gvr, key)
        if found is not None or gvr not in _OURS or (gvr, key) in self._gone:
            return found
        return self._cast(gvr, key)

    def keys(self, gvr: str, namespace: str | None, labels: str = "") -> Sequence[Key]:
        """Return the keys; a selector `app=NAME` leaves those of one workload."""
        written = super().keys(gvr, namespace)
        if gvr not in _OURS:
            return written
        app = _APP.search(labels)
        if app is not None and gvr not in (NODES, NAMESPACES):
            found = self._crowd.by_name(app[1])
            born = list(_of_one(gvr, found)) if found else []
            born = [key for key in born if namespace in (None, key[0])]
        elif gvr not in self._names:
            self._names[gvr] = sorted(self._born(gvr), key=listed)
            born = list(within(self._names[gvr], namespace))
        else:
            born = list(within(self._names[gvr], namespace))
        if not written and not self._gone:
            return born
        there = {key for key in born if (gvr, key) not in self._gone}
        return sorted(there | set(written), key=listed)

    def kinds(self) -> Sequence[str]:
        """Return all resources of which there are objects."""
        return tuple(dict.fromkeys((*super().kinds(), *_OURS)))

    def put(self, gvr: str, key: Key, new: KubeObject) -> None:
        """Keep an object in the place of what was there."""
        super().put(gvr, key, new)
        self._gone.discard((gvr, key))

    def take(self, gvr: str, key: Key) -> None:
        """Take an object away for good."""
        if super().get(gvr, key) is not None:
            super().take(gvr, key)
        if gvr in _OURS:
            self._gone.add((gvr, key))

    def _born(self, gvr: str) -> Iterator[Key]:
        crowd = self._crowd
        if gvr == NODES:
            yield from (("", crowd.node(number)) for number in range(crowd.nodes))
        elif gvr == NAMESPACES:
            yield from (("", crowd.namespace(number)) for number in range(crowd.namespaces))
        else:
            for workload in crowd.every():
                yield from _of_one(gvr, workload)

    def _cast(self, gvr: str, key: Key) -> KubeObject | None:
        name, crowd = key[1], self._crowd
        if gvr in (NODES, NAMESPACES):
            number = int(name[5:]) if name[5:].isdigit() else -1
            if gvr == NODES and 0 <= number < crowd.nodes and crowd.node(number) == name:
                return self._moulds.node(name, ready=number >= crowd.down)
            named = 0 <= number < crowd.namespaces and crowd.namespace(number) == name
            return self._moulds.namespace(name) if gvr == NAMESPACES and named else None
        workload = crowd.by_name(name[: len("app-00000")])
        if workload is None or key not in _of_one(gvr, workload):
            return None
        if gvr == PODS:
            return self._moulds.pod(workload, workload.pods().index(name))
        if gvr in (REPLICASETS, REVISIONS):
            return self._moulds.revision(gvr, workload)
        return self._moulds.workload(workload)


def _of_one(gvr: str, workload: Workload) -> Iterator[Key]:
    """Yield the keys of a workload, of its pods, or of its revision."""
    if gvr == PODS:
        yield from ((workload.namespace, name) for name in workload.pods())
    elif _OF_KIND[gvr] == workload.kind:
        mark = f"-{REVISION}" if gvr in (REPLICASETS, REVISIONS) else ""
        yield workload.namespace, f"{workload.name}{mark}"
