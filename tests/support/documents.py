"""OpenTelemetry documents as the receivers write them, a few at a time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from remedyd.model import ManualClock
from remedyd.offline.recording import RecordingSource

END = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
CLUSTER = "metrics-k8sclusterreceiver.otel-default"
KUBELET = "metrics-kubeletstatsreceiver.otel-default"
Documents = list[tuple[str, dict[str, Any]]]


def document(
    minutes: float, stream: str, attributes: Mapping[str, Any], metrics: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return a document of `minutes` before `END`; attributes that are None are absent."""
    dataset = stream.split("-")[1]
    moment = (END - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    held = {name: value for name, value in attributes.items() if value is not None}
    return stream, {
        "@timestamp": moment,
        "data_stream": {"type": "metrics", "dataset": dataset, "namespace": "default"},
        "metrics": dict(metrics),
        "resource": {"attributes": held},
    }


def container(
    readings: Sequence[Mapping[str, Any]],
    *,
    pod: str = "cart-1",
    uid: str = "u1",
    kind: str = "deployment",
    name: str = "cart",
    cluster: str | None = "c1",
    start: float = 9.75,
) -> Documents:
    """Return one container's documents, a reading a minute, the first `start` minutes ago.

    A reading may hold restarts, reason, ready, limit (cluster receiver) and used (kubelet).
    """
    made: Documents = []
    for position, reading in enumerate(readings):
        minutes = start - position
        of = {
            "k8s.cluster.name": cluster,
            "k8s.namespace.name": "shop",
            f"k8s.{kind}.name": name,
            "k8s.pod.name": pod,
            "k8s.pod.uid": uid,
            "k8s.container.name": "app",
            "k8s.container.status.last_terminated_reason": reading.get("reason"),
        }
        if "limit" in reading:
            limit = {"k8s.container.memory_limit": reading["limit"]}
            made.append(document(minutes, CLUSTER, of, limit))
        if "restarts" in reading:
            count = {"k8s.container.restarts": reading["restarts"]}
            made.append(document(minutes, CLUSTER, of, count))
            ready = {"k8s.container.ready": reading.get("ready", 1)}
            made.append(document(minutes, CLUSTER, of, ready))
        if "used" in reading:
            made.append(
                document(
                    minutes,
                    KUBELET,
                    {k: v for k, v in of.items() if "status" not in k},
                    {"container.memory.working_set": reading["used"]},
                )
            )
    return made


def workload(
    readings: Sequence[tuple[int, int]],
    *,
    kind: str = "deployment",
    name: str = "cart",
    start: float = 4.75,
) -> Documents:
    """Return (desired, available) documents of a workload, one a minute."""
    names = {
        "deployment": ("desired", "available"),
        "statefulset": ("desired_pods", "ready_pods"),
        "daemonset": ("desired_scheduled_nodes", "ready_nodes"),
    }[kind]
    of = {"k8s.cluster.name": "c1", "k8s.namespace.name": "shop", f"k8s.{kind}.name": name}
    return [
        document(
            start - position,
            CLUSTER,
            of,
            {f"k8s.{kind}.{n}": value for n, value in zip(names, reading, strict=True)},
        )
        for position, reading in enumerate(readings)
    ]


def source(directory: Path, documents: Iterable[tuple[str, dict[str, Any]]]) -> RecordingSource:
    """Write the documents as a recording and open it."""
    files: dict[str, list[str]] = {}
    for stream, one in documents:
        files.setdefault(stream, []).append(json.dumps(one))
    for stream, lines in files.items():
        (directory / f"{stream}.ndjson").write_text("\n".join(lines) + "\n")
    return RecordingSource(directory, ManualClock(END + timedelta(minutes=5)))
