"""Audits and the results of their runs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from remedyd.audits.definition import AuditDefinition
from remedyd.model import AuditResult
from remedyd.server.views import examples
from remedyd.server.views.rows import RowView, row_view


class AuditView(BaseModel):
    """A loaded audit."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.AUDIT]})

    name: str
    description: str
    columns: list[dict[str, Any]]


class SetAsideView(BaseModel):
    """A row without enough fresh evidence: told, never acted upon."""

    row: RowView
    reason: str
    detail: str


class ResultView(BaseModel):
    """One run of an audit, worst rows first; `rows` is empty unless `outcome` is Ok.

    `total` counts all its rows, of which only as many as asked for are here. `parts` counts the
    queries it took: more than one where a big result is read by namespace.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.RESULT]})

    audit: str
    outcome: str
    start: datetime
    end: datetime
    detail: str
    hint: str
    unavailable: list[str]
    warnings: list[str]
    parts: int
    total: int
    rows: list[RowView]
    set_aside: list[SetAsideView]


class AuditDetailView(AuditView):
    """An audit with its query, and its last scheduled run since the start (null: none yet)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                examples.AUDIT
                | {
                    "query": "FROM metrics-kubeletstatsreceiver.otel-* | STATS ...",
                    "window_seconds": 900,
                    "every_seconds": 60,
                    "cron": "",
                    "last": examples.RESULT,
                }
            ]
        }
    )

    query: str
    window_seconds: float
    every_seconds: float | None
    cron: str
    last: ResultView | None


def audit_view(audit: AuditDefinition) -> AuditView:
    """Show a loaded audit."""
    return AuditView(
        name=audit.name,
        description=audit.description,
        columns=[{"name": c.name, "type": c.type, "nullable": c.nullable} for c in audit.columns],
    )


def audit_detail_view(
    audit: AuditDefinition, last: AuditResult | None, most: int
) -> AuditDetailView:
    """Show an audit with its last result, the `most` severe rows of it."""
    return AuditDetailView(
        **audit_view(audit).model_dump(),
        query=audit.query,
        window_seconds=audit.window.total_seconds(),
        every_seconds=audit.every.total_seconds() if audit.every else None,
        cron=audit.cron,
        last=result_view(last, most) if last else None,
    )


def result_view(result: AuditResult, most: int) -> ResultView:
    """Show one run of an audit, with its `most` severe rows (and as many that are set aside)."""
    worst = sorted(result.rows, key=lambda row: -row.severity)[:most]
    return ResultView(
        audit=result.audit,
        outcome=result.outcome.value,
        start=result.window.start,
        end=result.window.end,
        detail=result.detail,
        hint=result.hint,
        unavailable=list(result.unavailable),
        warnings=list(result.warnings),
        parts=result.parts,
        total=len(result.rows),
        rows=[row_view(row) for row in worst],
        set_aside=[
            SetAsideView(row=row_view(s.row), reason=s.reason, detail=s.detail)
            for s in result.set_aside[:most]
        ],
    )
