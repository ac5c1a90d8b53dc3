"""The audit trail over all proposals: every event in the order of its commit.

The position of an event is its place in the trail; a reader that remembers it can go on after a
break without losing or repeating one. Writers take turns for the positions (`append`), so that
none becomes visible behind one that was read already.

What an entry is about is known by its proposal. Where that may be very many, a page is looked for
among the first few thousand events in its order; only when it is not whole there is everything
asked that is about it: the one finds the many quickly, the other the few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from remedyd.errors import InvalidInput
from remedyd.model import Event, ProposalId, State
from remedyd.proposals import codec
from remedyd.proposals.database import Database
from remedyd.proposals.tables import events, proposals

MAX_PAGE: Final = 500
_TURN: Final = 0x72656D65647965  # the advisory lock that writers of events queue on


@dataclass(frozen=True, slots=True)
class Entry:
    """An event at its `position`, with what its proposal is about."""

    position: int
    event: Event
    namespace: str
    workload: str
    policy: str


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which entries; every given condition must hold.

    `after` and `before` are positions, exclusive (0: no bound). `since` is inclusive, `until`
    exclusive. `namespaces` is the caller's own reach (None: all, empty: none).
    """

    after: int = 0
    before: int = 0
    principal: str = ""
    action: str = ""
    states: frozenset[State] = frozenset()
    proposal: str = ""
    namespace: str = ""
    workload: str = ""
    policy: str = ""
    since: datetime | None = None
    until: datetime | None = None
    namespaces: frozenset[str] | None = None
    limit: int = 100
    oldest_first: bool = False

    def within(self, namespaces: frozenset[str]) -> "TrailFilter":
        """Narrow the reach to `namespaces`; it never grows."""
        reach = namespaces if self.namespaces is None else self.namespaces & namespaces
        return replace(self, namespaces=reach)


class Trail:
    """Reads the trail of one store."""

    def __init__(self, database: Database, *, lately: int = 5_000) -> None:
        """Take the store's database.

        Where many entries may belong to a page, it is looked for among `lately` events first.
        """
        self._database = database
        self._lately = lately

    def last(self) -> int:
        """Return the position of the newest event, 0 while there is none."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(sa.func.max(events.c.position))) or 0

    def read(self, wanted: TrailFilter) -> tuple[Entry, ...]:
        """Return matching entries, newest first unless asked otherwise.

        Raise `InvalidInput` for a strange limit.
        """
        if not 1 <= wanted.limit <= MAX_PAGE:
            raise InvalidInput(f"a page holds 1 to {MAX_PAGE} events, not {wanted.limit}")
        with self._database.read() as connection:
            rows: Sequence[Any] = ()
            if _is_wide(wanted):
                rows = connection.execute(_among(wanted, self._lately)).all()
            if len(rows) < wanted.limit:  # not whole: the page may go on further away
                rows = connection.execute(_page(wanted)).all()
        return tuple(
            Entry(row.position, read_event(row), row.namespace, row.workload, row.policy)
            for row in rows
        )


def _is_wide(wanted: TrailFilter) -> bool:
    """Whether there may be very many entries, which no index has in their order."""
    narrow = wanted.proposal or wanted.workload or wanted.since or wanted.until
    return not narrow and bool(wanted.policy or wanted.namespace or wanted.namespaces)


def _page(wanted: TrailFilter) -> sa.Select[Any]:
    """Return the page, by whatever index the database likes best."""
    p = proposals.c
    query = _ordered(wanted, events.c, p)
    return query.join(proposals, p.id == events.c.proposal).limit(wanted.limit)


def _among(wanted: TrailFilter, few: int) -> sa.Select[Any]:
    """Return the page, looked for among the first few events in its order.

    What each is about is looked up one by one: a join might begin at the proposals.
    """
    e = events.c
    bounds = [e.position > wanted.after]
    if wanted.before:
        bounds.append(e.position < wanted.before)
    order = e.position if wanted.oldest_first else e.position.desc()
    first = sa.select(events).where(*bounds).order_by(order).limit(few).subquery()
    here = proposals.alias()
    about = {
        name: sa.select(here.c[name]).where(here.c.id == first.c.proposal).scalar_subquery()
        for name in ("namespace", "workload", "policy")
    }
    return _ordered(wanted, first.c, SimpleNamespace(**about)).limit(wanted.limit)


def _ordered(wanted: TrailFilter, e: Any, p: Any) -> sa.Select[Any]:
    """Return the entries that belong to it, of events `e` that are about `p`."""
    about = (p.namespace.label("namespace"), p.workload.label("workload"), p.policy.label("policy"))
    order = e.position if wanted.oldest_first else e.position.desc()
    return sa.select(*e, *about).where(*_conditions(wanted, e, p)).order_by(order)


def _conditions(wanted: TrailFilter, e: Any, p: Any) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.after:
        found.append(e.position > wanted.after)
    if wanted.before:
        found.append(e.position < wanted.before)
    if wanted.states:
        found.append(e.state.in_(sorted(wanted.states)))
    if wanted.since is not None:
        found.append(e.at >= wanted.since)
    if wanted.until is not None:
        found.append(e.at < wanted.until)
    if wanted.namespaces is not None:
        found.append(p.namespace.in_(sorted(wanted.namespaces)))
    for column, value in (
        (e.principal, wanted.principal),
        (e.action, wanted.action),
        (e.proposal, wanted.proposal),
        (p.namespace, wanted.namespace),
        (p.workload, wanted.workload),
        (p.policy, wanted.policy),
    ):
        if value:
            found.append(column == value)
    return found


_EVENT: Final = events.insert()


def append(connection: Connection, event: Mapping[str, Any]) -> None:
    """Write one event; on PostgreSQL its writers take turns, as they do on SQLite anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
    connection.execute(_EVENT, event)


def read_event(row: Any) -> Event:
    """Return the event of a row."""
    body = codec.load_free(row.body)
    return Event(
        proposal=ProposalId(row.proposal),
        sequence=row.sequence,
        at=row.at,
        action=row.action,
        state=State(row.state),
        principal=body["principal"],
        detail=body["detail"],
        data=body["data"],
    )
