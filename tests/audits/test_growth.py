"""A leak is a line: the working set over time, within each of the container's lives."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import ManualClock
from remedyd.paths import shipped
from support.documents import CLUSTER, END, KUBELET, Documents, document, source

AUDIT = load_audits(shipped("esql"))["container-memory"]
MIB = 1024 * 1024
WHO = {
    "k8s.cluster.name": "c1",
    "k8s.namespace.name": "shop",
    "k8s.deployment.name": "ad",
    "k8s.pod.name": "ad-1",
    "k8s.pod.uid": "u1",
    "k8s.container.name": "app",
}


def life(begun: float, ended: float, used: Callable[[float], float], *, every: float) -> Documents:
    """Return the readings of one life of a container, from `begun` to `ended` minutes ago.

    `used` gives MiB by the age in minutes; a reading comes `every` so many minutes.
    """
    made: Documents = []
    age = every / 2
    while begun - age > max(ended, 0.3):
        stream, one = document(
            begun - age, KUBELET, WHO, {"container.memory.working_set": int(used(age) * MIB)}
        )
        one["start_timestamp"] = (END - timedelta(minutes=begun)).isoformat()[:19] + ".000000000Z"
        made.append((stream, one))
        age += every
    return made


def growth(tmp_path: Path, documents: Documents) -> Any:
    """Return the column for a container with these readings, limited to 200 MiB."""
    limits = [
        document(
            minutes - 0.5,
            CLUSTER,
            WHO,
            {"k8s.container.memory_limit": 200 * MIB, "k8s.container.restarts": 0},
        )
        for minutes in range(1, 11)
    ]
    clock = ManualClock(END + timedelta(seconds=30))
    result = AuditRunner(source(tmp_path, [*documents, *limits]), clock).run(AUDIT)
    (row,) = result.rows
    return row.values["memory_growth_mib_per_minute"]


def test_one_long_life_that_grows_in_a_line(tmp_path: Path) -> None:
    """Five MiB a minute for ten minutes, whatever the age was before."""
    found = growth(tmp_path, life(40, 0, lambda age: 10 + 5 * age, every=1))
    assert found == pytest.approx(5, rel=0.01)


def test_a_saw_of_several_lives_is_a_line_in_each(tmp_path: Path) -> None:
    """Killed every four minutes: over all of them there is no trend, in each there is one."""
    lives = [life(begun, begun - 4, lambda age: 40 + 38 * age, every=0.5) for begun in (12, 8, 4)]
    found = growth(tmp_path, [one for readings in lives for one in readings])
    assert found == pytest.approx(38, rel=0.01)


@pytest.mark.parametrize(
    ("used", "every", "begun"),
    [
        (lambda age: 150.0, 1, 10),
        (lambda age: min(150.0, 20 + 300 * age), 0.25, 10),
        (lambda age: 100 + 3 * (-1) ** int(2 * age), 0.5, 10),
        (lambda age: 180 - 5 * age, 1, 10),
        (lambda age: 100 + 50 * age, 1, 3),
    ],
    ids=["level", "fills-up-at-the-start", "noise", "shrinks", "too-few-readings"],
)
def test_what_is_no_leak(
    tmp_path: Path, used: Callable[[float], float], every: float, begun: float
) -> None:
    """Level, noisy or shrinking use, a start that fills caches, and too little to tell."""
    assert growth(tmp_path, life(begun, 0, used, every=every)) is None


def test_an_undersized_container_that_dies_at_once_is_no_leak(tmp_path: Path) -> None:
    """It fills up in seconds, dies, and starts again: ages never differ by minutes."""
    lives = [
        life(begun / 2, begun / 2 - 0.5, lambda age: 20 + 350 * age, every=0.1)
        for begun in range(20, 0, -1)
    ]
    assert growth(tmp_path, [one for readings in lives for one in readings]) is None


def test_a_leak_that_begins_in_the_middle_of_a_life(tmp_path: Path) -> None:
    """Level at first, then growing, killed, growing again: the lives need not begin alike."""
    first = life(30, 4, lambda age: 40 + 38 * max(0, age - 22.5), every=0.5)
    last = [one for one in first if one[1]["@timestamp"] >= "2026-01-01T11:52"]
    found = growth(tmp_path, [*last, *life(4, 0, lambda age: 30 + 38 * age, every=0.5)])
    assert found == pytest.approx(38, rel=0.05)


def test_without_start_times_all_is_one_life(tmp_path: Path) -> None:
    """Where collectors send none, one long life is still a line, and a saw is none."""
    lives = [life(begun, begun - 4, lambda age: 40 + 38 * age, every=0.5) for begun in (12, 8, 4)]
    saw = [one for readings in lives for one in readings]
    long = life(10, 0, lambda age: 10 + 10 * age, every=1)
    for _, one in (*saw, *long):
        del one["start_timestamp"]
    assert growth(tmp_path, saw) is None
    other = tmp_path / "long"
    other.mkdir()
    assert growth(other, long) == pytest.approx(10, rel=0.01)
