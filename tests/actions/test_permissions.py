"""The rights that actions need are known, and are enough."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from remedyd.actions.planner import Planner
from remedyd.actions.registry import ACTIONS, permissions
from remedyd.cluster import access
from remedyd.cluster.access import Permission
from remedyd.cluster.client import Cluster
from remedyd.cluster.door import ClusterDoor
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


@contextmanager
def restricted(
    folder: Path, rights: Iterable[Permission]
) -> Iterator[tuple[LabApiServer, Cluster, KubeObject]]:
    """Serve checkout to a daemon that holds exactly these rights."""
    store = ObjectStore(ManualClock(NOW), Random(1))
    rules = [
        {"apiGroups": [one.group], "resources": [one.resource], "verbs": [one.verb]}
        for one in rights
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
    with restricted(tmp_path, permissions(["UpdateResources"])) as (_, cluster, live):
        planner = Planner(cluster, ManualClock(NOW))
        plan = planner.plan(target(live), RAISE)
        assert [one for one in plan.prechecks if one.result == "Block"] == []
        ClusterDoor(cluster, ManualClock(NOW), lambda _: None).write("p1", plan)
        assert access.missing(cluster, permissions(["UpdateResources"])) == ()


def test_without_the_right_to_patch_nothing_is_proposed(tmp_path: Path) -> None:
    """The rehearsal says so, and the check at the start names the right."""
    with restricted(tmp_path, permissions([])) as (_, cluster, live):
        with pytest.raises(ClusterRejected) as caught:
            Planner(cluster, ManualClock(NOW)).plan(target(live), RAISE)
        lacking = access.missing(cluster, permissions(["UpdateResources"]))
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
    rights = [one for one in permissions(["Restart"]) if one.kind != kind]
    request = ActionRequest("UpdateResources", {"memory": {"absolute": "256Mi"}})
    with restricted(tmp_path, rights) as (_, cluster, live):
        if kind == "Node":
            with pytest.raises(ClusterRejected):
                Planner(cluster, ManualClock(NOW)).plan(target(live), request)
            return
        plan = Planner(cluster, ManualClock(NOW)).plan(target(live), request)
    assert [one.name for one in plan.blocked] == [name]
    assert "could not be determined" in plan.blocked[0].evidence


def test_reads_alone_write_nothing() -> None:
    """A daemon that only escalates holds no right to change anything."""
    assert {one.verb for one in permissions(["Escalate", "Status"])} == {"get", "list"}


def test_an_eviction_needs_no_right_to_delete() -> None:
    """Only through the eviction API, which keeps the budgets."""
    extra = set(permissions(["DeletePod"])) - set(permissions([]))
    assert extra == {Permission("create", "Pod", "eviction")}


def test_every_action_names_its_rights_by_known_kinds() -> None:
    """Each right can be rendered as an RBAC rule."""
    for one in permissions(ACTIONS):
        assert one.resource
        assert one.verb in ("get", "list", "patch", "create")
