"""The past as `decide()` needs it: sightings, open ones, cooldowns, rates and failures.

Read in one snapshot, so that a decision never sees half of a transition. Where it is known which
workloads it is about, only theirs is read, and of the others what limits for all look at: a long
history costs those nothing who ask about one workload before each write.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from remedyd.model import DecisionState, HoldKind, State
from remedyd.proposals import codec, failures, holds
from remedyd.proposals.changes import HOUR, Known, changes, of
from remedyd.proposals.database import Database
from remedyd.proposals.flags import pause
from remedyd.proposals.tables import proposals, sightings

HISTORY: Final = timedelta(days=7)
"""How far back ends and failures are remembered: longer than any cooldown or quarantine."""

RATES: Final = timedelta(days=1)

FEW: Final = 500
"""Of more workloads the whole is read: one pass over an index instead of so many searches."""

Sightings: TypeAlias = Mapping[tuple[str, str], tuple[datetime, ...]]


class Memory:
    """Reads and writes what decisions remember."""

    def __init__(self, database: Database) -> None:
        """Take the store's database."""
        self._database = database
        self._known: Known = {}

    def decision_state(self, now: datetime, about: Set[str] | None = None) -> DecisionState:
        """Return the past up to `now` as one consistent snapshot.

        `about` are the workloads that will be decided on (None: any). Of the others only what is
        open and what was written or proposed within the hour is in the answer.
        """
        if about is not None and len(about) > FEW:
            about = None
        recent = RATES if about is None else HOUR
        with self._database.read() as connection:
            return DecisionState(
                sightings=_sightings(connection),
                open=_open(connection),
                finished=_finished(connection, now - HISTORY, about),
                proposed=_proposed(connection, now - recent),
                attempts=_attempts(connection, now - RATES, about),
                **self._circumstances(connection, now, about),
            )

    def circumstances(self, now: datetime, workload: str) -> DecisionState:
        """Return what guardrails look at before a change of one workload, and nothing else."""
        with self._database.read() as connection:
            return DecisionState(**self._circumstances(connection, now, {workload}))

    def failing(self, now: datetime, least: int) -> Mapping[str, int]:
        """Return which workloads failed at least so often in a row and are not set aside yet."""
        with self._database.read() as connection:
            counts = failures.counts(connection, now - HISTORY, least)
            held = holds.subjects(connection, HoldKind.QUARANTINE) if counts else frozenset()
        return {workload: count for workload, count in counts.items() if workload not in held}

    def _circumstances(
        self, connection: Connection, now: datetime, about: Set[str] | None
    ) -> dict[str, Any]:
        held = holds.opened(connection, about)
        storms = held[HoldKind.STORM].values()
        return {
            "failures": failures.times(connection, now - HISTORY, about),
            "paused": pause(connection) is not None,
            "changes": changes(connection, now - HISTORY, now, self._known, about),
            "quarantined": held[HoldKind.QUARANTINE],
            "storm": min(storms, key=lambda hold: hold.since, default=None),
        }

    def save_sightings(self, after: Sightings, before: Sightings | None = None) -> None:
        """Store the sightings a decision gave back.

        With `before`, what the decision was given, only the difference is written, so that
        others may save their own meanwhile; without, `after` replaces all there is.
        """
        with self._database.write() as connection:
            known = _sightings(connection) if before is None else before
            gone = [key for key in known if not after.get(key)]
            changed = {key: at for key, at in after.items() if at and known.get(key) != at}
            if gone or changed:
                _forget(connection, [*gone, *changed])
            if changed:
                connection.execute(sightings.insert(), [_line(k, at) for k, at in changed.items()])


def _line(key: tuple[str, str], times: tuple[datetime, ...]) -> dict[str, Any]:
    return {
        "policy": key[0],
        "identity": key[1],
        "last_at": max(times),
        "times": codec.dump_free({"times": list(times)}),
    }


def _forget(connection: Connection, keys: Iterable[tuple[str, str]]) -> None:
    rows = [{"of_policy": policy, "of_identity": identity} for policy, identity in keys]
    c = sightings.c
    connection.execute(
        sightings.delete().where(
            c.policy == sa.bindparam("of_policy"), c.identity == sa.bindparam("of_identity")
        ),
        rows,
    )


def _sightings(connection: Connection) -> dict[tuple[str, str], tuple[datetime, ...]]:
    return {
        (row.policy, row.identity): tuple(codec.load_free(row.times)["times"])
        for row in connection.execute(sa.select(sightings))
    }


def _open(connection: Connection) -> dict[str, str]:
    c = proposals.c
    query = sa.select(c.workload, c.id).where(c.is_open)
    return {row.workload: row.id for row in connection.execute(query)}


def _finished(
    connection: Connection, since: datetime, about: Set[str] | None
) -> dict[tuple[str, str], datetime]:
    c = proposals.c
    # A stale plan is made anew at once: the target changed, nothing was tried.
    # Grouped here, not there: SQLite would read the whole history in the order of the groups.
    query = (
        sa.select(c.policy, c.workload, c.finished_at.label("ended"))
        .where(c.finished_at >= since, c.state != State.STALE, *of(about))
        .order_by(c.finished_at)
    )
    return {(row.policy, row.workload): row.ended for row in connection.execute(query)}


def _proposed(connection: Connection, since: datetime) -> dict[str, tuple[datetime, ...]]:
    c = proposals.c
    query = (
        sa.select(c.policy, c.created_at)
        .where(c.created_at > since, c.policy != "")
        .order_by(c.created_at)
    )
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.policy].append(row.created_at)
    return {policy: tuple(times) for policy, times in found.items()}


def _attempts(
    connection: Connection, since: datetime, about: Set[str] | None
) -> dict[tuple[str, str, str], tuple[datetime, ...]]:
    c = proposals.c
    told = sa.case((c.state == State.ESCALATED, c.created_at), else_=None)
    at = sa.func.coalesce(c.applied_at, told).label("at")
    query = (
        sa.select(c.policy, c.workload, c.step, at)
        .where(
            c.policy != "",
            sa.or_(
                c.applied_at > since,
                sa.and_(c.state == State.ESCALATED, c.created_at > since),
            ),
            *of(about),
        )
        .order_by(at)
    )
    found: defaultdict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.policy, row.workload, row.step].append(row.at)
    return {key: tuple(times) for key, times in found.items()}
