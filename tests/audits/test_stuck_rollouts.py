"""What is a stuck rollout, and what only looks like one."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditOutcome, AuditResult, ManualClock
from remedyd.paths import shipped
from support.documents import CLUSTER, END, Documents, document, source, workload

AUDIT = load_audits(shipped("esql"))["stuck-rollout"]
OLD, NEW = "cart-7c6688487d", "cart-c74788fd"
STEADY = [(3, 3)] * 10
NOBODY: Sequence[tuple[int, int]] = ()


def revision(name: str, readings: Sequence[tuple[int, int] | None]) -> Documents:
    """Return (desired, available) documents of a ReplicaSet up to now, one a minute; None: none."""
    of = {"k8s.cluster.name": "c1", "k8s.namespace.name": "shop", "k8s.replicaset.name": name}
    return [
        document(
            len(readings) - 0.25 - position,
            CLUSTER,
            of,
            {"k8s.replicaset.desired": reading[0], "k8s.replicaset.available": reading[1]},
        )
        for position, reading in enumerate(readings)
        if reading is not None
    ]


def pending(pod: str, node: str | None, *, start: float = 4.75) -> Documents:
    """Return the documents of a pod that is pending since `start` minutes."""
    of = {
        "k8s.cluster.name": "c1",
        "k8s.namespace.name": "shop",
        "k8s.deployment.name": "cart",
        "k8s.replicaset.name": NEW,
        "k8s.pod.name": pod,
        "k8s.node.name": node,
    }
    return [document(start - n, CLUSTER, of, {"k8s.pod.phase": 1}) for n in range(5)]


def run(directory: Path, documents: Documents) -> AuditResult:
    """Run the audit over documents."""
    clock = ManualClock(END + timedelta(seconds=30))
    return AuditRunner(source(directory, documents), clock).run(AUDIT)


def row(directory: Path, *documents: Documents) -> dict[str, Any]:
    """Return the row of the one Deployment."""
    (found,) = run(directory, [one for part in documents for one in part]).rows
    return {**found.values, "severity": int(found.severity)}


def cart(readings: Sequence[tuple[int, int]] = STEADY) -> Documents:
    """Return the Deployment's own documents."""
    return workload(readings, start=9.75)


def test_a_revision_without_one_available_pod_beside_one_that_serves(tmp_path: Path) -> None:
    """How long, which one, how many pods, and how many serve meanwhile."""
    old = revision(OLD, [(3, 3)] * 4 + [(2, 2)] * 6)
    new = revision(NEW, [(2, 0)] * 6)
    found = row(tmp_path, cart([(3, 3)] * 4 + [(3, 2)] * 6), old, new)
    assert found["severity"] == 3
    assert (found["waiting"], found["waiting_seconds"]) == (2, 300)
    assert found["waiting_replicaset"] == NEW
    assert (found["serving"], found["failing"], found["unplaced_pods"]) == (2, 0, 0)
    assert (found["desired"], found["available"], found["samples"]) == (3, 2, 10)


@pytest.mark.parametrize(("minutes", "severity"), [(1, 1), (2, 1), (3, 2), (5, 2), (6, 3)], ids=str)
def test_it_takes_a_while(tmp_path: Path, minutes: int, severity: int) -> None:
    """From two minutes between first and last reading on a warning, from five on critical."""
    new = revision(NEW, [(1, 0)] * minutes)
    assert row(tmp_path, cart(), revision(OLD, STEADY), new)["severity"] == severity


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([(9, 9), (8, 8), (6, 6), (4, 4), (2, 2)], [(2, 0), (4, 2), (6, 4), (8, 6)]),
        ([(3, 3)] * 10, [(3, 0), (3, 1), (3, 0), (3, 1), (3, 0), (3, 1), (3, 0)]),
        ([(3, 3)] * 10, [(1, 1)] * 8),
        ([(3, 0)] * 10, [(1, 0)] * 8),
        ([(3, 3)] * 3 + [(0, 0)] * 7, [(3, 0)] * 7),
        ([(3, 3)] * 10, [(1, 0)] * 6 + [(0, 0)]),
        ([(3, 3)] * 10, [(1, 0)] * 6 + [None]),
        ([(3, 3)] * 10, NOBODY),
        ([(3, 2)] * 10, NOBODY),
        ([(3, 0)] * 10, NOBODY),
        ([(2, 2)] * 3 + [(6, 2)] * 7, NOBODY),
    ],
    ids=[
        "rolling-update",
        "crash-loop-that-is-ready-now-and-then",
        "paused-canary",
        "both-sick",
        "recreate",
        "taken-back",
        "taken-back-and-silent",
        "steady",
        "node-lost",
        "outage-of-the-only-revision",
        "scale-up",
    ],
)
def test_what_only_looks_like_it(
    tmp_path: Path,
    old: Sequence[tuple[int, int]],
    new: Sequence[tuple[int, int] | None],
) -> None:
    """Progress, an availability that comes and goes, and faults of a single revision are none."""
    found = row(tmp_path, cart(), revision(OLD, old), revision(NEW, new))
    assert found["severity"] == 1


def test_old_pods_that_fail_too_are_counted(tmp_path: Path) -> None:
    """Where both revisions lack pods the release is not the only cause."""
    old = revision(OLD, [(3, 2)] * 10)
    found = row(tmp_path, cart(), old, revision(NEW, [(1, 0)] * 6))
    assert (found["serving"], found["failing"]) == (2, 1)


@pytest.mark.parametrize(("node", "unplaced"), [(None, 2), ("", 2), ("worker-1", 0)])
def test_pods_without_a_node_are_counted(tmp_path: Path, node: str | None, unplaced: int) -> None:
    """For want of room no revision is at fault; a pod that pulls its image has a node."""
    new = revision(NEW, [(2, 0)] * 6)
    pods = [*pending(f"{NEW}-a", node), *pending(f"{NEW}-b", node)]
    found = row(tmp_path, cart(), revision(OLD, STEADY), new, pods)
    assert (found["severity"], found["unplaced_pods"]) == (3, unplaced)


def test_a_name_that_begins_like_another_is_another(tmp_path: Path) -> None:
    """Of a ReplicaSet's name only the hash is left out."""
    other = workload(STEADY, name="cart-api", start=9.75)
    sick = revision("cart-api-5bf74fc7fd", [(1, 0)] * 6)
    well = revision("cart-api-6bc4bf764", STEADY)
    documents = [*cart(), *revision(OLD, STEADY), *other, *sick, *well]
    found = {one.target.name: int(one.severity) for one in run(tmp_path, documents).rows}
    assert found == {"cart": 1, "cart-api": 3}


def test_a_replicaset_of_nobody_is_no_row(tmp_path: Path) -> None:
    """Without a Deployment of its name nothing is said of it."""
    alone = revision("batch-5bf74fc7fd", STEADY)
    found = run(tmp_path, [*cart(), *revision(OLD, STEADY), *alone])
    assert [one.target.name for one in found.rows] == ["cart"]


def test_without_its_revisions_a_deployment_is_not_judged(tmp_path: Path) -> None:
    """Where ReplicaSets were not reported, nobody knows: that is no proof of health."""
    other = workload(STEADY, name="web", start=9.75)
    seen = [*cart(), *revision(OLD, STEADY), *other]
    assert [one.target.name for one in run(tmp_path, seen).rows] == ["cart"]


def test_without_documents_of_replicasets_it_says_so(tmp_path: Path) -> None:
    """A collector that does not report them leaves the field unmapped."""
    found = run(tmp_path, cart())
    assert found.outcome is AuditOutcome.MISSING_FIELD
    assert "replicaset" in found.detail
