"""A Kubernetes API in memory, faithful where single writes are concerned, with faults at will.

It keeps resourceVersion, uid and generation as the API server does: a patch with an outdated
resourceVersion or another uid is a conflict. Every write that lands is noted.
"""

import copy
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from remedyd.cluster.reader import matches
from remedyd.cluster.writes import PROPOSAL, ROLLBACK
from remedyd.errors import ClusterRejected, ClusterUnavailable, NotFound, OutcomeUnknown
from remedyd.model import KubeObject

MEMORY = "spec.template.spec.containers[app].resources.limits.memory"


class Fault(StrEnum):
    """What goes wrong with one call."""

    NONE = "none"
    UNAVAILABLE = "unavailable"
    """No answer, and nothing happened."""
    LOST = "lost"
    """It happened, and the answer is lost; a read has no answer."""
    UNSENT = "unsent"
    """Nothing happened, but nobody can tell."""
    FORBIDDEN = "forbidden"
    """A definite no."""
    OVERTAKEN = "overtaken"
    """Somebody else changes the object's status first: a conflict."""
    INTERLEAVED = "interleaved"
    """Another daemon does its whole work first."""
    PAUSED = "paused"
    """A person throws the kill switch during a read."""


@dataclass(frozen=True, slots=True)
class Landed:
    """One write that reached the cluster: by which proposal, and whether it takes one back."""

    proposal: str
    undo: bool
    name: str


