"""What a daemon asks the API server for does not grow with the cluster."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from remedyd.lab.crowd.census import Sort, sort_of
from remedyd.lab.crowd.shape import Crowd
from remedyd.model import HoldKind, State
from support.byhand import ANN, ByHand
from support.crowds import crowded

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


def sorts(daemon: ByHand) -> Counter[Sort]:
    """Count the requests by their sort."""
    return Counter(map(sort_of, daemon.lab.apiserver.requests))


def test_no_collection_is_listed_without_a_limit(pair: tuple[ByHand, ByHand]) -> None:
    """Every list comes in pages."""
    found = [sort for sort in sorts(pair[1]) if sort.listed]
    assert found
    assert [str(sort) for sort in found if not 0 < sort.limit <= 1000] == []


def test_only_a_workloads_own_objects_are_listed(pair: tuple[ByHand, ByHand]) -> None:
    """Of all that grows with the cluster only nodes are listed, and what a selector names."""
    found = [sort for sort in sorts(pair[1]) if sort.listed and sort.limit > 1]
    assert {sort.what for sort in found if sort.about == "the cluster"} == {"nodes"}
    of_namespaces = {sort.what for sort in found if sort.about == "a namespace"}
    assert of_namespaces <= {
        *("horizontalpodautoscalers", "verticalpodautoscalers", "poddisruptionbudgets"),
        *("resourcequotas", "limitranges"),
    }


def test_a_larger_cluster_takes_no_more_requests(pair: tuple[ByHand, ByHand]) -> None:
    """Fifteen times the nodes, ten times the pods: as many requests of each sort."""
    small, large = (sorts(daemon) for daemon in pair)
    pages = Sort("GET", "nodes", True, 100, "the cluster")
    assert 1 <= large.pop(pages) <= small.pop(pages) + LARGE.nodes // 100
    assert large == small


def test_a_larger_cluster_answers_little_more(pair: tuple[ByHand, ByHand]) -> None:
    """The largest answer is a page of a hundred nodes, a few bytes of each node are read anew."""
    sizes = pair[1].lab.apiserver.sizes
    assert max(sizes) < 1_200_000
    whole = LARGE.nodes * 9_800
    assert sum(sizes) < 2 * whole, "nodes were read whole more than once within minutes"


def test_a_storm_is_looked_into_with_few_requests(tmp_path: Path) -> None:
    """All workloads are critical at once: pods of twenty at most tell where the cause may be."""
    with crowded(tmp_path, replace(LARGE, broken=LARGE.workloads)) as daemon:
        daemon.lab.apiserver.requests.clear()
        daemon.app.loop.cycle("container-memory")
        assert [hold.kind for hold in daemon.service.controls.holds(ANN)] == [HoldKind.STORM]
        found = sorts(daemon)
        assert 0 < sum(n for sort, n in found.items() if sort.listed) <= 20 + 1, found
        assert all(sort.about == "a workload" for sort in found if sort.what == "pods")
        assert daemon.proposals() == ()
