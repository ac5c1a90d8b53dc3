"""Audits for tests: a small one of our own, and a source that answers what it is told."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.loader import load_audit
from remedyd.model import Column, Json, Table

NOW = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)

QUERY = """\
FROM metrics-a.otel-*, metrics-b.otel-*
| WHERE @timestamp >= TO_DATETIME(?start) AND @timestamp < TO_DATETIME(?end)
| WHERE (?cluster == "*" OR k8s.cluster.name == ?cluster)
  AND (?namespace == "*" OR ns == ?namespace) AND (?name == "*" OR app.name == ?name)
| STATS samples = COUNT(*), last_seen = MAX(@timestamp), score = MAX(metrics.x)
  BY cluster = k8s.cluster.name, namespace = ns, kind = app.kind, name = app.name
| EVAL severity_score = CASE(score > ?limit, 3, 1)
| KEEP cluster, namespace, kind, name, severity_score, score, samples, last_seen
| SORT severity_score DESC
| LIMIT 5
"""

YAML = """\
apiVersion: remedyd.io/v1alpha1
kind: Audit
metadata:
  name: sample
  description: A small audit.
spec:
  elasticsearch: "9.0"
  window: 10m
  lag: 30s
  schedule: {every: 1m}
  parameters:
    - {name: limit, type: double, default: 90.0}
  fields:
    - {name: "@timestamp", type: date}
    - {name: k8s.cluster.name, type: keyword, optional: true}
    - {name: app.kind, type: keyword}
    - {name: app.name, type: keyword}
    - {name: metrics.x, type: double, optional: true}
  columns:
    - {name: cluster, type: keyword, nullable: true}
    - {name: namespace, type: keyword}
    - {name: kind, type: keyword}
    - {name: name, type: keyword}
    - {name: severity_score, type: integer}
    - {name: score, type: double, nullable: true}
    - {name: samples, type: long}
    - {name: last_seen, type: date}
  identity: {cluster: cluster, namespace: namespace, kind: kind, name: name}
  severity: severity_score
  samples: samples
  lastSeen: last_seen
  minimumSamples: 3
  freshness: 3m
"""

COLUMNS = (
    Column("cluster", "keyword"),
    Column("namespace", "keyword"),
    Column("kind", "keyword"),
    Column("name", "keyword"),
    Column("severity_score", "integer"),
    Column("score", "double"),
    Column("samples", "long"),
    Column("last_seen", "date"),
)
MAPPED = {
    "@timestamp": "date",
    "k8s.cluster.name": "keyword",
    "app.kind": "keyword",
    "app.name": "keyword",
    "metrics.x": "double",
}


def write_audit(
    directory: Path, yaml: str = YAML, query: str = QUERY, name: str = "sample"
) -> Path:
    """Write an audit's two files; return the path of the YAML file."""
    (directory / f"{name}.esql").write_text(query)
    path = directory / f"{name}.yaml"
    path.write_text(yaml)
    return path


def sample(directory: Path, yaml: str = YAML, query: str = QUERY) -> AuditDefinition:
    """Return the small audit, loaded."""
    return load_audit(write_audit(directory, yaml, query))[0]


def row(**changes: Any) -> tuple[Any, ...]:
    """Return a healthy row of the small audit with some cells changed."""
    cells: dict[str, Any] = {
        "cluster": "c1",
        "namespace": "shop",
        "kind": "Deployment",
        "name": "cart",
        "severity_score": 1,
        "score": 10.0,
        "samples": 10,
        "last_seen": datetime(2026, 11, 22, 22, 29, tzinfo=UTC),
    }
    return tuple({**cells, **changes}.values())


def answer(*rows: tuple[Any, ...], columns: Sequence[Column] = COLUMNS) -> Table:
    """Return a table of the small audit."""
    return Table(tuple(columns), rows)


class Script:
    """A query source: answers each query with `reply(text, params)`; remembers the questions."""

    def __init__(
        self,
        reply: Callable[[str, Mapping[str, Json]], Table] | Table,
        mapped: Mapping[str, str] = MAPPED,
        release: tuple[int, int] = (9, 5),
    ) -> None:
        self.reply = reply
        self.mapped = mapped
        self.release = release
        self.asked: list[tuple[str, Mapping[str, Json]]] = []

    def query(self, text: str, params: Mapping[str, Json]) -> Table:
        self.asked.append((text, params))
        return self.reply if isinstance(self.reply, Table) else self.reply(text, params)

    def fields(self, indices: str, names: frozenset[str]) -> Mapping[str, str]:
        return {name: kind for name, kind in self.mapped.items() if name in names}

    def version(self) -> tuple[int, int]:
        return self.release
