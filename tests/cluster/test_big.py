"""In a big cluster live reads stay small: in pages, cut to what is looked at, counted unread."""

import json
from collections.abc import Iterator
from copy import deepcopy

import pytest

from remedyd.cluster.nodes import not_ready
from remedyd.cluster.ports import count
from remedyd.cluster.prechecks.capacity import allocatable, usable
from support.cluster import namespace, recorded
from support.labserver import Lab, lab

NODES = 1_200
IMAGES = [{"names": [f"registry.example.com/{n}@sha256:{n:064}"], "sizeBytes": n} for n in range(9)]


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with many nodes and workloads, written past the API."""
    with lab(tmp_path_factory.mktemp("big")) as found:
        found.create(namespace("shop"))
        node = recorded("node-worker-5")
        node["status"]["images"] = IMAGES
        for number in range(NODES):
            one = deepcopy(node)
            one["metadata"] = {"name": f"n{number}", "labels": node["metadata"]["labels"]}
            found.server.store.create("v1/nodes", None, one, manager="kubelet")
        workload = recorded("deployment-checkout-healthy")
        for number in range(30):
            one = deepcopy(workload)
            one["metadata"] = {"name": f"w{number}", "namespace": "shop"}
            found.server.store.create("apps/v1/deployments", "shop", one, manager="kubectl")
        yield found


def test_nodes_come_in_pages_and_without_what_nobody_looks_at(big: Lab) -> None:
    """Three requests for 1,200 nodes; a kilobyte of each is kept, whatever else it carries."""
    before = len(big.server.requests)
    nodes = big.cluster.list("Node")
    asked = [one for one in big.server.requests[before:] if one.path.endswith("/nodes")]
    assert (len(nodes), len(asked)) == (NODES, 3)
    assert all(one.query["limit"] == ["500"] for one in asked)
    assert len(json.dumps(nodes)) / NODES < 1024


def test_what_is_kept_is_enough(big: Lab) -> None:
    """Readiness, room, taints and labels of a node are answered as from the whole."""
    whole = big.cluster.get("Node", "", "n7")
    cut = next(one for one in big.cluster.list("Node") if one["metadata"]["name"] == "n7")
    assert not_ready([cut]) == not_ready([whole])
    assert allocatable(cut, "memory") == allocatable(whole, "memory") > 0
    assert usable(cut, {}) == usable(whole, {})
    assert cut["metadata"]["labels"] == whole["metadata"]["labels"]


def test_workloads_are_counted_by_one_of_them(big: Lab) -> None:
    """One request with one object, and the server's word for the rest."""
    before = len(big.server.requests)
    assert count(big.cluster, "Deployment", "shop") == 30
    assert count(big.cluster, "StatefulSet", "shop") == 0
    asked = big.server.requests[before:]
    assert [one.query["limit"] for one in asked] == [["1"], ["1"]]
