"""An audit in words and JSON: its contract, and what a run would send, without sending it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.parameters import ALL, bind, instant, window_at
from remedyd.audits.preflight import render
from remedyd.documents import format_duration
from remedyd.model import AuditResult, AuditRow, Cell, Json, QuerySource


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would send now. `mapped` are the fields found, by ES|QL type."""

    text: str
    params: Mapping[str, Json]
    mapped: Mapping[str, str]
    unavailable: tuple[str, ...]


def preview(
    definition: AuditDefinition,
    source: QuerySource,
    now: datetime,
    *,
    cluster: str = "",
    params: Mapping[str, Json] | None = None,
) -> Preview:
    """Ask for the fields and render the query with its parameters, without running it.

    Raises QueryError as a run would end: NoData, MissingField, Forbidden, Unavailable.
    """
    names = frozenset(field.name for field in definition.fields)
    mapped = source.fields(definition.indices, names)
    rendered = render(definition, mapped)
    values = bind(definition, window_at(definition, now), cluster=cluster or ALL, params=params)
    return Preview(rendered.text, values, mapped, rendered.unavailable)


def described(definition: AuditDefinition) -> dict[str, Any]:
    """Return the whole contract as plain JSON values."""
    return {
        "name": definition.name,
        "description": definition.description,
        "path": definition.path,
        "elasticsearch": ".".join(map(str, definition.elasticsearch)),
        "window": format_duration(definition.window),
        "lag": format_duration(definition.lag),
        "schedule": definition.cron or f"every {format_duration(definition.interval)}",
        "indices": list(definition.outline.indices),
        "limit": definition.limit,
        "parameters": [
            {"name": p.name, "type": p.type, "default": p.default, "description": p.description}
            for p in definition.parameters
        ],
        "fields": [
            {"name": f.name, "type": f.type, "optional": f.optional} for f in definition.fields
        ],
        "columns": [
            {
                "name": c.name,
                "type": c.type,
                "nullable": c.nullable,
                "description": c.description,
            }
            for c in definition.columns
        ],
        "minimum_samples": definition.minimum_samples,
        "freshness": format_duration(definition.freshness) if definition.freshness else None,
        "gate": definition.gate,
        "hash": definition.hash,
        "query": definition.query,
    }


def reported(result: AuditResult) -> dict[str, Any]:
    """Return a result as plain JSON values."""
    return {
        "audit": result.audit,
        "outcome": result.outcome.value,
        "window": {"start": instant(result.window.start), "end": instant(result.window.end)},
        "detail": result.detail,
        "hint": result.hint,
        "unavailable": list(result.unavailable),
        "warnings": list(result.warnings),
        "took_ms": round(result.took_ms, 3),
        "rows": [_row(row) for row in result.rows],
        "set_aside": [
            {"reason": one.reason, "detail": one.detail, **_row(one.row)}
            for one in result.set_aside
        ],
    }


def _row(row: AuditRow) -> dict[str, Any]:
    target = row.target
    return {
        "target": {
            "cluster": target.cluster,
            "namespace": target.namespace,
            "kind": target.kind,
            "name": target.name,
            "container": target.container,
        },
        "severity": row.severity.name.lower(),
        "values": {name: plain(cell) for name, cell in row.values.items()},
    }


def plain(cell: Cell) -> Json:
    """Return a cell as a JSON value: dates as ISO texts, multivalues as lists."""
    if isinstance(cell, datetime):
        return instant(cell)
    if isinstance(cell, tuple):
        return [plain(one) for one in cell]
    return cell
