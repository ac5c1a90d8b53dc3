"""The rights that actions need are known, and are enough."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from remedyd import rights
from remedyd.actions.planner import Planner
from remedyd.actions.registry import ACTIONS
from remedyd.actions.rights import needs
from remedyd.cluster.access import Permission
from remedyd.cluster.client import Cluster
from remedyd.cluster.door import ClusterDoor
from remedyd.cluster.kinds import WORKLOADS
from remedyd.errors import ClusterRejected
from remedyd.lab.apiserver.access import RoleBased
from remedyd.lab.apiserver.messages import User
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import ActionRequest, KubeObject, ManualClock
from support.cluster import namespace, recorded
from support.labserver import NOW, target

RBAC = "rbac.authorization.k8s.io/v1"
RAISE = ActionRequest("UpdateResources", {"memory": {"factor": 2}})


def needed(*actions: str) -> rights.Rights:
    """Return what a daemon needs that may do this to Deployments and StatefulSets."""
    kinds = ("Deployment", "StatefulSet")
    return rights.rights(rights.Use(action, kinds) for action in actions)


@contextmanager
def restricted(
    folder: Path, held: Iterable[Permission]
) -> Iterator[tuple[LabApiServer, Cluster, KubeObject]]:
    """Serve checkout to a daemon that holds exactly these rights."""
    store = ObjectStore(ManualClock(NOW), Random(1))
    rules = [
        {"apiGroups": [one.group], "resources": [one.resource], "verbs": [one.verb]} for one in held
    ]
    subject = {"kind": "User", "name": "remedyd", "apiGroup": "rbac.authorization.k8s.io"}
    bound = {"kind": "ClusterRole", "name": "r", "apiGroup": "rbac.authorization.k8s.io"}
    given = {
        "clusterroles": {"kind": "ClusterRole", "rules": rules},
        "clusterrolebindings": {
            "kind": "ClusterRoleBinding", "roleRef": bound, "subjects": [subject],
        },
    }  # fmt: skip
    for plural, body in given.items():
        obj = {"apiVersion": RBAC, "metadata": {"name": "r"}, **body}
        store.create(f"{RBAC}/{plural}", None, obj, manager="x")
    store.create("v1/namespaces", None, namespace("shop"), manager="x")
    store.create("v1/nodes", None, recorded("node-worker-5"), manager="x")
    live = recorded("deployment-checkout-oom")
    stored = store.create("apps/v1/deployments", "shop", live, manager="x")
    node = recorded("node-worker-5")["status"]
    store.mutate("v1/nodes", None, "worker-5", lambda n: n.update(status=node), manager="x")
    store.mutate(
        "apps/v1/deployments", "shop", "checkout",
        lambda one: one.update(status=live["status"]), manager="x", subresource="status",
    )  # fmt: skip
    user = User("remedyd", ("system:authenticated",))
    with LabApiServer(store, tokens={"t": user}, authorizer=RoleBased(store)) as server:
        path = folder / "kubeconfig"
        path.write_text(server.kubeconfig("t"))
        cluster = Cluster.connect(kubeconfig=path)
        yield server, cluster, {"kind": "Deployment", **stored}
        cluster.close()


def test_the_named_rights_are_enough(tmp_path: Path) -> None:
    """With exactly them the action is planned, rehearsed and written."""
    wanted = needed("UpdateResources")
    with restricted(tmp_path, wanted.everywhere) as (_, cluster, live):
        planner = Planner(cluster, ManualClock(NOW))
        plan = planner.plan(target(live), RAISE)
        assert [one for one in plan.prechecks if one.result == "Block"] == []
        ClusterDoor(cluster, ManualClock(NOW), lambda _: None).write("p1", plan)
        assert rights.missing(cluster, wanted) == ()


def test_without_the_right_to_patch_nothing_is_proposed(tmp_path: Path) -> None:
    """The rehearsal says so, and the check at the start names the right."""
    wanted = needed("UpdateResources")
    reads = [one for one in wanted.everywhere if one.verb != "patch"]
    with restricted(tmp_path, reads) as (_, cluster, live):
        with pytest.raises(ClusterRejected) as caught:
            Planner(cluster, ManualClock(NOW)).plan(target(live), RAISE)
        lacking = rights.missing(cluster, wanted)
    assert caught.value.status == 403
    assert "grant the verb" in caught.value.hint
    assert [one.permission for one in lacking] == [
        Permission("patch", "Deployment"),
        Permission("patch", "StatefulSet"),
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Node", "NodeFit"),
        ("ResourceQuota", "Quota"),
        ("VerticalPodAutoscaler", "VerticalAutoscaler"),
    ],
)
def test_a_right_to_read_that_is_missing_blocks(tmp_path: Path, kind: str, name: str) -> None:
    """What cannot be looked at is not taken for granted."""
    wanted = needed("UpdateResources").everywhere
    rest = [one for one in wanted if one.kind != kind and one.verb != "create"]
    request = ActionRequest("UpdateResources", {"memory": {"absolute": "256Mi"}})
    with restricted(tmp_path, rest) as (_, cluster, live):
        if kind == "Node":
            with pytest.raises(ClusterRejected):
                Planner(cluster, ManualClock(NOW)).plan(target(live), request)
            return
        plan = Planner(cluster, ManualClock(NOW)).plan(target(live), request)
    assert [one.name for one in plan.blocked] == [name]
    assert "could not be determined" in plan.blocked[0].evidence


def test_reads_alone_write_nothing() -> None:
    """A daemon that only escalates holds no right to change anything."""
    asked = {
        one for name in ("Escalate", "Status") for kind in WORKLOADS for one in needs(name, kind)
    }
    assert {one.verb for one in asked} == {"get"}


def test_an_eviction_needs_no_right_to_delete() -> None:
    """Only through the eviction API, which keeps the budgets."""
    asked = {one for kind in WORKLOADS for one in needs("DeletePod", kind)}
    writes = {one for one in asked if one.verb not in ("get", "list")}
    assert writes == {Permission("create", "Pod", "eviction")}


def test_every_action_names_its_rights_by_known_kinds() -> None:
    """Each right can be rendered as an RBAC rule."""
    for one in needed(*ACTIONS).everywhere:
        assert one.resource
        assert one.verb in ("get", "list", "patch", "create")
