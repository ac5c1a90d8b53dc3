"""The history stays quick when there is very much of it. On demand: it makes 100,000 proposals."""

import os
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest

from remedyd.lab.world import Lab
from remedyd.model import ManualClock, State, monotonic
from remedyd.proposals.store import Store
from remedyd.proposals.tables import proposals
from support.console import Visitor
from support.proposals import START, a_proposal
from support.running import Running

MANY = 100_000
PATIENCE_SECONDS = 0.5

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif("REMEDYD_SOAK" not in os.environ, reason="set REMEDYD_SOAK to run it"),
]


def _fill(url: str) -> None:
    """Write ended proposals, a second apart; one in a thousand of another namespace."""
    store = Store(url, ManualClock(START))
    store.migrate()
    made = store.create(a_proposal("first", state=State.DRY_RUN))
    with store._database.write() as connection:
        row = connection.execute(proposals.select()).mappings().one()
        ended = dict(row) | {"state": "Effective", "is_open": False}
        connection.execute(
            proposals.insert(),
            [
                ended
                | {
                    "id": f"p{number:06}",
                    "namespace": "shop" if number % 1000 else "rare",
                    "created_at": made.created_at + timedelta(seconds=number),
                }
                for number in range(MANY)
            ],
        )
    store.close()


def test_every_page_of_a_long_history_is_quick(lab: Lab, tmp_path: Path) -> None:
    """The overview, the first page, one far back, and a filter that fits few."""
    _fill(f"sqlite:///{tmp_path / 'remedyd.db'}")
    with Running(lab, tmp_path) as running, Visitor(running.url) as visitor:
        visitor.sign_in("viewer")
        far = visitor.page("/console/history?until=2026-11-05T20:00:00")
        older = far.one("a", rel="next")["href"]
        slow = {}
        for path in (
            "/console",
            "/console/history",
            older,
            "/console/history?namespace=rare",
            "/console/history?state=Harmful",
        ):
            times = []
            for _ in range(5):
                begun = monotonic()
                visitor.page(path)
                times.append(monotonic() - begun)
            slow[path] = median(times)
    assert {path: took for path, took in slow.items() if took > PATIENCE_SECONDS} == {}
