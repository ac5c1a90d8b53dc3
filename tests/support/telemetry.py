"""A made-up recording of five deployments, small enough to be written for one test."""

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

MAPPINGS = Path(__file__).parents[1] / "recordings" / "telemetry" / "mappings.json"
START = datetime(2026, 1, 1, tzinfo=UTC)
KILLED = "cart"
CLUSTER, KUBELET = (
    "metrics-k8sclusterreceiver.otel-default",
    "metrics-kubeletstatsreceiver.otel-default",
)

Found = Iterator[tuple[str, dict[str, Any]]]


def at(minute: int) -> datetime:
    """Return the time of a minute."""
    return START + timedelta(minutes=minute)


def told(
    minutes: Collection[int], kills: Collection[int], cluster: str = "c", gap: Collection[int] = ()
) -> Found:
    """Yield stream and document of each sample; `cart` is killed in the minutes `kills`."""
    count = 0
    for minute in minutes:
        count += minute in kills
        if minute in gap:
            continue
        for name in (KILLED, "pay", "ad", "web", "db"):
            yield from _sample(minute, name, cluster, count if name == KILLED else 0)


def _sample(minute: int, name: str, cluster: str, kills: int) -> Found:
    workload = {
        "k8s.cluster.name": cluster,
        "k8s.namespace.name": "shop",
        "k8s.deployment.name": name,
    }
    pod = {"k8s.pod.name": f"{name}-1", "k8s.pod.uid": f"{name}-{cluster}"}
    of = {**workload, **pod, "k8s.container.name": "app"}
    ended = {"k8s.container.status.last_terminated_reason": "OOMKilled"} if kills else {}
    replicas = {"k8s.deployment.desired": 1, "k8s.deployment.available": 1}
    for stream, attributes, metrics in (
        (CLUSTER, {**of, **ended}, {"k8s.container.restarts": kills}),
        (CLUSTER, of, {"k8s.container.ready": 1}),
        (CLUSTER, of, {"k8s.container.memory_limit": 268435456}),
        (CLUSTER, workload, replicas),
        (KUBELET, of, {"container.memory.working_set": 200_000_000}),
    ):
        yield (
            stream,
            {
                "@timestamp": at(minute).isoformat().replace("+00:00", "Z"),
                "data_stream": {"dataset": stream.split("-")[1]},
                "metrics": metrics,
                "resource": {"attributes": attributes},
            },
        )


def record(directory: Path, *found: Found) -> Path:
    """Write a recording of these samples, in their order; return its directory."""
    directory.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for stream, document in (one for samples in found for one in samples):
        lines.setdefault(stream, []).append(json.dumps(document))
    for stream, written in lines.items():
        (directory / f"{stream}.ndjson").write_text("\n".join(written) + "\n")
    known = json.loads(MAPPINGS.read_text(encoding="utf-8"))
    (directory / "mappings.json").write_text(json.dumps({name: known[name] for name in lines}))
    return directory
