"""Which rows may be acted upon: of this cluster, about this target, with enough fresh readings."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.parameters import instant
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, AuditRow, SetAside, Target, Window


def refuse_foreign(rows: Iterable[AuditRow], column: str, cluster: str) -> None:
    """Raise QueryError ForeignCluster where rows are not all of one, this cluster.

    `cluster` is the configured one ("": none), `column` the rows' ("": they name no cluster). A
    row without a value counts as a cluster of its own: whose it is can not be told.
    """
    found = {str(row.values[column] or "") for row in rows} if column else set()
    foreign = found - {cluster} if cluster else found
    shown = ", ".join(name or "(none)" for name in sorted(foreign))
    if cluster and foreign:
        raise _foreign(f"rows of cluster {shown}, but this is {cluster}")
    if len(found) > 1:
        raise _foreign(f"rows of several clusters: {shown}")


def _foreign(message: str) -> QueryError:
    return QueryError(
        AuditOutcome.FOREIGN_CLUSTER,
        message,
        hint="Set cluster_name to this cluster's k8s.cluster.name.",
    )


def about(rows: Sequence[AuditRow], scope: Target | None) -> tuple[AuditRow, ...]:
    """Return the rows about `scope`: its kind too, and its container where it names one."""
    if scope is None:
        return tuple(rows)
    return tuple(
        row
        for row in rows
        if (row.target.namespace, row.target.kind, row.target.name)
        == (scope.namespace, scope.kind, scope.name)
        and scope.container in ("", row.target.container)
    )


_AHEAD = timedelta(minutes=1)
"""How far a collector's clock may be ahead of ours."""


def weigh(
    definition: AuditDefinition, rows: Sequence[AuditRow], window: Window
) -> tuple[tuple[AuditRow, ...], tuple[SetAside, ...]]:
    """Split rows into those with enough fresh readings and those set aside, with the reason."""
    kept: list[AuditRow] = []
    aside: list[SetAside] = []
    for row in rows:
        doubt = _doubt(definition, row, window)
        if doubt is None:
            kept.append(row)
        else:
            aside.append(doubt)
    return tuple(kept), tuple(aside)


def _doubt(definition: AuditDefinition, row: AuditRow, window: Window) -> SetAside | None:
    if definition.freshness is not None:
        oldest = window.end - definition.freshness
        if row.last_seen is None or row.last_seen < oldest:
            seen = instant(row.last_seen) if row.last_seen else "never"
            return SetAside(row, "Stale", f"last seen {seen}, before {instant(oldest)}")
        latest = window.end + definition.lag + _AHEAD
        if row.last_seen > latest:
            seen = instant(row.last_seen)
            return SetAside(
                row, "Stale", f"last seen {seen}, after {instant(latest)}: a clock is wrong"
            )
    if definition.samples and (row.samples or 0) < definition.minimum_samples:
        detail = f"{row.samples or 0} readings, {definition.minimum_samples} are needed"
        return SetAside(row, "TooFewSamples", detail)
    return None
