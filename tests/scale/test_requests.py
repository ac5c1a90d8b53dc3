"""What a daemon asks the API server for does not grow with the cluster."""

from collections.abc import Iterator

import pytest

from remedyd.lab.crowd.shape import Crowd
from remedyd.model import State
from support.byhand import ByHand
from support.crowds import crowded, lists, sorts

SMALL = Crowd(nodes=20, workloads=40, pods=160, namespaces=4, broken=1, down=0)
LARGE = Crowd(nodes=300, workloads=160, pods=1_600, namespaces=4, broken=1, down=0)
MINUTES = 3


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ByHand, ByHand]]:
    """The same daemon on a small and a large cluster, after minutes that led to a proposal each."""
    homes = [tmp_path_factory.mktemp(name) for name in ("small", "large")]
    with crowded(homes[0], SMALL) as small, crowded(homes[1], LARGE) as large:
        for daemon in (small, large):
            daemon.lab.apiserver.requests.clear()
            daemon.lab.apiserver.sizes.clear()
            daemon.live(MINUTES)
        yield small, large


def test_each_led_to_one_proposal(pair: tuple[ByHand, ByHand]) -> None:
    """So every stage of a cycle was gone through."""
    for daemon in pair:
        assert [p.state for p in daemon.proposals()] == [State.PROPOSED], daemon.told()


def test_no_collection_is_listed_without_a_limit(pair: tuple[ByHand, ByHand]) -> None:
    """Every list of what grows with the cluster comes in pages."""
    found = list(lists(pair[1].lab.apiserver.requests))
    assert found
    assert [one for _, one in found if not 0 < int(one.query.get("limit", ["0"])[0]) <= 1000] == []


def test_only_a_workloads_own_objects_are_listed(pair: tuple[ByHand, ByHand]) -> None:
    """Pods and revisions by their workload's selector; nodes as pages; the rest is only counted."""
    for plural, one in lists(pair[1].lab.apiserver.requests):
        selected, counted = "labelSelector" in one.query, one.query["limit"] == ["1"]
        assert selected or counted or plural == "nodes", one


def test_a_larger_cluster_takes_no_more_requests(pair: tuple[ByHand, ByHand]) -> None:
    """Fifteen times the nodes, ten times the pods: as many requests of each sort."""
    small, large = (sorts(daemon.lab.apiserver.requests) for daemon in pair)
    pages = "GET nodes many"
    assert large.pop(pages) <= small.pop(pages) + LARGE.nodes // 100
    assert large == small


def test_a_larger_cluster_answers_little_more(pair: tuple[ByHand, ByHand]) -> None:
    """The largest answer is a page of a hundred nodes, a few bytes of each node are read anew."""
    sizes = pair[1].lab.apiserver.sizes
    assert max(sizes) < 1_200_000
    whole = LARGE.nodes * 9_800
    assert sum(sizes) < 2 * whole, "nodes were read whole more than once within minutes"
