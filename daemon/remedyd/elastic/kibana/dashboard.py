"""The dashboard over the audit trail, as a saved object with its panels inside.

Made here instead of exported from a Kibana: eight ES|QL panels of three kinds differ in their
query and columns alone, and a list of them can be read and tested.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

IMPORT: Final = "/api/saved_objects/_import"
DELETE: Final = "/api/saved_objects/dashboard"
ID: Final = "remedyd-audit-trail"
_FROM: Final = "FROM logs-k8s.remediation-*\n"
_PATTERN: Final = "logs-k8s.remediation-*"
_KINDS: Final = {"long": "number", "double": "number", "keyword": "string", "date": "date"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; `columns` are (name, label, ES|QL type), the last ones numbers for a chart.

    `kind` is `metric` (one number), `bar` (x, split, number) or `table`; `place` is x, y, w, h.
    """

    key: str
    title: str
    kind: str
    query: str
    columns: tuple[tuple[str, str, str], ...]
    place: tuple[int, int, int, int]


PANELS: Final = (
    Panel(
        "waiting",
        "Waiting for a decision",
        "metric",
        '| WHERE event.action == "heartbeat"\n| SORT @timestamp DESC\n| LIMIT 1\n'
        "| KEEP remediation.heartbeat.proposals_waiting",
        (("remediation.heartbeat.proposals_waiting", "Waiting for a decision", "long"),),
        (0, 0, 12, 6),
    ),
    Panel(
        "age",
        "Minutes since the daemon's last sign of life",
        "metric",
        '| WHERE event.action == "heartbeat"\n| STATS last_beat = MAX(@timestamp)\n'
        '| EVAL minutes = DATE_DIFF("minutes", last_beat, NOW())\n| KEEP minutes',
        (("minutes", "Minutes since the last sign of life", "long"),),
        (12, 0, 12, 6),
    ),
    Panel(
        "decided",
        "Median minutes from proposal to approval",
        "metric",
        "| WHERE labels.proposal_id IS NOT NULL\n| STATS created = MIN(@timestamp) WHERE "
        'event.action == "proposal-created",\n        approved = MIN(@timestamp) WHERE '
        'event.action == "approved"\n  BY labels.proposal_id\n'
        '| EVAL minutes = DATE_DIFF("seconds", created, approved) / 60.0\n'
        "| STATS median_minutes = ROUND(MEDIAN(minutes), 1)",
        (("median_minutes", "Median minutes to approval", "double"),),
        (24, 0, 12, 6),
    ),
    Panel(
        "failures",
        "Failed changes and undos",
        "metric",
        '| WHERE event.action IN ("apply-failed", "rollback-failed")\n| STATS failures = COUNT(*)',
        (("failures", "Failed changes and undos", "long"),),
        (36, 0, 12, 6),
    ),
    Panel(
        "events",
        "What happened to proposals",
        "bar",
        '| WHERE labels.proposal_id IS NOT NULL AND event.action NOT IN ("refused", "rolled-out")\n'
        "| STATS events = COUNT(*) BY day = DATE_TRUNC(1 hour, @timestamp), event.action",
        (
            ("day", "Time", "date"),
            ("event.action", "Event", "keyword"),
            ("events", "Events", "long"),
        ),
        (0, 6, 32, 12),
    ),
    Panel(
        "verdicts",
        "Verdicts",
        "bar",
        '| WHERE event.action == "verified"\n| STATS changes = COUNT(*) BY remediation.state, '
        "remediation.action",
        (
            ("remediation.state", "Verdict", "keyword"),
            ("remediation.action", "Action", "keyword"),
            ("changes", "Changes", "long"),
        ),
        (32, 6, 16, 12),
    ),
    Panel(
        "namespaces",
        "Proposals by namespace and policy",
        "table",
        '| WHERE event.action == "proposal-created"\n| STATS proposals = COUNT(*) '
        "BY orchestrator.namespace, remediation.policy\n| SORT proposals DESC\n| LIMIT 100",
        (
            ("orchestrator.namespace", "Namespace", "keyword"),
            ("remediation.policy", "Policy", "keyword"),
            ("proposals", "Proposals", "long"),
        ),
        (0, 18, 20, 12),
    ),
    Panel(
        "refused",
        "Refused attempts and rejections",
        "table",
        '| WHERE event.action IN ("refused", "rejected")\n'
        "| KEEP @timestamp, user.name, event.reason, message\n| SORT @timestamp DESC\n| LIMIT 100",
        (
            ("@timestamp", "Time", "date"),
            ("user.name", "Who", "keyword"),
            ("event.reason", "Why", "keyword"),
            ("message", "What", "keyword"),
        ),
        (20, 18, 28, 12),
    ),
)


