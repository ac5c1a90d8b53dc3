"""Writes over HTTP beyond what the recordings show."""

from typing import Any

import pytest

from remedyd.lab.apiserver.budgets import BUDGETS
from support.apiserver import (
    APPLY,
    DEPLOYMENTS,
    MERGE,
    STRATEGIC,
    deployment,
    pod,
    running,
)

PATH = f"{DEPLOYMENTS}/web"
SHOP = "/api/v1/namespaces/shop"


def managers(obj: dict[str, Any]) -> list[str]:
    """Return who owns something of an object."""
    return [entry["manager"] for entry in obj["metadata"]["managedFields"]]


def test_put_creates_a_lease_that_is_not_there() -> None:
    """Leases are created by PUT, as leader election relies on."""
    with running() as (_, client):
        path = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/leader"
        body = {"metadata": {"name": "leader"}, "spec": {"holderIdentity": "a"}}
        assert client("PUT", path, body).status == 201


def test_shared_field_stays_when_one_owner_lets_go() -> None:
    """A field that two managers applied stays until both have let it go."""
    with running() as (_, client):
        body = deployment()
        note = {**body["metadata"], "annotations": {"a": "b"}}
        with_note = {**body, "metadata": note}
        for manager in ("one", "two"):
            client("PATCH", PATH, with_note, type_=APPLY, fieldManager=manager)
        client("PATCH", PATH, body, type_=APPLY, fieldManager="one")
        kept = client("GET", PATH).body["metadata"].get("annotations")
        client("PATCH", PATH, body, type_=APPLY, fieldManager="two")
        gone = client("GET", PATH).body["metadata"].get("annotations")
        assert (kept, gone) == ({"a": "b"}, None)


def test_apply_names_every_conflict() -> None:
    """A refused apply lists each field with its owner."""
    with running() as (_, client):
        client("POST", DEPLOYMENTS, deployment(), fieldManager="owner")
        other = deployment(replicas=9)
        other["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"
        answer = client("PATCH", PATH, other, type_=APPLY, fieldManager="me")
        fields = [cause["field"] for cause in answer.body["details"]["causes"]]
        assert answer.status == 409
        assert fields == [
            ".spec.replicas",
            '.spec.template.spec.containers[name="app"].image',
        ]


def test_update_moves_ownership_of_what_it_changes() -> None:
    """Who changes a field owns it, and the former owner does no more."""
    with running() as (_, client):
        client("POST", DEPLOYMENTS, deployment(), fieldManager="owner")
        patch = {"spec": {"replicas": 4}}
        body = client("PATCH", PATH, patch, type_=STRATEGIC, fieldManager="me").body
        owned = {e["manager"]: e["fieldsV1"] for e in body["metadata"]["managedFields"]}
        assert owned["me"] == {"f:spec": {"f:replicas": {}}}
        assert "f:replicas" not in owned["owner"]["f:spec"]


def test_many_managers_are_folded() -> None:
    """More than ten updaters become one entry of ancient changes."""
    with running() as (_, client):
        client("POST", DEPLOYMENTS, deployment(), fieldManager="m0")
        for index in range(1, 13):
            patch = {"metadata": {"annotations": {f"k{index}": "v"}}}
            body = client("PATCH", PATH, patch, type_=MERGE, fieldManager=f"m{index}").body
        assert "ancient-changes" in managers(body)
        assert len(managers(body)) <= 11


def test_eviction_counts_pods_when_no_controller_does() -> None:
    """A budget without a status is worked out from the pods at the eviction."""
    with running() as (server, client):
        store = server.store
        for name in ("a", "b"):
            store.create("v1/pods", "shop", pod(name, node="worker-1"), manager="t")
            where = ("v1/pods", "shop", name)
            store.mutate(*where, serve, manager="kubelet", subresource="status")
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
        store.create(BUDGETS, "shop", {"metadata": {"name": "b"}, "spec": spec}, manager="t")
        answers = [
            client("POST", f"{SHOP}/pods/{name}/eviction", eviction(name)).status
            for name in ("a", "b")
        ]
        assert answers == [201, 429]


def test_budget_is_free_again_when_a_pod_has_come() -> None:
    """An eviction uses the budget up; a new pod that serves frees it."""
    with running() as (server, client):
        store = server.store
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
        store.create(BUDGETS, "shop", {"metadata": {"name": "b"}, "spec": spec}, manager="t")
        allowed = []
        for name in ("a", "b", "c"):
            store.create("v1/pods", "shop", pod(name, node="worker-1"), manager="t")
            store.mutate("v1/pods", "shop", name, serve, manager="kubelet", subresource="status")
            if name == "b":
                client("POST", f"{SHOP}/pods/a/eviction", eviction("a"))
            budget = store.get(BUDGETS, "shop", "b")
            allowed.append(budget["status"]["disruptionsAllowed"])
        assert allowed == [0, 0, 1]


def serve(obj: dict[str, Any]) -> None:
    """Give a pod the status of one that serves."""
    obj["status"] = {"conditions": [{"type": "Ready", "status": "True"}], "phase": "Running"}


def eviction(name: str) -> dict[str, Any]:
    """Return an Eviction."""
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}


