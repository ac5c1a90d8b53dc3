"""One leader at a time, whatever happens to the connection."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.cluster.client import Cluster
from remedyd.cluster.elector import Elector
from remedyd.errors import Refused
from remedyd.lab.apiserver.apifaults import Fault
from remedyd.leading import Leading
from remedyd.model import KubeObject
from support.cluster import namespace
from support.labserver import Lab, lab


@dataclass
class Passing:
    """Seconds that pass when a test says so."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Stage:
    """A lab with a Lease, and electors that share its time."""

    found: Lab
    time: Passing = field(default_factory=Passing)

    def elector(self, identity: str) -> Elector:
        return Elector(
            self.found.cluster, self.found.clock, "remedyd", "leader", identity, passing=self.time
        )

    def lease(self) -> dict[str, object]:
        path = "/apis/coordination.k8s.io/v1/namespaces/remedyd/leases/leader"
        spec: dict[str, object] = self.found.send("GET", path)["spec"]
        return spec


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A lab with the namespace of the daemon."""
    with lab(tmp_path) as found:
        found.create(namespace("remedyd"))
        yield Stage(found)


def test_the_first_one_leads_and_the_second_waits(stage: Stage) -> None:
    """The Lease is made by whoever comes first."""
    first, second = stage.elector("a"), stage.elector("b")
    assert first.step() and not second.step()
    assert stage.lease()["holderIdentity"] == "a"
    first.fence()
    with pytest.raises(Refused) as caught:
        second.fence()
    assert caught.value.reason == "NotLeader"


def test_a_leader_that_renews_stays(stage: Stage) -> None:
    """However long it takes."""
    first, second = stage.elector("a"), stage.elector("b")
    for _ in range(10):
        assert first.step()
        assert not second.step()
        stage.time.seconds += 5
        stage.found.clock.advance(timedelta(seconds=5))
    assert stage.lease()["leaseTransitions"] == 0


def test_a_leader_that_cannot_renew_stops_before_another_starts(stage: Stage) -> None:
    """There is never a moment with two leaders."""
    first, second = stage.elector("a"), stage.elector("b")
    assert first.step() and not second.step()
    stage.time.seconds += 5.9
    assert first.leading
    stage.time.seconds += 0.2
    assert not first.leading
    assert not second.step()
    stage.time.seconds += 5
    assert second.step()
    assert stage.lease()["leaseTransitions"] == 1


def test_a_lease_seen_for_the_first_time_is_given_its_whole_time(stage: Stage) -> None:
    """A newcomer trusts its own watch, not the times that others wrote."""
    stage.elector("a").step()
    stage.time.seconds += 1000
    stage.found.clock.advance(timedelta(seconds=1000))
    second = stage.elector("b")
    assert not second.step()
    stage.time.seconds += 15.1
    assert second.step()


def test_a_leader_that_lost_the_lease_knows_it(stage: Stage) -> None:
    """After a pause of the process the old leader finds the new one."""
    first, second = stage.elector("a"), stage.elector("b")
    first.step()
    second.step()
    stage.time.seconds += 20
    assert second.step()
    assert not first.leading
    assert not first.step()


def test_a_given_back_lease_is_free_at_once(stage: Stage) -> None:
    """A graceful stop makes room for the next leader."""
    first, second = stage.elector("a"), stage.elector("b")
    assert first.step() and not second.step()
    first.release()
    assert not first.leading
    assert second.step()


def test_giving_back_never_takes_anothers_lease(stage: Stage) -> None:
    """An old leader that stops late leaves the new one alone."""
    first, second = stage.elector("a"), stage.elector("b")
    first.step()
    second.step()
    stage.time.seconds += 20
    second.step()
    first.release()
    assert stage.lease()["holderIdentity"] == "b"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_server_that_does_not_answer_costs_the_lease_only_in_time(
    stage: Stage, method: str
) -> None:
    """A short outage is ridden out; the elector never raises."""
    first = stage.elector("a")
    first.step()
    stage.found.server.faults.add(Fault(method=method, path="leases", times=9, hang_up=True))
    stage.time.seconds += 3
    assert first.step()
    stage.time.seconds += 8
    assert not first.step()
    stage.found.server.faults.clear()
    assert first.step()


@dataclass
class Late:
    """An API whose reads show what was there a moment ago."""

    cluster: Cluster
    lease: KubeObject

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        return self.lease

    def create(self, kind: str, namespace: str, body: KubeObject) -> KubeObject:
        return self.cluster.create(kind, namespace, body)

    def replace(self, kind: str, namespace: str, name: str, body: KubeObject) -> KubeObject:
        return self.cluster.replace(kind, namespace, name, body)


def test_a_lost_race_is_no_lease(stage: Stage) -> None:
    """Two that find the lease free: the resourceVersion lets one of them win."""
    first, second = stage.elector("a"), stage.elector("b")
    first.step()
    first.release()
    late = Late(stage.found.cluster, stage.found.cluster.get("Lease", "remedyd", "leader"))
    assert second.step()
    clock = stage.found.clock
    assert not Elector(late, clock, "remedyd", "leader", "c", passing=stage.time).step()
    assert stage.lease()["holderIdentity"] == "b"


def test_running_tells_of_changes_and_gives_back(stage: Stage) -> None:
    """The loop reports when it begins and when it ceases to lead."""
    told: list[bool] = []
    stop = threading.Event()
    elector = stage.elector("a")

    def changed(leads: bool) -> None:
        told.append(leads)
        stop.set()

    elector.run(stop, changed)
    assert told == [True, False]
    assert stage.lease()["holderIdentity"] == ""


def test_who_withdraws_leads_no_more(stage: Stage) -> None:
    """From that moment nothing is written; with the next step the lease is free for others."""
    first, second = stage.elector("a"), stage.elector("b")
    assert first.step() and not second.step()
    first.withdraw()
    assert not first.leading
    assert not first.step()
    assert second.step()
    stage.time.seconds += 100
    assert not first.step()


def test_a_leader_too_old_for_the_store_gives_way(stage: Stage) -> None:
    """Once the next version has upgraded the store, it acts no more and makes room."""
    upgraded: list[bool] = []
    first, second = stage.elector("a"), stage.elector("b")
    leading = Leading(first, lambda: bool(upgraded))
    assert first.step() and not second.step()
    leading.look()
    assert leading()
    upgraded.append(True)
    leading.look()
    assert not leading()
    first.step()
    assert second.step()
