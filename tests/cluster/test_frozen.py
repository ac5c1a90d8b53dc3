"""A write lands within the time it was given, or never: also when the writer is frozen midway."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remedyd.errors import OutcomeUnknown, Refused
from remedyd.model import KubeObject
from support.cluster import namespace, recorded
from support.labserver import Lab, lab

PATCH = {"spec": {"replicas": 7}}


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Lab]:
    """A lab with one Deployment."""
    with lab(tmp_path) as made:
        made.create(namespace("shop"))
        made.create(recorded("deployment-checkout-healthy"))
        yield made


def looks(*answers: Callable[[], float]) -> Callable[[], float]:
    """Return what gives these answers in turn."""
    left = list(answers)
    return lambda: left.pop(0)()


def frozen() -> float:
    """Be stopped for longer than the request was given, and find nothing wrong on waking."""
    threading.Event().wait(0.4)
    return 9.0


def refuses() -> float:
    """Find that the lease is over."""
    raise Refused("NotLeader", "the lease is over")


def replicas(found: Lab) -> int:
    """Return what the Deployment says."""
    live: KubeObject = found.cluster.get("Deployment", "shop", "checkout")
    return int(live["spec"]["replicas"])


def test_a_write_in_time_lands(found: Lab) -> None:
    """The API server is told how long the request may take."""
    cluster = found.cluster.while_(looks(lambda: 8.5, lambda: 8.5))
    answer = cluster.patch("Deployment", "shop", "checkout", PATCH)
    assert answer["spec"]["replicas"] == 7
    assert found.server.requests[-1].query["timeout"] == ["8500ms"]


def test_a_writer_frozen_after_its_last_look_writes_nothing_when_it_wakes(found: Lab) -> None:
    """The API server has given up the request by then; nobody knows is what it is told."""
    before = replicas(found)
    cluster = found.cluster.while_(looks(lambda: 0.2, frozen))
    with pytest.raises(OutcomeUnknown):
        cluster.patch("Deployment", "shop", "checkout", PATCH)
    assert replicas(found) == before


def test_a_writer_that_lost_the_lease_with_the_request_half_sent_writes_nothing(
    found: Lab,
) -> None:
    """The connection is closed without the body, and the next request has a new one."""
    before = replicas(found)
    cluster = found.cluster.while_(looks(lambda: 5.0, refuses, lambda: 5.0, lambda: 5.0))
    with pytest.raises(Refused):
        cluster.patch("Deployment", "shop", "checkout", PATCH)
    assert replicas(found) == before
    assert cluster.patch("Deployment", "shop", "checkout", PATCH)["spec"]["replicas"] == 7


def test_only_what_is_stored_is_asked_about(found: Lab) -> None:
    """Reads and dry runs need no lease."""
    cluster = found.cluster.while_(refuses)
    assert cluster.get("Deployment", "shop", "checkout")["kind"] == "Deployment"
    cluster.patch("Deployment", "shop", "checkout", PATCH, dry_run=True)
    with pytest.raises(Refused):
        cluster.patch("Deployment", "shop", "checkout", PATCH)
