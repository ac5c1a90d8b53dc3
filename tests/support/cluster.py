"""Recorded Kubernetes objects, and a reader that answers from a list of them."""

import copy
import json
from pathlib import Path
from typing import Any

from remedyd.cluster import reader
from remedyd.errors import ClusterUnavailable, NotFound
from remedyd.model import KubeObject, Target

OBJECTS = Path(__file__).parents[1] / "recordings" / "objects"


def recorded(name: str) -> KubeObject:
    """Return a recorded object, fresh for each caller."""
    obj: KubeObject = json.loads((OBJECTS / f"{name}.json").read_text())
    return obj


def children(name: str) -> list[KubeObject]:
    """Return the recorded ReplicaSets and pods of a workload."""
    items: list[KubeObject] = recorded(f"children-{name}")["items"]
    return items


def target_of(obj: KubeObject, container: str = "") -> Target:
    """Return the target that an object is, with its uid."""
    meta = obj["metadata"]
    return Target("", meta["namespace"], obj["kind"], meta["name"], container, meta["uid"])


def namespace(name: str, phase: str = "Active") -> KubeObject:
    """Return a Namespace object."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "uid": f"ns-{name}"},
        "status": {"phase": phase},
    }


class ListReader:
    """Answers reads from a list of objects; kinds in `broken` cannot be read."""

    def __init__(self, *objects: KubeObject, broken: frozenset[str] = frozenset()) -> None:
        self.objects = [copy.deepcopy(obj) for obj in objects]
        self.broken = broken
        self.asked: list[str] = []

    def _of(self, kind: str, namespace: str) -> list[KubeObject]:
        self.asked.append(kind)
        if kind in self.broken:
            raise ClusterUnavailable(f"cannot read {kind}")
        return [
            obj
            for obj in self.objects
            if obj["kind"] == kind and obj["metadata"].get("namespace", "") in (namespace, "")
        ]

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        for obj in self._of(kind, namespace):
            if obj["metadata"]["name"] == name:
                return obj
        raise NotFound(f"{kind} {namespace}/{name} not found")

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[KubeObject]:
        wanted = dict(part.split("=", 1) for part in labels.split(",") if part)
        return [
            obj
            for obj in self._of(kind, namespace)
            if reader.matches({"matchLabels": wanted}, obj["metadata"].get("labels") or {})
        ]


def put(obj: KubeObject, path: str, value: Any) -> KubeObject:
    """Set a dotted path (list indices as numbers) and return the object."""
    *parents, last = path.split(".")
    place: Any = obj
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    place[last] = value
    return obj
