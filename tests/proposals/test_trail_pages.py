"""A page of the trail holds what belongs to it, however the entries are looked for."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from remedyd.model import State
from remedyd.proposals.database import Database
from remedyd.proposals.store import Store
from remedyd.proposals.tables import events, proposals
from remedyd.proposals.trail import Entry, Trail, TrailFilter
from support.proposals import START, a_plan, a_proposal, a_target
from support.remembering import columns

PROPOSALS, EVENTS = 30, 150
NAMESPACES, POLICIES = ("shop", "bank", "rare"), ("oom", "gap")


@pytest.fixture
def trail(store: Store, url: str) -> Iterator[Trail]:
    """Return a trail that looks among few events first."""
    random = Random(4)
    rows = [_row(number, random) for number in range(PROPOSALS)]
    told = [_event(number, random) for number in range(EVENTS)]
    with store._database.write() as connection:
        connection.execute(proposals.insert(), rows)
        connection.execute(events.insert(), told)
    with closing(Database(url, busy_timeout=timedelta(seconds=5))) as database:
        yield Trail(database, lately=20)


def _row(number: int, random: Random) -> dict[str, Any]:
    place = "rare" if number == 7 else random.choice(NAMESPACES[:2])
    plan = a_plan(a_target(f"w{number}", namespace=place))
    made = a_proposal(f"p{number}", policy=random.choice(POLICIES), state=State.REJECTED)
    return columns(replace(made, plan=plan), failed=None)


def _event(number: int, random: Random) -> dict[str, Any]:
    return {
        "proposal": f"p{random.randrange(PROPOSALS)}", "sequence": number,
        "at": START + timedelta(seconds=number), "action": random.choice(("move", "approve")),
        "state": "Rejected", "principal": random.choice(("ann", "bob")),
        "body": '{"principal": "ann", "detail": "", "data": {}}',
    }  # fmt: skip


def _drawn(random: Random) -> TrailFilter:
    some = random.choice((None, frozenset(random.sample(NAMESPACES, 2)), frozenset({"none"})))
    return TrailFilter(
        after=random.choice((0, 0, random.randrange(EVENTS))),
        before=random.choice((0, 0, random.randrange(1, EVENTS))),
        action=random.choice(("", "", "approve")),
        namespace=random.choice(("", *NAMESPACES)),
        policy=random.choice(("", *POLICIES, "none")),
        namespaces=some,
        limit=random.choice((1, 3, 10, 60)),
        oldest_first=random.random() < 0.5,
    )


def _belongs(entry: Entry, wanted: TrailFilter) -> bool:
    return (
        entry.position > wanted.after
        and (not wanted.before or entry.position < wanted.before)
        and wanted.action in ("", entry.event.action)
        and wanted.namespace in ("", entry.namespace)
        and wanted.policy in ("", entry.policy)
        and (wanted.namespaces is None or entry.namespace in wanted.namespaces)
    )


def test_every_filter_gives_its_first_entries_in_their_order(trail: Trail) -> None:
    """Whether they lie close together or far apart."""
    every = trail.read(TrailFilter(limit=500, oldest_first=True))
    assert len(every) == EVENTS
    random = Random(5)
    for _ in range(150):
        wanted = _drawn(random)
        ordered = every if wanted.oldest_first else every[::-1]
        expected = [one for one in ordered if _belongs(one, wanted)]
        assert list(trail.read(wanted)) == expected[: wanted.limit], wanted
