"""The recorded telemetry, loaded once, and small tables for queries of one test."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from remedyd.model import ManualClock
from remedyd.offline.engine import Engine
from remedyd.offline.recording import RecordingSource

ROOT = Path(__file__).parents[2]
TELEMETRY = ROOT / "tests" / "recordings" / "telemetry"
SEED_QUERY = (ROOT / "esql" / "seed-deployment-health.esql").read_text(encoding="utf-8")
START = datetime(2026, 11, 22, 22, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)

_METRICS = {
    "container.memory.working_set": "BIGINT",
    "container.cpu.usage": "DOUBLE",
    "k8s.deployment.desired": "BIGINT",
    "k8s.deployment.available": "BIGINT",
    "k8s.container.cpu_request": "DOUBLE",
    "k8s.container.memory_limit": "BIGINT",
    "k8s.container.restarts": "BIGINT",
}
_ATTRIBUTES = ("k8s.namespace.name", "k8s.deployment.name", "k8s.pod.name")


@cache
def recording() -> tuple[RecordingSource, ManualClock]:
    """Return the recording and the clock its NOW() reads; loaded once per test process."""
    clock = ManualClock(NOW)
    return RecordingSource(TELEMETRY, clock), clock


@cache
def plain_documents() -> duckdb.DuckDBPyConnection:
    """Return the same documents as a table `docs`, read by DuckDB without the engine."""
    connection = duckdb.connect(":memory:")
    metrics = ", ".join(f'"{name}" {kind}' for name, kind in _METRICS.items())
    attributes = ", ".join(f'"{name}" VARCHAR' for name in _ATTRIBUTES)
    columns = (
        f"{{'@timestamp': 'TIMESTAMP', 'metrics': 'STRUCT({metrics})', "
        f"'resource': 'STRUCT(attributes STRUCT({attributes}))'}}"
    )
    pattern = str(TELEMETRY / "metrics-*.ndjson.gz")
    connection.execute(
        'CREATE TABLE docs AS SELECT "@timestamp" AS seen, unnest(metrics), '
        "unnest(resource.attributes) FROM "
        f"read_json('{pattern}', format = 'newline_delimited', columns = {columns})"
    )
    return connection


def engine(
    streams: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    mappings: Mapping[str, Mapping[str, Any]] | None = None,
    stack: tuple[int, int] = (9, 4),
    now: datetime = NOW,
) -> Engine:
    """Return an engine over small in-memory streams."""
    made = Engine(stack=stack, clock=ManualClock(now), threads=1)
    for name, properties in (mappings or {}).items():
        made.create_stream(name, {"mappings": {"properties": properties}})
    for name, documents in (streams or {}).items():
        made.add_documents(name, documents)
    return made


def at(text: str) -> datetime:
    """Return a moment of the recorded day from `HH:MM` or `HH:MM:SS`."""
    parts = [int(part) for part in re.split(":", text)]
    return datetime(2026, 11, 22, *parts, tzinfo=UTC)
