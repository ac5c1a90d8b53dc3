"""A daemon by hand on crowded clusters."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from remedyd.lab.crowd.shape import Crowd
from remedyd.lab.crowd.world import CrowdLab
from remedyd.lab.world import MANUAL_ORIGIN
from remedyd.model import ManualClock
from remedyd.paths import shipped
from support.byhand import ByHand


def audits(home: Path, limit: int) -> Path:
    """Copy the shipped audits, with so small a LIMIT that little telemetry is too much."""
    made = home / "audits"
    made.mkdir()
    for path in shipped("esql").iterdir():
        if path.suffix in (".esql", ".yaml"):
            text = path.read_text(encoding="utf-8")
            (made / path.name).write_text(text.replace("| LIMIT 10000", f"| LIMIT {limit}"))
    return made


@contextmanager
def crowded(home: Path, *crowds: Crowd, limit: int = 0, **settings: Any) -> Iterator[ByHand]:
    """A daemon by hand on crowds that share one Elasticsearch; its cluster is the first of them.

    `limit` takes the place of the 10,000 rows that the shipped audits may give.
    """
    settings |= {"audits": [audits(home, limit)]} if limit else {}
    clock = ManualClock(MANUAL_ORIGIN)
    lab = CrowdLab(crowds, history=timedelta(minutes=12), clock=clock)
    with lab, ByHand(lab, home, **settings) as daemon:
        yield daemon


def cycles(daemon: ByHand, audit: str, count: int) -> None:
    """Run one audit's cycle minute after minute."""
    for _ in range(count):
        daemon.lab.advance(timedelta(minutes=1))
        daemon.app.loop.cycle(audit)
