"""In a big cluster live reads stay small: in pages, cut to what is looked at, counted unread."""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

import pytest

from remedyd.cluster.client import Cluster
from remedyd.cluster.lately import READINESS, ROOM, Lately
from remedyd.cluster.nodes import readiness, readiness_of
from remedyd.cluster.ports import count, each
from remedyd.cluster.prechecks.capacity import allocatable, usable
from remedyd.errors import ClusterUnavailable
from remedyd.model import KubeObject, ManualClock, Nodes
from support.cluster import ListReader, namespace, recorded
from support.labserver import NOW, Lab, lab

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
        patient = Cluster(found.cluster._api, timeout_seconds=60.0)  # a busy machine asks once, too
        yield replace(found, cluster=patient)


def test_nodes_come_in_pages_and_without_what_nobody_looks_at(big: Lab) -> None:
    """A hundred nodes in each answer; a kilobyte of each is kept, whatever else it carries."""
    before = len(big.server.requests)
    nodes = big.cluster.list("Node")
    asked = [one for one in big.server.requests[before:] if one.path.endswith("/nodes")]
    assert (len(nodes), len(asked)) == (NODES, 12)
    assert all(one.query["limit"] == ["100"] for one in asked)
    assert len(json.dumps(nodes)) / NODES < 1024


def test_what_is_kept_is_enough(big: Lab) -> None:
    """Readiness, room, taints and labels of a node are answered as from the whole."""
    whole = big.cluster.get("Node", "", "n7")
    cut = next(one for one in big.cluster.list("Node") if one["metadata"]["name"] == "n7")
    assert readiness_of([cut]) == readiness_of([whole])
    assert allocatable(cut, "memory") == allocatable(whole, "memory") > 0
    assert usable(cut, {}) == usable(whole, {})
    assert cut["metadata"]["labels"] == whole["metadata"]["labels"]


def test_who_has_seen_enough_nodes_stops_reading(big: Lab) -> None:
    """The first page is all that is asked for when its first node will do."""
    before = len(big.server.requests)
    assert next(each(big.cluster, "Node"))["metadata"]["name"] == "n0"
    assert len(big.server.requests) - before == 1


@pytest.fixture
def down(big: Lab) -> Iterator[str]:
    """A node that is not ready; another one is cordoned, which does not matter."""
    store = big.server.store
    store.mutate(
        "v1/nodes", None, "n3", lambda n: n["spec"].update(unschedulable=True), manager="kubectl"
    )

    def say(status: str) -> None:
        def write(node: KubeObject) -> None:
            ready = [c for c in node["status"]["conditions"] if c["type"] == "Ready"]
            ready[0]["status"] = status

        store.mutate("v1/nodes", None, "n77", write, manager="kubelet", subresource="status")

    say("Unknown")
    yield "n77"
    say("True")


def test_which_nodes_are_ready_is_read_off_a_short_table(big: Lab, down: str) -> None:
    """The same nodes as by their conditions, for a fiftieth of the bytes."""
    before = len(big.server.requests)
    known = Nodes((down,), NODES)
    assert readiness(big.cluster) == known == readiness_of(big.cluster.list("Node"))
    asked = big.server.requests[before:]
    tables = [one for one in asked if one.query.get("includeObject") == ["None"]]
    assert [one.query["limit"] for one in tables] == [["1000"], ["1000"]]


def test_without_such_a_table_nodes_are_read_whole(big: Lab, down: str) -> None:
    """A server or proxy that ignores the wish for a table is understood all the same."""

    class Plain(Cluster):
        def printed(self, kind: str, *columns: str) -> Sequence[tuple[str, ...]] | None:
            assert super().printed(kind, "Name", "Mood") is None
            return super().printed(kind, *columns, "Mood")

    plain = Plain(big.cluster._api)
    assert readiness(plain) == Nodes((down,), NODES)


def test_those_who_only_look_share_what_they_know_of_nodes(big: Lab, down: str) -> None:
    """Within seconds nothing is asked again; afterwards, and by whoever writes, it is."""
    clock = ManualClock(NOW)
    lately = Lately(big.cluster, clock)
    assert lately.readiness().unready == (down,)
    before = len(big.server.requests)
    clock.advance(READINESS / 2)
    assert lately.readiness().unready == (down,)
    assert len(big.server.requests) == before
    clock.advance(READINESS / 2)
    lately.readiness()
    assert len(big.server.requests) == before + 2


def test_nodes_kept_for_planning_grow_old_too(big: Lab) -> None:
    """A minute after they were read they are read again; other kinds are never kept."""
    clock = ManualClock(NOW)
    lately = Lately(big.cluster, clock)
    assert len(list(each(lately, "Node"))) == len(lately.list("Node")) == NODES
    before = len(big.server.requests)
    lately.list("Node")
    assert len(big.server.requests) == before
    lately.list("Deployment", "shop")
    lately.list("Deployment", "shop")
    assert len(big.server.requests) == before + 2
    clock.advance(ROOM)
    lately.list("Node")
    assert len(big.server.requests) == before + 14


def test_a_failed_look_at_nodes_is_not_remembered(big: Lab) -> None:
    """Not knowing is an error for each who asks, and over as soon as the server answers."""
    broken = ListReader(broken=frozenset({"Node"}))
    lately = Lately(broken, ManualClock(NOW))
    for _ in range(2):
        with pytest.raises(ClusterUnavailable):
            lately.readiness()
    broken.broken = frozenset()
    assert lately.readiness() == Nodes((), 0)


def test_workloads_are_counted_by_one_of_them(big: Lab) -> None:
    """One request with one object, and the server's word for the rest."""
    before = len(big.server.requests)
    assert count(big.cluster, "Deployment", "shop") == 30
    assert count(big.cluster, "StatefulSet", "shop") == 0
    asked = big.server.requests[before:]
    assert [one.query["limit"] for one in asked] == [["1"], ["1"]]
