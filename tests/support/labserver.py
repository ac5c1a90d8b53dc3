"""A lab API server holding recorded objects, with the real client in front of it."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import stamina

from remedyd.cluster.client import Cluster
from remedyd.cluster.kinds import kind_of
from remedyd.lab.apiserver.access import RoleBased
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import KubeObject, ManualClock, Target
from support.wire import Answer, Asked, Fault, Wire, faulty, serving

_KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")
NOW = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)


@dataclass
class Lab:
    """The API server, a client that reaches it, and what stands between them."""

    server: LabApiServer
    cluster: Cluster
    clock: ManualClock
    wire: Wire | None = None

    def create(self, obj: KubeObject, manager: str = "kubectl") -> KubeObject:
        """Create an object, then its recorded status; return it as stored."""
        kind = kind_of(obj["kind"])
        meta = {key: obj["metadata"][key] for key in _KEPT if key in obj["metadata"]}
        path = kind.path(meta.get("namespace", ""))
        status = obj.get("status")
        made = self.send("POST", f"{path}?fieldManager={manager}", {**obj, "metadata": meta})
        if status and kind.name not in ("Namespace",):
            seen = {"observedGeneration": made["metadata"].get("generation", 1)}
            patch = {"status": {**status, **(seen if "observedGeneration" in status else {})}}
            self.merge(made, patch, "status", manager="kube-controller-manager")
        return self.read(made)

    def read(self, obj: KubeObject) -> KubeObject:
        """Return the object as it is stored now."""
        meta = obj["metadata"]
        path = kind_of(obj["kind"]).path(meta.get("namespace", ""), meta["name"])
        return {"kind": obj["kind"], "apiVersion": obj["apiVersion"], **self.send("GET", path)}

    def merge(
        self, obj: KubeObject, patch: KubeObject, subresource: str = "", manager: str = "kubectl"
    ) -> KubeObject:
        """Patch an object as somebody else."""
        meta = obj["metadata"]
        path = kind_of(obj["kind"]).path(meta.get("namespace", ""), meta["name"], subresource)
        return self.send(
            "PATCH",
            f"{path}?fieldManager={manager}",
            patch,
            "application/strategic-merge-patch+json",
        )

    def send(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> KubeObject:
        """Speak to the server past the client and past the faults."""
        request = urllib.request.Request(
            f"{self.server.url}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": content_type},
            method=method,
        )
        with urllib.request.urlopen(request) as response:
            found: KubeObject = json.load(response)
        return found

    @property
    def writes(self) -> list[Any]:
        """The writes of remedyd that reached the server and were accepted."""
        return [
            one
            for one in self.server.requests
            if one.method in ("PATCH", "POST", "PUT", "DELETE")
            and one.user_agent.startswith("remedyd")
            and "dryRun" not in one.query
            and one.status < 300
        ]


@contextmanager
def lab(
    folder: Path, fault: Fault | None = None, timeout: float = 1.0, *, roles: bool = False
) -> Iterator[Lab]:
    """Start a lab server; with `fault`, the client reaches it through a wire that spoils.

    Reads that are tried again are tried at once. `roles` puts RBAC in force for those whom a
    review asks about.
    """
    clock = ManualClock(NOW)
    store = ObjectStore(clock, Random(1))
    with (
        stamina.set_testing(True, attempts=3, cap=True),
        LabApiServer(
            store, ids=Random(2), authorizer=RoleBased(store) if roles else None
        ) as server,
    ):
        if fault is None:
            path = folder / "kubeconfig"
            path.write_text(server.kubeconfig())
            cluster = Cluster.connect(kubeconfig=path, timeout_seconds=timeout)
            yield Lab(server, cluster, clock)
            cluster.close()
            return
        answer: Callable[[Asked], Answer] = faulty(server.url, fault)
        with serving(answer) as wire:
            cluster = Cluster.connect(kubeconfig=wire.kubeconfig(folder), timeout_seconds=timeout)
            yield Lab(server, cluster, clock, wire)
            cluster.close()


def target(obj: KubeObject, container: str = "") -> Target:
    """Return the target that a stored object is."""
    meta = obj["metadata"]
    return Target("", meta["namespace"], obj["kind"], meta["name"], container, meta["uid"])
