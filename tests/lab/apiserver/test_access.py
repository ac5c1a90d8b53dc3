"""Who may do what: tokens, roles, reviews."""

import json

from remedyd.lab.apiserver.access import RoleBased, service_account
from remedyd.lab.apiserver.messages import User
from support.apiserver import DEPLOYMENTS, Client, deployment, new_store, running

RBAC = "rbac.authorization.k8s.io/v1"
BOB = service_account({"namespace": "shop", "name": "bob", "uid": "u1"})


def test_what_no_role_allows_is_denied() -> None:
    """With roles in force a known user without any may read discovery only."""
    store = new_store()
    users = {"t": BOB}
    with running(store, tokens=users, authorizer=RoleBased(store)) as (server, _):
        client = Client(server, "t")
        assert client("GET", "/apis").status == 200
        assert client("GET", DEPLOYMENTS).status == 403
        client.close()


def test_cluster_role_bound_in_a_namespace_counts_there_only() -> None:
    """A RoleBinding to a ClusterRole allows in its namespace and nowhere else."""
    store = new_store()
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]}
    role = {"metadata": {"name": "look"}, "rules": [rule]}
    store.create(f"{RBAC}/clusterroles", None, role, manager="m")
    subjects = [{"kind": "ServiceAccount", "name": "bob", "namespace": "shop"}]
    reference = {"kind": "ClusterRole", "name": "look"}
    binding = {"metadata": {"name": "b"}, "subjects": subjects, "roleRef": reference}
    store.create(f"{RBAC}/rolebindings", "shop", binding, manager="m")
    with running(store, tokens={"t": BOB}, authorizer=RoleBased(store)) as (server, _):
        client = Client(server, "t")
        assert client("GET", DEPLOYMENTS).status == 200
        assert client("GET", "/apis/apps/v1/deployments").status == 403
        assert client("DELETE", f"{DEPLOYMENTS}/web").status == 403
        client.close()


def test_resource_names_narrow_a_rule() -> None:
    """A rule with resourceNames allows these objects alone."""
    store = new_store()
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    role = {"metadata": {"name": "one"}, "rules": [{**rule, "resourceNames": ["mine"]}]}
    store.create(f"{RBAC}/clusterroles", None, role, manager="m")
    reference = {"kind": "ClusterRole", "name": "one"}
    subjects = [{"kind": "User", "name": "eve"}]
    binding = {"metadata": {"name": "b"}, "subjects": subjects, "roleRef": reference}
    store.create(f"{RBAC}/clusterrolebindings", None, binding, manager="m")
    eve = User("eve", ("system:authenticated",))
    with running(store, tokens={"t": eve}, authorizer=RoleBased(store)) as (server, _):
        client = Client(server, "t")
        statuses = [
            client("GET", f"/api/v1/namespaces/shop/configmaps/{name}").status
            for name in ("mine", "other")
        ]
        client.close()
    assert statuses == [404, 403]


def test_issued_token_speaks_for_its_account() -> None:
    """A token from TokenRequest is accepted, and names the ServiceAccount."""
    store = new_store()
    admin = User("root", ("system:masters", "system:authenticated"))
    with running(store, tokens={"a": admin}, authorizer=RoleBased(store)) as (server, _):
        client = Client(server, "a")
        accounts = "/api/v1/namespaces/shop/serviceaccounts"
        client("POST", accounts, {"metadata": {"name": "bob"}})
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = client("POST", f"{accounts}/bob/token", request).body["status"]["token"]
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        as_bob = Client(server, token)
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = as_bob("POST", path, review).body
        as_bob.close()
        client.close()
    assert answer["status"]["userInfo"]["username"] == "system:serviceaccount:shop:bob"


def test_without_tokens_everybody_is_administrator() -> None:
    """A server without tokens lets everybody do everything."""
    with running() as (_, client):
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": "delete", "resource": "nodes"}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        assert client("POST", path, review).body["status"]["allowed"] is True


def test_kubeconfig_names_server_and_token() -> None:
    """The kubeconfig points at the server and carries the token."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        config = json.loads(server.kubeconfig("secret"))
        assert config["clusters"][0]["cluster"]["server"] == server.url
        assert config["users"][0]["user"]["token"] == "secret"
