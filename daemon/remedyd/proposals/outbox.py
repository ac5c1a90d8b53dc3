"""What has still to be told elsewhere, kept in the store until it has arrived.

A letter is written in the transaction of what it tells of, so that neither can exist without the
other, and leaves when its receiver has it. A letter keeps its id through every attempt: whoever
receives it twice can tell. One that the receiver does not take for what it says is set aside,
with the reason, and stands in nobody's way.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from remedyd.proposals.database import Database
from remedyd.proposals.tables import outbox

KEPT_ASIDE: Final = 1_000
"""How many letters that nobody takes are kept; the oldest go first."""


class Channel(StrEnum):
    """Who is told."""

    ELASTICSEARCH = "elasticsearch"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to tell; `id` is the same in every attempt, `position` its place in the outbox."""

    channel: Channel
    id: str
    at: datetime
    body: Mapping[str, Any]
    position: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one channel, since when, and how much was set aside, with the last reason."""

    waiting: int = 0
    oldest: datetime | None = None
    set_aside: int = 0
    why: str = ""


class Outbox:
    """The letters of one store; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Take the store's database."""
        self._database = database

    def due(self, channel: Channel, limit: int) -> tuple[Letter, ...]:
        """Return the oldest letters that wait."""
        c = outbox.c
        query = sa.select(outbox).where(*_waits(channel)).order_by(c.position).limit(limit)
        with self._database.read() as connection:
            return tuple(_read(row) for row in connection.execute(query))

    def done(self, letters: Iterable[Letter]) -> None:
        """Forget letters that have arrived."""
        places = [letter.position for letter in letters]
        if places:
            with self._database.write() as connection:
                connection.execute(outbox.delete().where(outbox.c.position.in_(places)))

    def put_aside(self, letters: Mapping[int, str], at: datetime) -> None:
        """Set letters aside, by their position, each with the receiver's reason."""
        c = outbox.c
        if not letters:
            return
        with self._database.write() as connection:
            for position, why in letters.items():
                here = outbox.update().where(c.position == position)
                connection.execute(here.values(set_aside=at, why=why))
            oldest = connection.scalar(
                sa.select(c.position)
                .where(c.set_aside.is_not(None))
                .order_by(c.position.desc())
                .offset(KEPT_ASIDE)
                .limit(1)
            )
            if oldest is not None:
                gone = (c.set_aside.is_not(None), c.position <= oldest)
                connection.execute(outbox.delete().where(*gone))

    def reconsider(self) -> int:
        """Let what was set aside be tried once more; return how many there are."""
        aside = outbox.update().where(outbox.c.set_aside.is_not(None))
        with self._database.write() as connection:
            return connection.execute(aside.values(set_aside=None, why="")).rowcount

    def forget(self, channel: Channel, before: datetime) -> int:
        """Drop letters of a channel that are older than `before`; return how many."""
        old = outbox.delete().where(*_waits(channel), outbox.c.at < before)
        with self._database.write() as connection:
            return connection.execute(old).rowcount

    def backlog(self, channel: Channel) -> Backlog:
        """Return how much waits in a channel."""
        c = outbox.c
        aside = (c.channel == channel.value, c.set_aside.is_not(None))
        last = sa.select(c.why).where(*aside).order_by(c.position.desc()).limit(1)
        with self._database.read() as connection:
            count = sa.select(sa.func.count(), sa.func.min(c.at)).where(*_waits(channel))
            waiting, oldest = connection.execute(count).one()
            held = connection.scalar(sa.select(sa.func.count()).where(*aside)) or 0
            why = connection.scalar(last) or ""
        return Backlog(waiting, oldest, held, why)


def put(connection: Connection, letters: Sequence[Letter]) -> None:
    """Add letters within the caller's transaction; one that is there already is left as it is."""
    if not letters:
        return
    rows = [
        {
            "channel": letter.channel.value,
            "id": letter.id,
            "at": letter.at,
            "body": json.dumps(letter.body, ensure_ascii=True, separators=(",", ":")),
        }
        for letter in letters
    ]
    connection.execute(_new(connection.dialect.name), rows)


@cache
def _new(dialect: str) -> sa.Insert:
    """Return an insert that leaves alone what is there already."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # half a megabyte of types, for this one word

        return postgresql.insert(outbox).on_conflict_do_nothing()
    return sqlite.insert(outbox).on_conflict_do_nothing()


_WAITING: Final = sa.select(sa.func.count()).select_from(
    sa.select(outbox.c.position)
    .where(outbox.c.channel == sa.bindparam("of"), outbox.c.set_aside.is_(None))
    .limit(sa.bindparam("most"))
    .subquery()
)


def waiting(connection: Connection, channel: Channel, most: int) -> int:
    """Return how many letters wait, counting no further than `most`."""
    return connection.scalar(_WAITING, {"of": channel.value, "most": most}) or 0


def _waits(channel: Channel) -> tuple[sa.ColumnElement[bool], ...]:
    return (outbox.c.channel == channel.value, outbox.c.set_aside.is_(None))


def _read(row: Any) -> Letter:
    return Letter(Channel(row.channel), row.id, row.at, json.loads(row.body), row.position)
