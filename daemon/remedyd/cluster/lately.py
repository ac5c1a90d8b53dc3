"""Nodes as they were a moment ago, for those who only look and do not write.

The storm watch of each audit's cycle, and each plan on the way to a proposal, look at all nodes.
Seconds do not matter to them, and in a cluster of thousands they must not all read on their own.
Whoever is about to write, or to let a person approve a write, has the live reader instead.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from remedyd.cluster.nodes import readiness
from remedyd.cluster.ports import Reader, count, each
from remedyd.model.clock import Clock
from remedyd.model.nodes import Nodes
from remedyd.model.values import KubeObject

READINESS = timedelta(seconds=15)
"""How old the knowledge of which nodes are ready may be."""
ROOM = timedelta(minutes=1)
"""How old the knowledge of nodes' size, labels and taints may be."""
_NODE, _READY = "Node", "which nodes are ready"


class Lately:
    """A reader that remembers nodes for a moment, and reads everything else live; thread-safe.

    What could not be read is not remembered: the next one asks again.
    """

    def __init__(self, reader: Reader, clock: Clock) -> None:
        """Take where to read from, and the clock that ages are measured on."""
        self._reader = reader
        self._clock = clock
        self._locks = {_NODE: threading.Lock(), _READY: threading.Lock()}
        self._kept: dict[str, tuple[datetime, Any]] = {}

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        """Return one object; raise NotFound."""
        return self._reader.get(kind, namespace, name)

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[KubeObject]:
        """Return all objects of a kind that match the selectors; nodes are shared, to be read."""
        if kind == _NODE and not (labels or fields):
            nodes: list[KubeObject] = self._recent(kind, ROOM, lambda: self._reader.list(kind))
            return nodes
        return self._reader.list(kind, namespace, labels=labels, fields=fields)

    def each(self, kind: str, namespace: str = "", *, labels: str = "") -> Iterator[KubeObject]:
        """Yield the objects of a kind."""
        if kind == _NODE and not labels:
            return iter(self.list(kind))
        return each(self._reader, kind, namespace, labels=labels)

    def count(self, kind: str, namespace: str = "") -> int:
        """Return how many objects of a kind there are."""
        return count(self._reader, kind, namespace)

    def readiness(self) -> Nodes:
        """Return the nodes that are not ready, and how many there are."""
        nodes: Nodes = self._recent(_READY, READINESS, lambda: readiness(self._reader))
        return nodes

    def _recent(self, key: str, age: timedelta, read: Callable[[], Any]) -> Any:
        with self._locks[key]:  # held while reading: the others wait for the same answer
            now = self._clock.now()
            known = self._kept.get(key)
            if known is None or not timedelta(0) <= now - known[0] < age:
                known = self._kept[key] = (now, read())
            return known[1]