@dataclass
class FakeCluster:
    """Objects by (kind, namespace, name).

    `faults` are used up read by read, `write_faults` write by write: a write comes after many
    reads, and would hardly ever meet a fault otherwise.
    """

    objects: dict[tuple[str, str, str], KubeObject] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    write_faults: list[Fault] = field(default_factory=list)
    landed: list[Landed] = field(default_factory=list)
    requests: list[tuple[str, str, bool]] = field(default_factory=list)
    """(verb, kind, dry run) of every call."""
    on_landing: Callable[[Landed], None] = lambda _: None
    interleave: Callable[[], None] = lambda: None
    pause: Callable[[], None] = lambda: None
    raced: bool = False
    """During the write that is landing, somebody else did things too."""
    blind: bool = False
    """No read is answered."""
    _version: int = 100

    def add(self, obj: KubeObject) -> None:
        """Put an object in."""
        meta = obj["metadata"]
        self._version += 1
        meta.setdefault("uid", f"uid-{obj['kind']}-{meta['name']}".lower())
        meta["resourceVersion"] = str(self._version)
        self.objects[(obj["kind"], meta.get("namespace", ""), meta["name"])] = obj

    def change(self, kind: str, namespace: str, name: str, patch: KubeObject) -> KubeObject:
        """Change an object as somebody else would."""
        return self._store((kind, namespace, name), patch)

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        """Return a copy."""
        self._read("get", kind)
        found = self.objects.get((kind, namespace, name))
        if found is None:
            raise NotFound(f"{kind} {namespace}/{name} not found")
        return copy.deepcopy(found)

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[KubeObject]:
        """Return copies of all that match."""
        self._read("list", kind)
        wanted = {"matchLabels": dict(part.split("=", 1) for part in labels.split(",") if part)}
        return [
            copy.deepcopy(obj)
            for (found, place, _), obj in self.objects.items()
            if found == kind
            and namespace in ("", place)
            and matches(wanted, obj["metadata"].get("labels") or {})
        ]

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        body: object,
        *,
        content_type: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> KubeObject:
        """Patch, or fail as the next fault says."""
        assert isinstance(body, dict)
        self.requests.append(("patch", kind, dry_run))
        fault = Fault.NONE if dry_run else self._next(self.write_faults)
        self.raced = fault is Fault.INTERLEAVED
        key = (kind, namespace, name)
        if fault is Fault.OVERTAKEN and key in self.objects:
            self._store(key, {"status": {"touched": self._version}})
        self._fail_before(fault, writes=not dry_run)
        self._check(key, body)
        if dry_run:
            return _merged(copy.deepcopy(self.objects[key]), body)
        stored = self._store(key, body)
        self._note(body, name)
        if fault is Fault.LOST:
            raise OutcomeUnknown("the answer was lost")
        return stored

    def create(
        self,
        kind: str,
        namespace: str,
        body: KubeObject,
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> KubeObject:
        """Nothing is ever created here."""
        raise AssertionError("no creation was expected")

    def _note(self, body: KubeObject, name: str) -> None:
        marks = body["metadata"].get("annotations") or {}
        undo = ROLLBACK in marks
        made = Landed(marks[ROLLBACK if undo else PROPOSAL], undo, name)
        self.landed.append(made)
        self.on_landing(made)

    def _read(self, verb: str, kind: str) -> None:
        self.requests.append((verb, kind, False))
        fault = self._next(self.faults)
        if fault is Fault.PAUSED:
            self.pause()
        if self.blind or fault in (Fault.UNAVAILABLE, Fault.LOST, Fault.UNSENT):
            raise ClusterUnavailable("no answer")

    def _next(self, faults: MutableSequence[Fault]) -> Fault:
        fault = faults.pop(0) if faults else Fault.NONE
        if fault is Fault.INTERLEAVED:
            self.interleave()
        return fault

    def _fail_before(self, fault: Fault, *, writes: bool) -> None:
        if fault is Fault.UNAVAILABLE:
            raise ClusterUnavailable("no answer, nothing was sent")
        if fault is Fault.UNSENT:
            kind = OutcomeUnknown if writes else ClusterUnavailable
            raise kind("no answer")
        if fault is Fault.FORBIDDEN:
            raise ClusterRejected("forbidden", status=403, reason="Forbidden")

    def _check(self, key: tuple[str, str, str], body: KubeObject) -> None:
        if key not in self.objects:
            raise NotFound(f"{key} not found")
        live, wanted = self.objects[key]["metadata"], body.get("metadata") or {}
        for part in ("uid", "resourceVersion"):
            if wanted.get(part, live[part]) != live[part]:
                raise ClusterRejected("the object was changed", status=409, reason="Conflict")

    def _store(self, key: tuple[str, str, str], body: KubeObject) -> KubeObject:
        obj = self.objects[key]
        spec = copy.deepcopy(obj.get("spec"))
        _merged(obj, body)
        self._version += 1
        meta = obj["metadata"]
        meta["resourceVersion"] = str(self._version)
        if obj.get("spec") != spec:
            meta["generation"] = int(meta.get("generation") or 1) + 1
        return copy.deepcopy(obj)


def _merged(obj: Any, body: KubeObject) -> Any:
    """Merge as a strategic merge patch: lists of named things by name, null removes."""
    for key, value in body.items():
        if value is None:
            obj.pop(key, None)
        elif isinstance(value, dict):
            obj[key] = _merged(obj.get(key) or {}, value)
        elif isinstance(value, list) and all(isinstance(v, dict) and "name" in v for v in value):
            items = {item["name"]: item for item in obj.get(key) or []}
            for item in value:
                items[item["name"]] = _merged(items.get(item["name"], {}), item)
            obj[key] = list(items.values())
        else:
            obj[key] = value
    return obj


def deployment(name: str, memory: str = "256Mi", namespace: str = "shop") -> KubeObject:
    """Return a Deployment of two pods that is rolled out."""
    labels = {"app": name}
    container = {"name": "app", "image": f"{name}:1", "resources": {"limits": {"memory": memory}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
        "status": {"observedGeneration": 1},
    }


def roll_out(obj: KubeObject) -> None:
    """Let the controllers finish their work on a Deployment."""
    wanted = obj["spec"]["replicas"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    obj["status"] |= dict.fromkeys(counts, wanted)
    obj["status"]["observedGeneration"] = obj["metadata"]["generation"]


def cluster(*names: str, namespace: str = "shop") -> FakeCluster:
    """Return a cluster with these Deployments, their namespace and a ready node."""
    made = FakeCluster()
    made.add({"kind": "Namespace", "metadata": {"name": namespace}, "status": {"phase": "Active"}})
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    made.add({"kind": "Node", "metadata": {"name": "worker-1"}, "status": ready})
    for name in names:
        obj = deployment(name, namespace=namespace)
        roll_out(obj)
        made.add(obj)
    return made
