"""A recording of a made-up fleet, written as parquet by DuckDB: weeks of telemetry in minutes.

200 workloads of two pods each, sampled every 60 s. One workload in ten is killed for want of
memory for 40 minutes every three days, one in ten crashes for two hours every five days, one in
ten has a pod that hangs for 30 minutes every four days, and one in four gets new pods every day.
By default only documents are written that carry a metric which the shipped audits read; with
`everything` those with the other metrics of the two receivers are there as well.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

ROOT = Path(__file__).parents[1]
START = datetime(2026, 1, 1, tzinfo=UTC)
CLUSTER = "fleet"
_DAY = 1440
_A = "resource.attributes.k8s"

_READ = {"cluster": ("restarts", "ready", "memory", "replicas"), "kubelet": ("usage",)}
_REST = {
    "cluster": ("cpu", "phase", "replicaset"),
    "kubelet": (
        *("cpu_usage", "cpu_time", "faults", "network", "network_errors"),
        *("pod_cpu", "pod_time", "pod_memory", "pod_share"),
    ),
}
_OF_POD = {"phase", *_REST["kubelet"][3:]}
_OF_WORKLOAD = {"replicas", "replicaset"}
_METRICS = {
    "restarts": {"k8s.container.restarts": "kills + crashes"},
    "ready": {"k8s.container.ready": "CASE WHEN crashing OR hanging THEN 0 ELSE 1 END"},
    "memory": {
        "k8s.container.memory_limit": "268435456",
        "k8s.container.memory_request": "134217728",
    },
    "cpu": {"k8s.container.cpu_limit": "0.5", "k8s.container.cpu_request": "0.1"},
    "phase": {"k8s.pod.phase": "2"},
    "replicaset": {"k8s.replicaset.desired": "2", "k8s.replicaset.available": "2"},
    "replicas": {
        "k8s.deployment.desired": "2",
        "k8s.deployment.available": "CASE WHEN crashing OR hanging THEN 1 ELSE 2 END",
    },
    "usage": {"container.memory.working_set": "100000000 + (hash(m, pod) % 50000000)"},
    "cpu_usage": {"container.cpu.usage": "0.05"},
    "cpu_time": {"container.cpu.time": "m * 3.0"},
    "faults": {"container.memory.page_faults": "m"},
    "pod_cpu": {"k8s.pod.cpu.usage": "0.05"},
    "pod_time": {"k8s.pod.cpu.time": "m * 3.0"},
    "pod_memory": {"k8s.pod.memory.working_set": "100000000"},
    "pod_share": {"k8s.pod.memory_limit_utilization": "0.4"},
    "network": {"k8s.pod.network.io": "m * 1000"},
    "network_errors": {"k8s.pod.network.errors": "0"},
}
_INTEGER = ("restarts", "ready", "memory", "phase", "replicas", "replicaset", "usage")


@dataclass(frozen=True, slots=True)
class Fleet:
    """What to record."""

    days: int = 30
    workloads: int = 200
    pods: int = 2
    everything: bool = False

    @property
    def name(self) -> str:
        """A directory name that tells one fleet from another."""
        return f"{self.days}d-{self.workloads}x{self.pods}{'-all' if self.everything else ''}"


def record(fleet: Fleet, directory: Path) -> Path:
    """Write the recording if it is not there yet; return its directory."""
    target = directory / fleet.name
    if (target / "mappings.json").exists():
        return target
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for stream, delay in (("cluster", 350), ("kubelet", 750)):
        _write(fleet, stream, delay, target)
    telemetry = ROOT / "tests" / "recordings" / "telemetry" / "mappings.json"
    mappings = json.loads(telemetry.read_text())
    (target / "mappings.json").write_text(json.dumps(mappings))
    return target


def _write(fleet: Fleet, stream: str, delay: int, target: Path) -> None:
    dataset = {"cluster": "k8sclusterreceiver.otel", "kubelet": "kubeletstatsreceiver.otel"}[stream]
    kinds = (*_READ[stream], *(_REST[stream] if fleet.everything else ()))
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE series AS {_series(fleet, kinds)}")
    (count,) = connection.execute("SELECT count(*) FROM series").fetchone() or (0,)
    select = f"""
        SELECT TIMESTAMP '{START:%Y-%m-%d}' + to_minutes(m) + to_milliseconds({delay})
                 AS "@timestamp",
               '{dataset}' AS "data_stream.dataset", '{CLUSTER}' AS "{_A}.cluster.name",
               namespace AS "{_A}.namespace.name", workload AS "{_A}.deployment.name",
               replicaset AS "{_A}.replicaset.name", {_pod()}
               CASE WHEN of_container THEN 'app' END AS "{_A}.container.name",
               CASE WHEN kind = 'restarts' AND kills + crashes > 0
                    THEN CASE WHEN w % 10 = 0 THEN 'OOMKilled' ELSE 'Error' END END
                 AS "{_A}.container.status.last_terminated_reason",
               {_metrics(kinds)}
        FROM (SELECT *, {_incidents()} FROM
              (SELECT m::BIGINT AS m, unnest(range({count})) AS k
               FROM range({fleet.days * _DAY}) t(m)) JOIN series USING (k))
    """
    connection.execute(
        f"COPY ({select}) TO '{target / f'metrics-{dataset}-default.parquet'}' "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    connection.close()


def _series(fleet: Fleet, kinds: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    of_pod, of_workload = (", ".join(f"'{k}'" for k in ks) for ks in (_OF_POD, _OF_WORKLOAD))
    return f"""
        SELECT row_number() OVER (ORDER BY w, r, kind) - 1 AS k, w, r, kind,
               'ns-' || (w % 10) AS namespace, 'app-' || w AS workload,
               'app-' || w || '-7d9f8b6c5d' AS replicaset,
               kind NOT IN ({of_workload}) AS of_some_pod,
               kind NOT IN ({of_workload}, {of_pod}) AS of_container
        FROM range({fleet.workloads}) a(w), range({fleet.pods}) b(r),
             (SELECT unnest([{listed}]) kind)
        WHERE r = 0 OR kind NOT IN ({of_workload})"""


def _incidents() -> str:
    """Return SQL for what is wrong with a pod at minute `m`, by its workload's number."""

    def during(remainder: int, days: int, minutes: int) -> str:
        since = f"(m + w * 97) % {days * _DAY}"
        return f"(w % 10 = {remainder} AND r = 0 AND {since} < {minutes})"

    def events(remainder: int, days: int, minutes: int, apart: int) -> str:
        since, whole = f"((m + w * 97) % {days * _DAY})", f"((m + w * 97) // {days * _DAY})"
        return (
            f"CASE WHEN w % 10 = {remainder} AND r = 0 THEN {whole} * {minutes // apart} "
            f"+ least({since}, {minutes}) // {apart} ELSE 0 END"
        )

    return (
        f"{events(0, 3, 40, 2)} AS kills, {events(1, 5, 120, 2)} AS crashes, "
        f"{during(1, 5, 120)} AS crashing, {during(2, 4, 30)} AS hanging, "
        f"replicaset || '-' || substr(md5(w || '/' || r || '/' || "
        f"CASE WHEN w % 4 = 3 THEN m // {_DAY} ELSE 0 END), 1, 5) AS pod"
    )


def _pod() -> str:
    return (
        f'CASE WHEN of_some_pod THEN pod END AS "{_A}.pod.name", '
        f'CASE WHEN of_some_pod THEN md5(pod) END AS "{_A}.pod.uid",'
    )


def _metrics(kinds: tuple[str, ...]) -> str:
    return ",\n".join(
        f"CAST(CASE WHEN kind = '{kind}' THEN {sql} END AS "
        f'{"BIGINT" if kind in _INTEGER else "DOUBLE"}) AS "metrics.{name}"'
        for kind in kinds
        for name, sql in _METRICS[kind].items()
    )
