"""The tables, in words that SQLite and PostgreSQL both understand.

What is searched or compared is a column; everything else is one text (`codec`). Times are
fixed-width UTC text: they sort alike in both databases and read well in a shell. The partial
unique index is the rule "one open proposal per workload", held by the database itself so that
two daemons on one store cannot both win.
"""

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

HEAD: Final = "0009"
"""The schema revision this code works with: the last one in `migrations/versions`."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime as text: `2026-11-05T12:00:00.000000Z`."""

    impl = sa.String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text form; refuse a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return f"{utc.isoformat(timespec='microseconds')}Z"

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the aware time."""
        return None if value is None else datetime.fromisoformat(value)


metadata = sa.MetaData()
_on_postgresql: Final[dict[sa.Index, Any]] = {}


def for_postgresql() -> sa.MetaData:
    """Return the tables with the conditions of their partial indexes as PostgreSQL has them.

    SQLAlchemy loads all of its PostgreSQL for these few words: a thirtieth of the daemon's start,
    where the store is SQLite for nothing.
    """
    for index, condition in _on_postgresql.items():
        index.dialect_options["postgresql"]["where"] = condition
    return metadata


proposals = sa.Table(
    "proposals",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("workload", sa.Text, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("applied_at", Instant),
    sa.Column("failed_at", Instant),
    sa.Column("body", sa.Text, nullable=False),
)

_OPEN: Final = sa.text("is_open = 1")  # as a query says it, or SQLite would not use it
_one_open = sa.Index(
    "proposals_one_open_per_workload", proposals.c.workload, unique=True, sqlite_where=_OPEN
)
_open = sa.Index("proposals_open", proposals.c.created_at, proposals.c.id, sqlite_where=_OPEN)
_on_postgresql.update({_one_open: proposals.c.is_open, _open: proposals.c.is_open})
sa.Index("proposals_by_age", proposals.c.created_at, proposals.c.id)
sa.Index("proposals_by_state", proposals.c.state, proposals.c.created_at)
sa.Index("proposals_by_workload", proposals.c.workload, proposals.c.created_at)
sa.Index("proposals_by_end", proposals.c.finished_at)
for _name in ("namespace", "policy", "source"):
    # ending as a page is ordered: else SQLite walks by age and looks at each
    sa.Index(f"proposals_by_{_name}", proposals.c[_name], proposals.c.created_at, proposals.c.id)
_PROVED: Final = sa.text("state = 'Effective' AND source = 'audit'")
_proved = sa.Index(
    "proposals_proved", proposals.c.workload, proposals.c.finished_at, sqlite_where=_PROVED
)
_on_postgresql[_proved] = _PROVED
sa.Index("proposals_by_write", proposals.c.applied_at)
sa.Index("proposals_by_failure", proposals.c.failed_at)
sa.Index("proposals_by_digest", proposals.c.digest)

events = sa.Table(
    "events",
    metadata,
    sa.Column(
        "position",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column(
        "proposal", sa.String(64), sa.ForeignKey("proposals.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("principal", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("proposal", "sequence", name="events_in_order"),
    sqlite_autoincrement=True,
)
sa.Index("events_by_principal", events.c.principal, events.c.position)

sightings = sa.Table(
    "sightings",
    metadata,
    sa.Column("policy", sa.Text, primary_key=True),
    sa.Column("identity", sa.Text, primary_key=True),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("times", sa.Text, nullable=False),
)

flags = sa.Table(
    "flags",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("headers", sa.Text, nullable=False, server_default="{}"),
)
sa.Index("answers_by_age", answers.c.at)

sign_outs = sa.Table(
    "sign_outs",
    metadata,
    sa.Column("session", sa.String(64), primary_key=True),
    sa.Column("until", Instant, nullable=False),
)
sa.Index("sign_outs_by_end", sign_outs.c.until)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column(
        "position",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("at", Instant, nullable=False),
    sa.Column("principal", sa.Text, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("proposal", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
sa.Index("refusals_by_proposal", refusals.c.proposal, refusals.c.position)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("body", sa.Text, nullable=False),
)
_one_hold = sa.Index(
    "holds_one_open_per_subject",
    holds.c.kind,
    holds.c.subject,
    unique=True,
    sqlite_where=sa.text("ended_at IS NULL"),
)
_on_postgresql[_one_hold] = holds.c.ended_at.is_(None)
sa.Index("holds_by_age", holds.c.since, holds.c.id)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column(
        "position",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("id", sa.String(128), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("set_aside", Instant),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("channel", "id", name="outbox_once"),
    sqlite_autoincrement=True,
)
sa.Index("outbox_in_order", outbox.c.channel, outbox.c.set_aside, outbox.c.position)
