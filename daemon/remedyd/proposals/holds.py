"""Durable reasons to leave something alone: quarantined targets, a storm in progress.

One hold of a kind is open for a subject, by a unique index. A hold that has ended stays, with
who ended it and why: what was set aside last month is part of the history.
"""

from collections.abc import Callable, Mapping, Set
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from remedyd.errors import Conflict, NotFound
from remedyd.model import Hold, HoldKind, Json
from remedyd.proposals import codec
from remedyd.proposals.database import Database
from remedyd.proposals.tables import holds

MAX_LISTED: Final = 500


class Holds:
    """The holds of one store."""

    def __init__(
        self, database: Database, report: Callable[[Connection, Hold], None] | None = None
    ) -> None:
        """Take the store's database, and who hears of a hold within its transaction."""
        self._database = database
        self._report = report or (lambda connection, hold: None)

    def open(self, hold: Hold) -> bool:
        """Write a new hold; return False, writing nothing, if its subject has an open one."""
        try:
            with self._database.write() as connection:
                connection.execute(holds.insert().values(_columns(hold)))
                self._report(connection, hold)
        except IntegrityError:
            return False
        return True

    def revise(
        self, kind: HoldKind, subject: str, change: Callable[[Hold | None], Hold | None]
    ) -> tuple[Hold | None, Hold | None]:
        """Replace the open hold by what `change` makes of it, in one transaction.

        `change` gets the open hold or None and returns one to keep (also a new or an ended one)
        or None to leave things as they are. Return what was and what is.
        """
        with self._database.write() as connection:
            query = _select(_is_open(kind, subject)).with_for_update()
            row = connection.execute(query).first()
            before = None if row is None else _read(row)
            after = change(before)
            if after is None:
                return before, before
            if before is None:
                connection.execute(holds.insert().values(_columns(after)))
            else:
                here = holds.c.id == before.id
                connection.execute(holds.update().where(here).values(_columns(after)))
            if before is None or after.ended_at is not None:
                self._report(connection, after)
        return before, after

    def end(self, key: str, at: datetime, by: str, reason: str = "") -> Hold:
        """End a hold and return it; raise NotFound, or Conflict if it has ended already."""
        with self._database.write() as connection:
            row = connection.execute(_select(holds.c.id == key).with_for_update()).first()
            if row is None:
                raise NotFound(f"there is no hold {key}", hint="list them: remedyd holds list")
            hold = _read(row)
            if hold.ended_at is not None:
                raise Conflict(
                    f"hold {key} was ended at {hold.ended_at:%Y-%m-%d %H:%M:%S}Z by {hold.ended_by}"
                )
            ended = _ended(hold, at, by, reason)
            connection.execute(holds.update().where(holds.c.id == key).values(_columns(ended)))
            self._report(connection, ended)
        return ended

    def get(self, key: str) -> Hold:
        """Return a hold, open or ended; raise NotFound."""
        with self._database.read() as connection:
            row = connection.execute(_select(holds.c.id == key)).first()
        if row is None:
            raise NotFound(f"there is no hold {key}", hint="list them: remedyd holds list")
        return _read(row)

    def list(self, *, ended: bool = False) -> tuple[Hold, ...]:
        """Return the open holds, or with `ended` also those that are over; newest first."""
        query = _select().order_by(holds.c.since.desc(), holds.c.id.desc()).limit(MAX_LISTED)
        if not ended:
            query = query.where(holds.c.ended_at.is_(None))
        with self._database.read() as connection:
            return tuple(_read(row) for row in connection.execute(query))

    def counts(self) -> Mapping[HoldKind, int]:
        """Return how many holds of each kind are open; a kind without any is left out."""
        c = holds.c
        query = sa.select(c.kind, sa.func.count()).where(c.ended_at.is_(None)).group_by(c.kind)
        with self._database.read() as connection:
            return {HoldKind(kind): count for kind, count in connection.execute(query)}


def opened(
    connection: Connection, about: Set[str] | None = None
) -> dict[HoldKind, dict[str, Hold]]:
    """Return the open holds by kind and subject, as one transaction sees them.

    With `about`, of the quarantines only those of these workloads.
    """
    found: dict[HoldKind, dict[str, Hold]] = {kind: {} for kind in HoldKind}
    for row in connection.execute(_opened(about is not None), {"about": sorted(about or ())}):
        hold = _read(row)
        found[hold.kind][hold.subject] = hold
    return found


def subjects(connection: Connection, kind: HoldKind) -> frozenset[str]:
    """Return what holds of a kind are open for."""
    c = holds.c
    query = sa.select(c.subject).where(c.kind == kind.value, c.ended_at.is_(None))
    return frozenset(connection.scalars(query))


def lifted(connection: Connection, since: datetime) -> dict[str, datetime]:
    """Return for each workload when its quarantine was last lifted, from `since` on."""
    return {row.subject: row.at for row in connection.execute(_LIFTED, {"from": since})}


_LIFTED: Final = (
    sa.select(holds.c.subject, sa.func.max(holds.c.ended_at).label("at"))
    .where(holds.c.kind == HoldKind.QUARANTINE.value, holds.c.ended_at >= sa.bindparam("from"))
    .group_by(holds.c.subject)
)


@cache
def _opened(narrow: bool) -> sa.Select[Any]:
    c = holds.c
    query = _select(c.ended_at.is_(None))
    if not narrow:
        return query
    theirs = c.subject.in_(sa.bindparam("about", expanding=True))
    return query.where(sa.or_(c.kind != HoldKind.QUARANTINE.value, theirs))


def _is_open(kind: HoldKind, subject: str) -> sa.ColumnElement[bool]:
    c = holds.c
    return sa.and_(c.kind == kind.value, c.subject == subject, c.ended_at.is_(None))


def _select(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(holds).where(*where)


def _columns(hold: Hold) -> dict[str, Any]:
    body: Mapping[str, Json] = {
        "detail": hold.detail,
        "data": dict(hold.data),
        "ended_by": hold.ended_by,
        "end_reason": hold.end_reason,
    }
    return {
        "id": hold.id,
        "kind": hold.kind.value,
        "subject": hold.subject,
        "since": hold.since,
        "ended_at": hold.ended_at,
        "body": codec.dump_free(body),
    }


def _read(row: Any) -> Hold:
    body = codec.load_free(row.body)
    return Hold(
        id=row.id,
        kind=HoldKind(row.kind),
        subject=row.subject,
        since=row.since,
        detail=body["detail"],
        data=body["data"],
        ended_at=row.ended_at,
        ended_by=body["ended_by"],
        end_reason=body["end_reason"],
    )


def _ended(hold: Hold, at: datetime, by: str, reason: str) -> Hold:
    return Hold(
        hold.id, hold.kind, hold.subject, hold.since, hold.detail, hold.data, at, by, reason
    )
