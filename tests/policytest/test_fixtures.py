"""Objects as manifests have them are completed to what an API server would return."""

from datetime import UTC, datetime

import pytest

from remedyd.cluster.rollout import in_progress, rollout_status
from remedyd.errors import NotFound
from remedyd.testing.policytest.fixtures import FixtureCluster
from remedyd.testing.policytest.selectors import fielded, labelled

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def workload(kind="Deployment", name="cart", **spec):
    containers = {"spec": {"containers": [{"name": "app"}]}}
    meta = {"name": name, "namespace": "shop"}
    return {"kind": kind, "metadata": meta, "spec": {"template": containers, **spec}}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_a_bare_workload_is_one_whose_rollout_is_complete(kind):
    """Whoever says nothing about the status means a workload at rest."""
    live = FixtureCluster([workload(kind, replicas=3)], NOW).get(kind, "shop", "cart")
    assert rollout_status(live).complete
    assert in_progress(live) == ""
    assert live["metadata"]["uid"]


def test_a_given_status_is_kept():
    """Whoever says something means it."""
    stuck = workload(replicas=2) | {"status": {"observedGeneration": 0}}
    live = FixtureCluster([stuck], NOW).get("Deployment", "shop", "cart")
    assert not rollout_status(live).complete


def test_namespace_and_node_are_there():
    """Prechecks look at both; nobody wants to write them down."""
    cluster = FixtureCluster([workload()], NOW)
    assert cluster.get("Namespace", "", "shop")["status"] == {"phase": "Active"}
    assert len(cluster.list("Node")) == 1


def test_given_nodes_are_the_only_ones():
    """A test about capacity has its own nodes."""
    node = {"kind": "Node", "metadata": {"name": "small"}}
    assert [n["metadata"]["name"] for n in FixtureCluster([node], NOW).list("Node")] == ["small"]


def test_what_is_not_there_is_not_found():
    """The message tells what there is."""
    cluster = FixtureCluster([workload()], NOW)
    with pytest.raises(NotFound, match="the fixtures have no Deployment shop/other") as caught:
        cluster.get("Deployment", "shop", "other")
    assert caught.value.hint == "they have in shop: Deployment/cart"


def test_objects_are_handed_out_as_copies():
    """Who changes what it read changes nothing in the cluster."""
    cluster = FixtureCluster([workload(replicas=1)], NOW)
    cluster.get("Deployment", "shop", "cart")["spec"]["replicas"] = 5
    cluster.list("Deployment")[0]["spec"]["replicas"] = 5
    assert cluster.get("Deployment", "shop", "cart")["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("", True),
        ("app=cart", True),
        ("app==cart", True),
        ("app!=cart", False),
        ("app=cart,tier=web", True),
        ("app=cart,tier=db", False),
        ("tier in (web,db)", True),
        ("tier notin (web, db)", False),
        ("tier in (db),app=cart", False),
        ("app", True),
        ("!app", False),
        ("!other", True),
        ("example.com/key=v", True),
    ],
)
def test_label_selectors(selector, fits):
    """Every form that the API's query parameter has."""
    labels = {"app": "cart", "tier": "web", "example.com/key": "v"}
    assert labelled({"metadata": {"labels": labels}}, selector) is fits


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("", True),
        ("metadata.name=cart", True),
        ("metadata.name!=cart", False),
        ("spec.nodeName=n1", True),
        ("spec.nodeName=", False),
        ("status.phase=Running", False),
    ],
)
def test_field_selectors(selector, fits):
    """Fields are compared as text; an absent one is empty."""
    pod = {"metadata": {"name": "cart"}, "spec": {"nodeName": "n1"}}
    assert fielded(pod, selector) is fits
