"""A cluster made of files: what the Kubernetes reader returns in a test.

People write objects as they write manifests, without what a server adds. It is added here: uid,
generation, the status of a finished rollout, the namespace, and one large node. Whoever tests
what happens without them gives them.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from remedyd.cluster import fields
from remedyd.cluster.kinds import KINDS, WORKLOADS, kind_of
from remedyd.documents import did_you_mean
from remedyd.errors import Conflict, NotFound
from remedyd.model import FieldChange, KubeObject, Plan, Target, sha256
from remedyd.testing.policytest.selectors import fielded, labelled

Key = tuple[str, str, str]
"""Kind, namespace and name."""

_AGE = timedelta(days=1)
_POD_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_NODE_COUNTS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberReady",
)


class FixtureCluster:
    """Implements `cluster.client.Reader` over given objects."""

    def __init__(self, objects: Iterable[KubeObject], now: datetime) -> None:
        """Take objects as written; later ones take the place of earlier ones."""
        self._objects: dict[Key, KubeObject] = {}
        self.given = False
        self.put(objects, now)

    def put(self, objects: Iterable[KubeObject], now: datetime) -> None:
        """Add or replace objects."""
        for written in objects:
            completed = _completed(copy.deepcopy(written), now)
            self._objects[_key(completed)] = completed
            self.given = True
        for surrounding in list(self._surroundings(now)):
            self._objects[_key(surrounding)] = surrounding

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        """Return one object; raise NotFound."""
        found = self._objects.get((kind, namespace, name))
        if found is None:
            known = sorted(f"{k}/{n}" for k, ns, n in self._objects if ns == namespace)
            raise NotFound(
                f"the fixtures have no {kind} {namespace}/{name}",
                hint=f"they have in {namespace}: {', '.join(known) or 'nothing'}",
            )
        return copy.deepcopy(found)

    def list(
        self,
        kind: str,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",  # named as the API and the protocol name it
    ) -> list[KubeObject]:
        """Return all objects of a kind that match the selectors, by namespace and name."""
        return [
            copy.deepcopy(obj)
            for (of_kind, of_namespace, _), obj in sorted(self._objects.items())
            if of_kind == kind and namespace in ("", of_namespace)
            if labelled(obj, labels) and fielded(obj, fields)
        ]

    def delete(self, subject: str) -> None:
        """Delete the workload `Kind/namespace/name`; raise Conflict where there is none."""
        kind, namespace, name = subject.split("/", 2)
        if self._objects.pop((kind, namespace, name), None) is None:
            raise Conflict(f"the fixtures have no {subject}")

    def apply(self, plan: Plan, now: datetime) -> None:
        """Make the plan's change, and let the rollout succeed at once."""
        self._write(plan.target, plan, plan.changes, now)

    def undo(self, plan: Plan, now: datetime) -> None:
        """Take the plan's change back."""
        back = [FieldChange(change.path, change.new, change.old) for change in plan.changes]
        self._write(plan.target, plan, back, now)

    def _write(
        self, target: Target, plan: Plan, changes: Iterable[FieldChange], now: datetime
    ) -> None:
        """Write to the workload; what goes to its pods or autoscaler is left to the test."""
        key = (target.kind, target.namespace, target.name)
        if plan.patch is None or plan.patch.kind or plan.pods or key not in self._objects:
            return
        after = fields.changed(self._objects[key], changes)
        meta = after["metadata"]
        meta["generation"] = int(meta["generation"]) + 1
        meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)
        after["status"] = _finished(after, now)
        self._objects[key] = after

    def _surroundings(self, now: datetime) -> Iterator[KubeObject]:
        namespaces = {namespace for _, namespace, _ in self._objects if namespace}
        for namespace in sorted(namespaces):
            if ("Namespace", "", namespace) not in self._objects:
                yield _completed({"kind": "Namespace", "metadata": {"name": namespace}}, now)
        if not any(kind == "Node" for kind, _, _ in self._objects):
            yield _completed({"kind": "Node", "metadata": {"name": "node"}}, now)