def ndjson() -> str:
    """Return the dashboard as a file to import."""
    saved = {
        "type": "dashboard",
        "id": ID,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": "10.2.0",
        "attributes": {
            "title": "[remedyd] Audit trail",
            "description": "What remedyd proposed, who decided, what changed, whether it helped.",
            "panelsJSON": json.dumps([_panel(panel) for panel in PANELS]),
            "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
            "timeRestore": True,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "version": 1,
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": json.dumps(
                    {"query": {"query": "", "language": "kuery"}, "filter": []}
                )
            },
        },
        "references": [],
    }
    return json.dumps(saved) + "\n"


def query(panel: Panel) -> str:
    """Return the whole ES|QL text of a panel."""
    return _FROM + panel.query


def _panel(panel: Panel) -> dict[str, Any]:
    x, y, width, height = panel.place
    return {
        "type": "lens",
        "panelIndex": panel.key,
        "title": panel.title,
        "gridData": {"x": x, "y": y, "w": width, "h": height, "i": panel.key},
        "embeddableConfig": {
            "attributes": {
                "title": panel.title,
                "type": "lens",
                "visualizationType": {
                    "metric": "lnsMetric",
                    "bar": "lnsXY",
                    "table": "lnsDatatable",
                }[panel.kind],
                "references": [],
                "state": _state(panel),
            }
        },
    }


def _state(panel: Panel) -> dict[str, Any]:
    view = sha256(_PATTERN.encode()).hexdigest()
    layer = {
        "index": view,
        "query": {"esql": query(panel)},
        "timeField": "@timestamp",
        "columns": [
            {
                "columnId": name,
                "fieldName": name,
                "label": label,
                "customLabel": True,
                "meta": {"type": _KINDS[kind], "esType": kind},
                "inMetricDimension": _KINDS[kind] == "number",
            }
            for name, label, kind in panel.columns
        ],
    }
    shown = {"id": view, "title": _PATTERN, "timeField": "@timestamp"}
    adhoc = {"id": view, "title": _PATTERN, "name": _PATTERN, "timeFieldName": "@timestamp"}
    return {
        "adHocDataViews": {view: {**adhoc, "type": "esql"}},
        "datasourceStates": {
            "textBased": {"indexPatternRefs": [shown], "layers": {panel.key: layer}}
        },
        "query": {"esql": query(panel)},
        "filters": [],
        "visualization": _visualization(panel),
    }


def _visualization(panel: Panel) -> dict[str, Any]:
    names = [name for name, _, _ in panel.columns]
    layer = {"layerId": panel.key, "layerType": "data"}
    if panel.kind == "metric":
        return {**layer, "metricAccessor": names[0]}
    if panel.kind == "table":
        return {**layer, "columns": [_cell(name, panel.columns) for name in names]}
    x, split, number = names
    bars = {"xAccessor": x, "splitAccessor": split, "accessors": [number]}
    return {
        "legend": {"isVisible": True, "position": "right"},
        "valueLabels": "hide",
        "preferredSeriesType": "bar_stacked",
        "layers": [{**layer, **bars, "seriesType": "bar_stacked"}],
    }


def _cell(name: str, columns: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    kinds = {column: _KINDS[kind] for column, _, kind in columns}
    return {"columnId": name, "isMetric": kinds[name] == "number", "isTransposed": False}
