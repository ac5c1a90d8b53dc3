"""An Elasticsearch with documents of our own, and recordings written by hand."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.elastic.history import History
from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.server import ElasticsearchServer
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.model import ManualClock, Window

STREAM = "metrics-k8sclusterreceiver.otel-default"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))
Documents = Sequence[Mapping[str, Any]]


def document(minutes: float, pod: str, restarts: int = 0) -> dict[str, Any]:
    """Return a document `minutes` after `START`."""
    moment = (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    attributes = {"k8s.pod.name": pod, "k8s.namespace.name": "shop"}
    return {
        "@timestamp": moment.replace("+00:00", "Z"),
        "data_stream": {"type": "metrics", "dataset": STREAM.split("-")[1], "namespace": "default"},
        "metrics": {"k8s.container.restarts": restarts},
        "resource": {"attributes": attributes},
    }


@contextmanager
def elasticsearch(streams: Mapping[str, Documents]) -> Iterator[ElasticsearchServer]:
    """Run an Elasticsearch that holds these documents."""
    held = DataStreams(ManualClock(HOUR.end), (9, 4), timedelta(days=1))
    for name, documents in streams.items():
        held.append(name, list(documents))
    server = ElasticsearchServer(Endpoint(held, Random(1)))
    server.start()
    try:
        yield server
    finally:
        server.stop()
        held.close()


@contextmanager
def history(server: ElasticsearchServer, page: int = 50) -> Iterator[History]:
    """Connect to it; failures are not repeated, so that a test sees them."""
    source = ElasticSource(Connection(server.url, attempts=1, timeout=5))
    try:
        yield History(source, page)
    finally:
        source.close()


def written(path: Path) -> list[dict[str, Any]]:
    """Return the documents of a recorded stream."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_recording(directory: Path, text: str | bytes, name: str = STREAM) -> Path:
    """Write a stream of a recording by hand; bytes go to a gzip file as they are."""
    directory.mkdir(exist_ok=True)
    if isinstance(text, bytes):
        path = directory / f"{name}.ndjson.gz"
        path.write_bytes(text)
    else:
        path = directory / f"{name}.ndjson"
        path.write_text(text, encoding="utf-8")
    return path
