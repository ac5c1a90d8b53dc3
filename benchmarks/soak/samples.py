"""What a process holds at one moment, seen from outside, and whether it grows.

Nothing in the daemon is instrumented for it: the kernel says what the process has, its store lies
in files, and the rest is in `/metrics`.
"""

import os
import sqlite3
import statistics
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

WARM_UP = 0.5
"""The share of the samples at the start that does not count: pools, caches, the first proposals
that retention may delete, and the memory that the C library keeps for each thread, which takes a
week to be as large as it will be."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the daemon; `day` is the simulated time since the start, in days."""

    day: float
    memory: float
    files: float
    threads: float
    database: float
    wal: float
    proposals: float
    outbox: float
    series: float


@dataclass(frozen=True, slots=True)
class Quantity:
    """One line of the table: how it is called, and by how much a week may seem to change it."""

    field: str
    title: str
    unit: str
    allowed: float


QUANTITIES = (
    Quantity("memory", "resident memory", "MB", 12),
    Quantity("files", "open file descriptors", "", 8),
    Quantity("threads", "threads", "", 4),
    Quantity("database", "database, with what SQLite keeps free", "MB", 1.5),
    Quantity("wal", "write-ahead log of the database", "MB", 4),
    Quantity("proposals", "proposals in the store", "", 120),
    Quantity("outbox", "letters that wait", "", 60),
    Quantity("series", "series at /metrics", "", 12),
)


@dataclass(frozen=True, slots=True)
class Trend:
    """What became of one quantity after the warm-up; `growth` is in its unit per week."""

    quantity: Quantity
    first: float
    last: float
    most: float
    growth: float

    @property
    def grows(self) -> bool:
        """Whether it grew by more than may be chance."""
        return self.growth > self.quantity.allowed


def look(pid: int, day: float, database: Path, exposition: str) -> Sample:
    """Take a sample of process `pid`, its SQLite store and what its `/metrics` says."""
    place = Path("/proc") / str(pid)
    status = dict(
        line.split(":", 1) for line in (place / "status").read_text(encoding="utf-8").splitlines()
    )
    lines = [line for line in exposition.splitlines() if line and line[0] != "#"]
    waiting = [line for line in lines if line.startswith("remedyd_outbox_waiting{")]
    return Sample(
        day=day,
        memory=int(status["VmRSS"].split()[0]) / 1024,
        files=len(list((place / "fd").iterdir())),
        threads=int(status["Threads"]),
        database=_megabytes(database),
        wal=_megabytes(database.with_name(f"{database.name}-wal")),
        proposals=_proposals(database),
        outbox=sum(float(line.rsplit(" ", 1)[1]) for line in waiting),
        series=len(lines),
    )


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    text = (Path("/proc") / str(pid) / "stat").read_text(encoding="utf-8")
    user, system = text.rsplit(") ", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def trends(samples: Sequence[Sample]) -> list[Trend]:
    """Return the trend of each quantity over the samples after the warm-up."""
    kept = samples[int(len(samples) * WARM_UP) :]
    days = [one.day for one in kept]
    assert {one.field for one in QUANTITIES} == {f.name for f in fields(Sample)} - {"day"}
    found = []
    for quantity in QUANTITIES:
        values: list[float] = [getattr(one, quantity.field) for one in kept]
        third = max(1, len(values) // 3)
        found.append(
            Trend(
                quantity,
                statistics.fmean(values[:third]),
                statistics.fmean(values[-third:]),
                max(values),
                slope(days, values) * 7,
            )
        )
    return found


def slope(places: Sequence[float], values: Sequence[float]) -> float:
    """Return the median of the slopes between all pairs: a few odd samples do not move it."""
    pairs = zip(places, values, strict=True)
    known = list(pairs)
    found = [
        (v - u) / (y - x) for i, (x, u) in enumerate(known) for y, v in known[i + 1 :] if y > x
    ]
    return statistics.median(found) if found else 0.0


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.exists() else 0.0


def _proposals(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM proposals").fetchone()[0])
