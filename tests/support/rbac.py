"""An API server that denies by default, with a daemon that has what RBAC gives it."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from random import Random

from remedyd import rights
from remedyd.cluster.client import Cluster
from remedyd.cluster.kinds import KINDS
from remedyd.lab.apiserver.access import ADMINISTRATOR, RoleBased
from remedyd.lab.apiserver.messages import User
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import KubeObject, ManualClock
from support.cluster import namespace, recorded
from support.labserver import NOW

MERGE = "application/merge-patch+json"
DAEMON = User("system:serviceaccount:ops:remedyd", ("system:authenticated",))
_KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")


class Stage:
    """An API server that denies by default, an administrator, and the daemon."""

    def __init__(self, server: LabApiServer, folder: Path) -> None:
        self.server = server
        self.clock = ManualClock(NOW)
        self.admin, self.daemon = (self._connect(folder / token, token) for token in "ad")

    def _connect(self, path: Path, token: str) -> Cluster:
        path.write_text(self.server.kubeconfig(token))
        return Cluster.connect(kubeconfig=path)

    def put(self, obj: KubeObject) -> KubeObject:
        """Create an object with its status."""
        meta = {k: obj["metadata"][k] for k in _KEPT if k in obj["metadata"]}
        where, name = meta.get("namespace", ""), meta["name"]
        kind = obj["kind"]
        made = self.admin.create(kind, where, {**obj, "metadata": meta})
        if kind != "Namespace" and (status := obj.get("status")):
            if "observedGeneration" in status:
                status = {**status, "observedGeneration": made["metadata"].get("generation", 1)}
            made = self.admin.patch(
                kind, where, name, {"status": status}, content_type=MERGE, subresource="status"
            )
        return {**made, "kind": kind, "apiVersion": KINDS[kind].api_version}

    def grant(self, wanted: rights.Rights) -> None:
        """Give the daemon what `rbac render` prints."""
        for one in rights.manifests(wanted, name="r", namespace="ops", account="remedyd"):
            where = one["metadata"].get("namespace")
            plural = f"{one['kind'].lower()}s"
            path = f"rbac.authorization.k8s.io/v1/{plural}"
            self.server.store.create(path, where, one, manager="x")

    def used(self) -> set[tuple[str, str]]:
        """Return verb and resource of what the daemon asked the server, reviews aside."""
        found = set()
        for one in self.server.requests:
            assert one.status != 403 or one.user != DAEMON.name, f"{one.method} {one.path}"
            if one.user != DAEMON.name or "selfsubject" in one.path:
                continue
            parts = one.path.strip("/").split("/")[2 if one.path.startswith("/api/") else 3 :]
            if parts[0] == "namespaces" and len(parts) > 2:
                parts = parts[2:]
            single = len(parts) > 1
            verb = {"GET": "get" if single else "list", "PATCH": "patch", "POST": "create"}
            verb["PUT"] = "update"
            found.add((verb[one.method], "/".join((parts[0], *parts[2:]))))
        return found


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    store = ObjectStore(ManualClock(NOW), Random(1))
    tokens = {"a": ADMINISTRATOR, "d": DAEMON}
    with LabApiServer(store, tokens=tokens, authorizer=RoleBased(store)) as server:
        found = Stage(server, folder)
        found.put(namespace("shop"))
        found.put(recorded("node-worker-5"))
        yield found
        found.admin.close()
        found.daemon.close()


def workload(kind: str) -> KubeObject:
    """Return checkout as a workload of this kind, rolled out, with a volume."""
    made = deepcopy(recorded("deployment-checkout-healthy"))
    made["kind"] = kind
    spec = made["spec"]
    if kind == "Deployment":
        claim = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        spec["template"]["spec"].setdefault("volumes", []).append(claim)
        return made
    for key in ("strategy", "progressDeadlineSeconds", "revisionHistoryLimit"):
        spec.pop(key, None)
    count = spec["replicas"]
    if kind == "StatefulSet":
        spec["serviceName"] = "checkout"
        made["status"] = {
            "observedGeneration": 1, "replicas": count, "readyReplicas": count,
            "currentReplicas": count, "updatedReplicas": count, "availableReplicas": count,
            "currentRevision": "one", "updateRevision": "one",
        }  # fmt: skip
    else:
        del spec["replicas"]
        made["status"] = {
            "observedGeneration": 1, "currentNumberScheduled": 1, "numberMisscheduled": 0,
            "desiredNumberScheduled": 1, "numberReady": 1, "updatedNumberScheduled": 1,
            "numberAvailable": 1,
        }  # fmt: skip
    return made


CLAIM: KubeObject = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "namespace": "shop"},
    "spec": {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}
