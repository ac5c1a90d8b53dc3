"""Targets and audit rows: what everything is about, and the evidence."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from remedyd.model import AuditRow, Target
from remedyd.server.views import examples


class TargetView(BaseModel):
    """A workload or one of its containers."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TARGET]})

    cluster: str
    namespace: str
    kind: str
    name: str
    container: str
    uid: str


class RowView(BaseModel):
    """The evidence: one row of an audit."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ROW]})

    audit: str
    target: TargetView
    severity: int
    samples: int | None
    last_seen: datetime | None
    values: dict[str, Any]


def target_view(target: Target) -> TargetView:
    """Show a target."""
    return TargetView(
        cluster=target.cluster,
        namespace=target.namespace,
        kind=target.kind,
        name=target.name,
        container=target.container,
        uid=target.uid,
    )


def row_view(row: AuditRow) -> RowView:
    """Show an evidence row."""
    return RowView(
        audit=row.audit,
        target=target_view(row.target),
        severity=int(row.severity),
        samples=row.samples,
        last_seen=row.last_seen,
        values=dict(row.values),
    )