def test_deleted_namespace_takes_its_content_along() -> None:
    """Deleting a namespace deletes what is in it, and then the namespace."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        assert client("DELETE", SHOP).body["status"]["phase"] == "Terminating"
        assert client("GET", PATH).status == 404
        assert client("GET", SHOP).status == 404
        assert server.store.scan("apps/v1/deployments") == []


def test_namespace_waits_for_running_pods() -> None:
    """A namespace with a pod that has time to stop goes when the pod does."""
    with running() as (server, client):
        server.store.create("v1/pods", "shop", pod("p", node="worker-1"), manager="t")
        client("DELETE", SHOP)
        assert client("GET", SHOP).status == 200
        refused = client("POST", DEPLOYMENTS, deployment())
        assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
        server.store.delete("v1/pods", "shop", "p", grace_seconds=0)
        assert client("GET", SHOP).status == 404


def test_quota_counts_what_is_there() -> None:
    """The status of a quota follows the pods of its namespace."""
    with running() as (server, client):
        spec = {"hard": {"pods": "1", "requests.memory": "1Gi"}}
        client("POST", f"{SHOP}/resourcequotas", {"metadata": {"name": "q"}, "spec": spec})
        body = pod("p")
        held = {"requests": {"memory": "64Mi"}, "limits": {"memory": "64Mi"}}
        body["spec"]["containers"][0]["resources"] = held
        assert client("POST", f"{SHOP}/pods", body).status == 201
        used = client("GET", f"{SHOP}/resourcequotas/q").body["status"]["used"]
        second = {**body, "metadata": {"name": "p2"}}
        assert (used, client("POST", f"{SHOP}/pods", second).status) == (
            {"pods": "1", "requests.memory": "64Mi"}, 403
        )  # fmt: skip
        server.store.delete("v1/pods", "shop", "p", grace_seconds=0)
        assert client("POST", f"{SHOP}/pods", second).status == 201


def test_old_autoscaler_version_is_another_view() -> None:
    """An HPA made as autoscaling/v1 is an autoscaling/v2 one with a cpu metric."""
    with running() as (_, client):
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        spec = {"maxReplicas": 3, "targetCPUUtilizationPercentage": 60, "scaleTargetRef": target}
        path = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers"
        body = client("POST", path, {"metadata": {"name": "h"}, "spec": spec}).body
        assert body["spec"]["targetCPUUtilizationPercentage"] == 60
        other = client("GET", f"{path.replace('v1', 'v2', 1)}/h").body
        assert other["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60


@pytest.mark.parametrize("path", ["/apis/apps/v1/deployments", "/apis/apps/v1/"])
def test_post_where_nothing_is_created_is_not_allowed(path: str) -> None:
    """A POST without a namespace, or of discovery, is 405."""
    with running() as (_, client):
        assert client("POST", path, deployment()).status == 405


def test_secret_texts_are_stored_encoded() -> None:
    """`stringData` of a Secret becomes base64 data."""
    with running() as (_, client):
        body = {"metadata": {"name": "s"}, "stringData": {"k": "v"}}
        answer = client("POST", f"{SHOP}/secrets", body).body
        assert (answer["data"], answer["type"]) == ({"k": "dg=="}, "Opaque")


def test_pod_log_needs_a_container_when_there_are_two() -> None:
    """The log of a pod with two containers asks which one."""
    with running(logs=lambda pod, container, previous: "a\nb\nc\n") as (server, client):
        body = pod("p")
        body["spec"]["containers"].append({"name": "side", "image": "x:1"})
        server.store.create("v1/pods", "shop", body, manager="t")
        path = f"{SHOP}/pods/p/log"
        assert client("GET", path).status == 400
        assert client("GET", path, container="side", tailLines="2").body == "b\nc\n"


def sick(obj: dict[str, Any]) -> None:
    """Give a pod the status of one that runs and is not ready."""
    obj["status"] = {"conditions": [{"type": "Ready", "status": "False"}], "phase": "Running"}


@pytest.mark.parametrize(
    ("policy", "healthy", "expected"),
    [(None, 1, 201), (None, 0, 429), ("AlwaysAllow", 0, 201), ("IfHealthyBudget", 0, 429)],
)
def test_a_pod_that_is_not_ready_may_be_evicted(
    policy: str | None, healthy: int, expected: int
) -> None:
    """While enough others serve, or always where the budget says so: it serves nobody."""
    with running() as (server, client):
        store = server.store
        for name, status in [("a", sick), *[("b", serve)][:healthy]]:
            store.create("v1/pods", "shop", pod(name, node="worker-1"), manager="t")
            where = ("v1/pods", "shop", name)
            store.mutate(*where, status, manager="kubelet", subresource="status")
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
        if policy:
            spec["unhealthyPodEvictionPolicy"] = policy
        store.create(BUDGETS, "shop", {"metadata": {"name": "b"}, "spec": spec}, manager="t")
        answer = client("POST", f"{SHOP}/pods/a/eviction", eviction("a"))
        assert answer.status == expected


def test_a_pod_that_does_not_run_is_under_no_budget() -> None:
    """A pending pod may always be evicted."""
    with running() as (server, client):
        store = server.store
        store.create("v1/pods", "shop", pod("a"), manager="t")
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
        store.create(BUDGETS, "shop", {"metadata": {"name": "b"}, "spec": spec}, manager="t")
        assert client("POST", f"{SHOP}/pods/a/eviction", eviction("a")).status == 201
