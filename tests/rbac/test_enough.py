"""The rights of an action are enough for it, on every kind of workload, and none is spare."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from remedyd import rights
from remedyd.actions.planner import Planner
from remedyd.actions.rights import needs
from remedyd.cluster.access import Permission
from remedyd.cluster.client import Cluster
from remedyd.cluster.door import ClusterDoor
from remedyd.cluster.kinds import KINDS
from remedyd.cluster.progress import progress
from remedyd.cluster.readback import inspect
from remedyd.lab.apiserver.access import ADMINISTRATOR, RoleBased
from remedyd.lab.apiserver.messages import User
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import ActionRequest, KubeObject, ManualClock
from remedyd.rights import Use
from support.cluster import children, namespace, recorded
from support.labserver import NOW, target

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
            if one.user != DAEMON.name or "selfsubject" in one.path:
                continue
            parts = one.path.strip("/").split("/")[2 if one.path.startswith("/api/") else 3 :]
            if parts[0] == "namespaces" and len(parts) > 2:
                parts = parts[2:]
            single = len(parts) > 1
            verb = {"GET": "get" if single else "list", "PATCH": "patch", "POST": "create"}
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
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("UpdateResources", "Deployment", {"memory": {"factor": 1.5}}),
    ("UpdateResources", "StatefulSet", {"memory": {"factor": 1.5}}),
    *(("Restart", kind, {}) for kind in ("Deployment", "StatefulSet", "DaemonSet")),
    *(("Scale", kind, {"delta": 1, "max": 9}) for kind in ("Deployment", "StatefulSet")),
    *(("ScaleToBaseline", kind, {"baseline": 5}) for kind in ("Deployment", "StatefulSet")),
    *(("Status", kind, {}) for kind in ("Deployment", "StatefulSet", "DaemonSet")),
]  # fmt: skip


@pytest.mark.parametrize(("action", "kind", "params"), CASES)
def test_an_action_works_and_uses_all_it_is_granted(
    tmp_path: Path, action: str, kind: str, params: dict[str, Any]
) -> None:
    """Planned, rehearsed, written, followed and undone in one namespace, with nothing to spare."""
    wanted = rights.rights([Use(action, (kind,), ("shop",))])
    with stage(tmp_path) as found:
        found.put(CLAIM)
        live = found.put(workload(kind))
        found.grant(wanted)
        planner = Planner(found.daemon, found.clock)
        plan = planner.plan(target(live), ActionRequest(action, params))
        assert plan.blocked == ()
        found.daemon.get("Namespace", "", "shop")  # as the guardrails do, for its annotations
        if plan.patch is not None:
            door = ClusterDoor(found.daemon, found.clock, lambda _: None, recheck=planner.recheck)
            applied = door.write("p1", plan)
            assert door.landed("p1", plan.target, plan) is not None
            now = found.daemon.get(kind, "shop", "checkout")
            progress(found.daemon, plan, now, applied.at, found.clock.now())
            inspect(found.daemon, plan)
            if plan.undo is not None:
                door.undo("p1", plan, applied)
        assert found.used() == {(one.verb, one.resource) for one in needs(action, kind)}


def test_an_autoscaler_is_adjusted_with_its_rights_alone(tmp_path: Path) -> None:
    """It is listed to be found, then read, written and read back by name."""
    with stage(tmp_path) as found:
        live = found.put(recorded("deployment-recommendation"))
        found.put(recorded("hpa-recommendation-max"))
        found.grant(rights.rights([Use("AdjustHPA", ("Deployment",))]))
        planner = Planner(found.daemon, found.clock)
        plan = planner.plan(target(live), ActionRequest("AdjustHPA", {"max": 8}))
        door = ClusterDoor(found.daemon, found.clock, lambda _: None, recheck=planner.recheck)
        door.undo("p1", plan, door.write("p1", plan))
        spare = {(p.verb, p.resource) for p in needs("AdjustHPA", "Deployment")} - found.used()
        assert spare == set()


def test_a_pod_is_evicted_with_its_rights_alone(tmp_path: Path) -> None:
    """No right to delete pods is among them."""
    with stage(tmp_path) as found:
        live = found.put(recorded("deployment-checkout-oom"))
        uid = live["metadata"]["uid"]
        owned = children("checkout-oom")
        sets = [one for one in owned if one["kind"] == "ReplicaSet"]
        uids = {}
        for one in sets:
            one["metadata"]["ownerReferences"][0]["uid"] = uid
            old = one["metadata"]["uid"]
            uids[old] = found.put(one)["metadata"]["uid"]
        pods = [one for one in owned if one["kind"] == "Pod"][:3]
        for place, one in enumerate(pods):
            reference = one["metadata"]["ownerReferences"][0]
            reference["uid"] = uids[reference["uid"]]
            state = "False" if place == 0 else "True"
            one["status"]["conditions"] = [{"type": "Ready", "status": state}]
            found.put(one)
        found.grant(rights.rights([Use("DeletePod", ("Deployment",), ("shop",))]))
        planner = Planner(found.daemon, found.clock)
        plan = planner.plan(target(live), ActionRequest("DeletePod", {}))
        assert plan.blocked == ()
        ClusterDoor(found.daemon, found.clock, lambda _: None, recheck=planner.recheck).write(
            "p1", plan
        )
        assert found.used() == {(p.verb, p.resource) for p in needs("DeletePod", "Deployment")}


def test_what_is_missing_and_what_is_spare_is_told(tmp_path: Path) -> None:
    """Per namespace, by asking the API server; a missing right names the action it disables."""
    uses = [Use("Restart", ("Deployment",), ("shop",)), Use("Status", ("Deployment",), ("shop",))]
    full = rights.rights(uses)
    lacking = Permission("patch", "Deployment")
    other = Permission("get", "Secret")
    held = rights.Rights(full.everywhere, {"shop": (full.within["shop"] - {lacking}) | {other}})
    with stage(tmp_path) as found:
        found.grant(held)
        told = rights.review(found.daemon, full)
    assert [(one.permission, one.namespace) for one in told.missing] == [(lacking, "shop")]
    assert [(one.permission, one.namespace) for one in told.excess] == [(other, "shop")]
    assert rights.disabled(uses, told.missing) == {"Restart"}


def test_rights_as_rendered_are_neither_missing_nor_spare(tmp_path: Path) -> None:
    """What `render` grants is exactly what `check` asks for."""
    full = rights.rights([Use("UpdateResources", namespaces=("shop",)), Use("DeletePod")])
    with stage(tmp_path) as found:
        found.grant(full)
        assert rights.review(found.daemon, full) == rights.Review((), ())


def test_policies_may_be_watched_by_the_guardrails(tmp_path: Path) -> None:
    """A policy's rights include the lists by which a storm is told from a single fault."""
    with stage(tmp_path) as found:
        use = Use("Escalate", ("Deployment",), ("shop",), policy=True)
        found.grant(rights.rights([use]))
        assert len(found.daemon.list("Node")) == 1
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "Pod"):
            assert found.daemon.list(kind, "shop") == []
