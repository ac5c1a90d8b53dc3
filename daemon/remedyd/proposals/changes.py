"""What was approved, as limits, cooldowns and ladders look at it.

The columns say nearly everything. What was tried and did not help is read whole, for there the
fields and the verdict matter, and so is what was written within a day, where the fields tell a
third raise of memory: a handful of records instead of a week of them.
"""

from collections.abc import Set
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from remedyd.model import Change, State
from remedyd.proposals import codec
from remedyd.proposals.tables import proposals

Known: TypeAlias = dict[tuple[str, int, bool], Change]
"""Changes read before, by proposal, version, and whether they were read whole."""

HOUR: Final = timedelta(hours=1)
"""How far back limits for all workloads together look."""

_DAY = timedelta(days=1)
_MOST = 500
"""How many are kept, or twice as many as are looked at; those not looked at longest go first."""
_AHEAD = (State.APPROVED.value, State.APPLYING.value)


def of(about: Set[str] | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that a proposal is about one of these workloads (None: no condition)."""
    return () if about is None else (proposals.c.workload.in_(sorted(about)),)


def changes(
    connection: Connection,
    since: datetime,
    now: datetime,
    known: Known,
    about: Set[str] | None = None,
) -> tuple[Change, ...]:
    """Return what was written from `since` on, is under way, or may be written next.

    Oldest first by their write; those not written yet come last, by approval. `known` keeps what
    was read: of the same version that is the same the next time. With `about`, what is
    over for more than an hour is of these workloads alone, and only they are read whole.
    """
    asked = {
        "since": since,
        "recent": max(since, now - HOUR),
        "day": now - _DAY,
        "about": sorted(about or ()),
    }
    narrow = about is not None
    found = {row.id: row for row in connection.execute(_query(narrow=narrow), asked)}
    made = [_remembered(row, known, keep=narrow) for row in found.values()]
    spare = len(known) - max(_MOST, 2 * len(found))
    for key in list(known)[: max(0, spare)]:
        known.pop(key, None)
    return tuple(sorted(made, key=_order))


@cache
def _query(*, narrow: bool) -> sa.CompoundSelect[Any]:
    """Return what is asked, built once: before each write it is asked twice.

    Each part has an index, all together have none.
    """
    c = proposals.c
    theirs = c.workload.in_(sa.bindparam("about", expanding=True))
    read = sa.or_(c.failed_at.is_not(None), c.applied_at > sa.bindparam("day"))
    body = sa.case((sa.and_(read, theirs) if narrow else read, c.body), else_=None)
    query = sa.select(
        c.id, c.version, c.workload, c.state, c.updated_at, c.policy, c.step, c.applied_at,
        c.is_open, c.finished_at, body.label("whole"), c.failed_at,
    )  # fmt: skip
    ahead = sa.or_(c.state.in_(_AHEAD), c.applied_at.is_not(None))
    under_way = query.where(c.is_open, ahead)
    written = query.where(c.applied_at >= sa.bindparam("since"))
    if not narrow:
        return sa.union_all(written, under_way)
    recent = query.where(c.applied_at >= sa.bindparam("recent"))
    return sa.union_all(written.where(theirs), under_way, recent)


def _remembered(row: Any, known: Known, *, keep: bool) -> Change:
    """Return the change of a row; one that is not read whole is remembered only on `keep`."""
    if row.whole is None and not keep:
        return _change(row)
    key = (row.id, row.version, row.whole is not None)
    found = known.pop(key, None) or _change(row)
    known[key] = found  # the latest is the last
    return found


def _order(change: Change) -> tuple[bool, datetime, str]:
    return change.applied_at is None, change.applied_at or change.moved_at, change.proposal


def _change(row: Any) -> Change:
    change = Change(
        proposal=row.id,
        workload=row.workload,
        state=State(row.state),
        moved_at=row.updated_at,
        policy=row.policy,
        step=row.step,
        applied_at=row.applied_at,
        ended_at=None if row.is_open else row.finished_at,
    )
    if row.whole is None:
        return change
    return _whole(change, row.whole, failed=row.failed_at is not None)


def _whole(change: Change, body: str, *, failed: bool) -> Change:
    proposal = codec.load(body)
    verdict = proposal.verdict if failed else None
    return Change(
        proposal=change.proposal,
        workload=change.workload,
        state=change.state,
        moved_at=change.moved_at,
        policy=change.policy,
        step=change.step,
        applied_at=change.applied_at,
        ended_at=change.ended_at,
        action=proposal.plan.action,
        fields=proposal.plan.changes,
        outcome=verdict.outcome if verdict else None,
        detail=verdict.detail if verdict else "",
    )