def _key(obj: KubeObject) -> Key:
    meta = obj["metadata"]
    return obj["kind"], str(meta.get("namespace", "")), str(meta["name"])


def flaw(obj: Any) -> str:
    """Return why something is not a usable Kubernetes object; empty when it is."""
    if not isinstance(obj, Mapping):
        return "must be a Kubernetes object"
    kind = obj.get("kind")
    if kind not in KINDS:
        near = did_you_mean(str(kind), KINDS) or f"; known are {', '.join(KINDS)}"
        return f'has the unknown kind "{kind}"{near}'
    meta = obj.get("metadata")
    name = meta.get("name") if isinstance(meta, Mapping) else None
    if not isinstance(name, str) or not name:
        return f"the {kind} has no metadata.name"
    if kind in WORKLOADS:
        spec: Any = obj.get("spec")
        for part in ("template", "spec", "containers"):
            spec = spec.get(part) if isinstance(spec, Mapping) else None
        if not isinstance(spec, list) or not all(
            isinstance(one, Mapping) and "name" in one for one in spec
        ):
            return f"the {kind} {name} has no spec.template.spec.containers with names"
    return ""


def _completed(obj: KubeObject, now: datetime) -> KubeObject:
    """Fill in what an API server would have added."""
    kind = kind_of(obj["kind"])
    obj.setdefault("apiVersion", kind.api_version)
    meta = obj["metadata"]
    if kind.namespaced:
        meta.setdefault("namespace", "default")
    meta.setdefault("uid", sha256([kind.name, meta.get("namespace"), meta["name"]])[:32])
    meta.setdefault("resourceVersion", "1")
    meta.setdefault("generation", 1)
    meta.setdefault("creationTimestamp", _instant(now - _AGE))
    if kind.name in WORKLOADS:
        _workload(obj, now)
    elif kind.name == "Node":
        _node(obj)
    elif kind.name == "ResourceQuota":
        _quota(obj)
    elif kind.name == "Namespace":
        obj.setdefault("status", {"phase": "Active"})
    return obj


def _workload(obj: KubeObject, now: datetime) -> None:
    spec = obj["spec"]
    template = spec["template"]
    name = obj["metadata"]["name"]
    labels = template.setdefault("metadata", {}).setdefault("labels", {"app": name})
    spec.setdefault("selector", {"matchLabels": dict(labels)})
    if obj["kind"] != "DaemonSet":
        spec.setdefault("replicas", 1)
    if "status" not in obj:
        obj["status"] = _finished(obj, now - _AGE)


def _finished(obj: KubeObject, at: datetime) -> KubeObject:
    """Return the status of a workload whose latest rollout ended well at `at`."""
    seen = {"observedGeneration": obj["metadata"]["generation"]}
    if obj["kind"] == "DaemonSet":
        nodes = int((obj.get("status") or {}).get("desiredNumberScheduled") or 1)
        return {**seen, **dict.fromkeys(_NODE_COUNTS, nodes)}
    pods = int(obj["spec"].get("replicas", 1))
    status: KubeObject = {**seen, **dict.fromkeys(_POD_COUNTS, pods)}
    if obj["kind"] == "Deployment":
        status["conditions"] = [
            {
                "type": "Progressing",
                "status": "True",
                "reason": "NewReplicaSetAvailable",
                "lastUpdateTime": _instant(at),
            }
        ]
    return status


def _node(obj: KubeObject) -> None:
    obj.setdefault("spec", {})
    obj.setdefault(
        "status",
        {
            "allocatable": {"cpu": "256", "memory": "1Ti", "pods": "1000"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    )


def _quota(obj: KubeObject) -> None:
    hard = (obj.get("spec") or {}).get("hard") or {}
    obj.setdefault("status", {"hard": dict(hard), "used": dict.fromkeys(hard, "0")})


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
