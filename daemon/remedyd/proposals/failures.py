"""Changes in a row that did not help: what a target is set aside for.

A failure is over once a later change of the workload was proved to help, or a person lifted its
quarantine. A requested change counts as effective once it is rolled out; that proves nothing here.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from remedyd.model import State
from remedyd.proposals import holds
from remedyd.proposals.tables import proposals

_later = proposals.alias("later")


def times(
    connection: Connection, since: datetime, about: Set[str] | None = None
) -> dict[str, tuple[datetime, ...]]:
    """Return for each workload when its changes failed, oldest first, as far as it counts."""
    lifted = holds.lifted(connection, since)
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    asked = {"since": since, "about": sorted(about or ())}
    for workload, at in connection.execute(_standing(narrow=about is not None), asked):
        if workload not in lifted or at > lifted[workload]:
            found[workload].append(at)
    return {workload: tuple(times) for workload, times in found.items()}


def counts(connection: Connection, since: datetime, least: int) -> Mapping[str, int]:
    """Return the workloads that failed at least so often, and how often."""
    # Counted here, not there: SQLite would read the whole history in the order of the groups.
    query = sa.select(proposals.c.workload).where(proposals.c.failed_at >= since)
    often = Counter(connection.scalars(query))
    suspects = frozenset(name for name, count in often.items() if count >= least)
    if not suspects:
        return {}
    found = times(connection, since, suspects)
    return {name: len(when) for name, when in found.items() if len(when) >= least}


@cache
def _standing(*, narrow: bool) -> sa.Select[Any]:
    """Return the question which failures stand, built once."""
    c, later = proposals.c, _later.c
    proved = (
        sa.select(sa.literal(1))
        .where(
            later.workload == c.workload,
            later.state == sa.literal_column(f"'{State.EFFECTIVE.value}'"),  # as the index says it
            later.source == sa.literal_column("'audit'"),
            later.finished_at >= c.failed_at,
        )
        .exists()
    )
    query = sa.select(c.workload, c.failed_at).order_by(c.failed_at)
    if narrow:
        query = query.where(c.workload.in_(sa.bindparam("about", expanding=True)))
    return query.where(c.failed_at >= sa.bindparam("since"), ~proved)
