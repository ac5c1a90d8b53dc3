"""What the crowd's objects are cast from: settled objects of an ordinary lab, one of each sort.

So they have all the fields that controllers and the API server write, and nobody keeps a second
description of them. A cast is the mould's JSON with other names in it.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from remedyd.lab.controllers.objects import (
    DEPLOYMENTS,
    HASH_LABEL,
    NAMESPACES,
    NODES,
    PODS,
    REPLICASETS,
    REVISIONS,
    STATEFULSETS,
)
from remedyd.lab.crowd.shape import REVISION, Crowd, Workload, uid
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.simulation import Plan, Simulation
from remedyd.model.values import KubeObject

_SPACE, _NODE, _POD = "mould-namespace", "mould-node-1", "mould-pod"
_NAMES = {
    ("Deployment", False): "mould-plain",
    ("Deployment", True): "mould-proxied",
    ("StatefulSet", False): "mould-set",
    ("StatefulSet", True): "mould-proxied-set",
}
_KINDS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFULSETS}
_IMAGE = "registry.example.com/crowd/service"
_IMAGES = [
    {
        "names": [f"{_IMAGE}-{n}@sha256:{uid(str(n)).replace('-', '') * 2}", f"{_IMAGE}-{n}:1.0"],
        "sizeBytes": 90_000_000 + n,
    }
    for n in range(40)
]
"""What a kubelet tells about its images: by far the most of a real node's bytes; shared by all."""
_SETTLED = timedelta(days=1)
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "currentReplicas")


class Moulds:
    """Casts objects of a crowd; safe to share between threads."""

    def __init__(self, crowd: Crowd, origin: datetime) -> None:
        """Let a small cluster come to rest a day before `origin`, and keep its objects."""
        self._crowd = crowd
        self._texts = _texts(origin - _SETTLED)

    def namespace(self, name: str) -> KubeObject:
        """Return a Namespace."""
        return self._cast(NAMESPACES, "", {_SPACE: name}, f"namespace {name}")

    def node(self, name: str, *, ready: bool) -> KubeObject:
        """Return a Node."""
        made = self._cast(NODES, "", {_NODE: name}, f"node {name}")
        made["status"]["images"] = _IMAGES
        if not ready:
            made["status"]["conditions"][-1] |= {"status": "Unknown", "reason": "NodeStatusUnknown"}
        return made

    def workload(self, workload: Workload) -> KubeObject:
        """Return a Deployment or StatefulSet that has all its replicas."""
        made = self._of(_KINDS[workload.kind], workload, workload.name)
        made["spec"]["replicas"] = workload.replicas
        _count(made["status"], workload.replicas)
        return made

    def revision(self, gvr: str, workload: Workload) -> KubeObject:
        """Return the workload's only ReplicaSet or ControllerRevision."""
        made = self._of(gvr, workload, f"{workload.name}-{REVISION}")
        if gvr == REPLICASETS:
            made["spec"]["replicas"] = workload.replicas
            _count(made["status"], workload.replicas)
        return made

    def pod(self, workload: Workload, place: int) -> KubeObject:
        """Return one of the workload's pods, running and ready."""
        name = workload.pods()[place]
        node = self._crowd.node_of(workload, place)
        made = self._of(PODS, workload, name, {_POD: name, _NODE: node})
        if place == 0 and self._crowd.is_broken(workload.number):
            made["status"]["containerStatuses"][0]["restartCount"] = 12
        return made

    def _of(
        self, gvr: str, workload: Workload, name: str, names: Mapping[str, str] | None = None
    ) -> KubeObject:
        mould = _NAMES[workload.kind, workload.proxied]
        renamed = {**(names or {}), _SPACE: workload.namespace, mould: workload.name}
        space = workload.namespace
        made = self._cast(gvr, mould, renamed, f"{space}/{name}")
        for owner in made["metadata"].get("ownerReferences") or ():
            owner["uid"] = uid(f"{space}/{owner['name']}")
        return made

    def _cast(self, gvr: str, mould: str, names: Mapping[str, str], who: str) -> KubeObject:
        text = self._texts[gvr, mould]
        for old, new in names.items():
            text = text.replace(old, new)
        made: KubeObject = json.loads(text)
        made["metadata"]["uid"] = uid(who)
        return made


@lru_cache(maxsize=4)
def _texts(origin: datetime) -> Mapping[tuple[str, str], str]:
    """Return the JSON of each object by resource and workload."""
    simulation = Simulation(_plan(origin), lambda stream, documents: None)
    simulation.begin()
    store = simulation.store
    revisions = {revision for pod in store.scan(PODS) for revision in _revision_of(pod)}
    found: dict[tuple[str, str], str] = {}
    for gvr in (NAMESPACES, NODES, PODS, DEPLOYMENTS, STATEFULSETS, REPLICASETS, REVISIONS):
        for obj in store.scan(gvr):
            text = json.dumps(obj)
            if gvr == PODS:
                text = text.replace(obj["metadata"]["name"], _POD)
            for revision in revisions:
                text = text.replace(revision, REVISION)
            found[gvr, (obj["metadata"].get("labels") or {}).get("app", "")] = text
    return found


def _plan(origin: datetime) -> Plan:
    image = "registry.example.com/crowd/app:1.0"
    specs = [
        WorkloadSpec(_SPACE, name, image, "90Mi", "20m", 1, kind, sidecar=proxied)
        for (kind, proxied), name in _NAMES.items()
    ]
    scenario = Scenario(specs, (_NODE,), "64", "256Gi", (_SPACE,))
    return Plan(1, origin, timedelta(0), timedelta(hours=1), scenario)


def _revision_of(pod: KubeObject) -> Iterator[str]:
    labels: dict[str, str] = pod["metadata"]["labels"]
    for label in (HASH_LABEL, "controller-revision-hash"):
        if label in labels:
            yield labels[label].rpartition("-")[2]


def _count(status: KubeObject, replicas: int) -> None:
    for name in (*_COUNTS, "fullyLabeledReplicas"):
        if name in status:
            status[name] = replicas
