"""The gate in front of every audit: is the telemetry it reads fresh, and of one cluster?

Judged per dataset by the gate audit's rows. An audit is refused when a dataset it reads is
stale or absent: without this, a collector that stopped would look like a workload that healed.
"""

from collections.abc import Sequence

from remedyd.audits.definition import AuditDefinition
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, AuditRow, Severity


def pass_gate(
    definition: AuditDefinition, gate: AuditDefinition, rows: Sequence[AuditRow], cluster: str
) -> None:
    """Raise QueryError unless every dataset that `definition` reads is fresh in `rows`.

    `rows` are the gate's, of all clusters that send to this Elasticsearch.
    """
    own = _own(definition, gate, rows, cluster)
    by_dataset = {row.target.name: row for row in own}
    needed = _needed(definition, gate)
    absent = sorted(needed - set(by_dataset))
    if absent:
        raise QueryError(
            AuditOutcome.NO_DATA,
            f"{gate.name}: nothing from {', '.join(absent)} for {_span(gate)}",
            hint="Check the OpenTelemetry collectors, and that the key may read their streams.",
        )
    stale = [row for name, row in sorted(by_dataset.items()) if _blocks(name, row, needed)]
    if stale:
        shown = ", ".join(f"{row.target.name} ({_age(row)})" for row in stale)
        raise QueryError(
            AuditOutcome.STALE,
            f"{gate.name}: telemetry is stale: {shown}",
            hint="Check the OpenTelemetry collectors; nothing is proposed until they report.",
        )


def _needed(definition: AuditDefinition, gate: AuditDefinition) -> frozenset[str]:
    """Return the datasets that must be fresh: those the audit reads and the gate watches.

    An audit that reads none of them (events, a pattern over everything) needs all.
    """
    watched = gate.datasets
    common = definition.datasets & watched if watched else definition.datasets
    return common or watched


def _own(
    definition: AuditDefinition, gate: AuditDefinition, rows: Sequence[AuditRow], cluster: str
) -> list[AuditRow]:
    """Return the rows of this cluster; raise ForeignCluster where that can not be told."""
    column = gate.identity.cluster
    clusters = {str(row.values[column] or "") for row in rows} if column else {""}
    shown = ", ".join(name or "(none)" for name in sorted(clusters))
    ambiguous = len(clusters) > 1 and (not cluster or not definition.identity.cluster)
    absent = cluster and clusters and not clusters & {cluster, ""}
    if ambiguous or absent:
        here = f"this is cluster {cluster}" if cluster else "no cluster is configured"
        raise QueryError(
            AuditOutcome.FOREIGN_CLUSTER,
            f"{gate.name}: telemetry of cluster {shown}, but {here}",
            hint="Set cluster_name to this cluster's k8s.cluster.name.",
        )
    if clusters == {""} or not cluster:
        return list(rows)
    return [row for row in rows if row.values[column] == cluster]


def _blocks(name: str, row: AuditRow, needed: frozenset[str]) -> bool:
    return row.severity >= Severity.CRITICAL and (not needed or name in needed)


def _age(row: AuditRow) -> str:
    seen = row.last_seen
    return f"newest {seen.isoformat(timespec='seconds')}" if seen else "no time"


def _span(gate: AuditDefinition) -> str:
    minutes = int(gate.window.total_seconds() // 60)
    return f"{minutes} minutes"
