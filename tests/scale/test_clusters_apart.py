"""Clusters that write to one Elasticsearch stay apart, however alike they are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from remedyd.lab.crowd.shape import Crowd
from remedyd.model import AuditResult, Severity
from support.byhand import ByHand
from support.crowds import crowded, cycles

OWN = Crowd(nodes=10, workloads=40, pods=160, namespaces=4, broken=1, down=0, cluster="own")
SICK = replace(OWN, broken=4, pods=240)
"""The same namespaces, workloads, pods and uids, more of them, and more that is wrong."""
OTHERS = (replace(SICK, cluster="other"), replace(SICK, cluster=""))
ROWS, PODS = 48, 4
AUDITS = ("container-memory", "container-restarts", "replica-gap")


@pytest.fixture(scope="module", params=[0, 30], ids=["whole", "in parts"])
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ByHand]:
    """The daemon of one cluster; a second one and one without a name write beside it."""
    home = tmp_path_factory.mktemp("apart")
    with crowded(home, OWN, *OTHERS, limit=request.param) as found:
        yield found


def ran(daemon: ByHand, audit: str) -> AuditResult:
    """Run an audit's cycle and return the result."""
    (result,) = daemon.app.loop.cycle(audit).results
    assert result.ok, result.detail
    return result


def test_rows_are_of_the_own_cluster_alone(daemon: ByHand) -> None:
    """Each workload is a row once, named after the own cluster, with its own number of pods."""
    for audit in AUDITS:
        result = ran(daemon, audit)
        assert {row.target.cluster for row in result.rows} == {"own"}
        assert len(result.rows) == (OWN.workloads if audit == "replica-gap" else ROWS)
    memory = ran(daemon, "container-memory")
    assert {row.values["pods"] for row in memory.rows} == {PODS}


def test_what_is_wrong_elsewhere_is_not_wrong_here(daemon: ByHand) -> None:
    """Three more workloads are killed in each of the others: only the own one leads to anything."""
    memory = ran(daemon, "container-memory")
    critical = [row for row in memory.rows if row.severity is Severity.CRITICAL]
    assert [row.target.name for row in critical] == ["app-00003"]
    kills = critical[0].values["oom_kills"]
    assert isinstance(kills, int)
    assert 4 <= kills <= 6, "one every two minutes of a window of ten"
    cycles(daemon, "container-memory", 1)
    assert [p.plan.target.name for p in daemon.proposals()] == ["app-00003"]


@pytest.mark.parametrize(("name", "outcome"), [("", "ForeignCluster"), ("third", "NoData")])
def test_a_daemon_that_does_not_know_its_cluster_does_nothing(
    tmp_path: Path, name: str, outcome: str
) -> None:
    """Without a name, or with one that no telemetry carries, no row is taken for its own."""
    with crowded(tmp_path, OWN, *OTHERS, cluster_name=name) as found:
        for audit in AUDITS:
            (result,) = found.app.loop.cycle(audit).results
            assert (result.outcome.value, result.rows) == (outcome, ()), result.detail
        assert found.proposals() == ()
