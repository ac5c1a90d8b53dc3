"""Synthetic telemetry for the query benchmark: a day of 200 deployments, 2,000 pods, as parquet.

One document per unit, as the OpenTelemetry receivers write them: usage, limits, restarts and
readiness of a container never share one. Files are ordered by time, like a data stream.
"""

from pathlib import Path

import duckdb

PODS, DEPLOYMENTS, NAMESPACES = 2000, 200, 4
PER_SCRAPE = PODS * 6 + DEPLOYMENTS
START = "TIMESTAMP '2026-11-22 00:00:00'"
CLUSTER = "metrics-k8sclusterreceiver.otel-default"
KUBELET = "metrics-kubeletstatsreceiver.otel-default"

_GAUGE = {"type": "long", "time_series_metric": "gauge"}
_DOUBLE = {"type": "double", "time_series_metric": "gauge"}
_KEYWORD = {"type": "keyword"}
_NAMES = ("cluster", "namespace", "deployment", "statefulset", "daemonset", "pod", "container")
_CLUSTER_METRICS = {
    "k8s.container.cpu_limit": _DOUBLE,
    "k8s.container.cpu_request": _DOUBLE,
    "k8s.container.memory_limit": _GAUGE,
    "k8s.container.restarts": _GAUGE,
    "k8s.container.ready": _GAUGE,
    "k8s.deployment.desired": _GAUGE,
    "k8s.deployment.available": _GAUGE,
}
_KUBELET_METRICS = {"container.cpu.usage": _DOUBLE, "container.memory.working_set": _GAUGE}
_RESOURCE = {
    **{f"k8s.{name}.name": _KEYWORD for name in _NAMES},
    "k8s.pod.uid": _KEYWORD,
    "k8s.container.status.last_terminated_reason": _KEYWORD,
}
_ALIASES = {
    "kubernetes.namespace": "k8s.namespace.name",
    "kubernetes.deployment.name": "k8s.deployment.name",
    "kubernetes.pod.name": "k8s.pod.name",
}


def mapping(stream: str) -> dict[str, object]:
    """Return the mapping of a stream, as its index template gives it."""
    metrics = _CLUSTER_METRICS if stream == CLUSTER else _KUBELET_METRICS
    dataset = stream.removeprefix("metrics-").removesuffix("-default")
    passthrough = {"type": "passthrough", "dynamic": "true"}
    properties = {
        "@timestamp": {"type": "date"},
        "start_timestamp": {"type": "date_nanos"},
        "data_stream.dataset": {"type": "constant_keyword", "value": dataset},
        "metrics": {**passthrough, "priority": 10, "properties": metrics},
        "resource": {
            "properties": {
                "attributes": {
                    **passthrough,
                    "priority": 40,
                    "time_series_dimension": True,
                    "properties": _RESOURCE,
                }
            }
        },
        **{
            alias: {"type": "alias", "path": f"resource.attributes.{target}"}
            for alias, target in _ALIASES.items()
        },
    }
    settings = {"index.mode": "time_series"}
    return {"settings": settings, "mappings": {"dynamic": "false", "properties": properties}}


_POD = f"""
    'prod' AS "resource.attributes.k8s.cluster.name",
    ['otel-demo', 'shop', 'batch', 'tools'][p % {NAMESPACES} + 1]
      AS "resource.attributes.k8s.namespace.name",
    'app-' || p % {DEPLOYMENTS} AS "resource.attributes.k8s.deployment.name",
    CAST(NULL AS VARCHAR) AS "resource.attributes.k8s.statefulset.name",
    CAST(NULL AS VARCHAR) AS "resource.attributes.k8s.daemonset.name",
    CASE WHEN k < 6 THEN 'app-' || p % {DEPLOYMENTS} || '-' || p END
      AS "resource.attributes.k8s.pod.name",
    CASE WHEN k < 6 THEN 'uid-' || p END AS "resource.attributes.k8s.pod.uid",
    CASE WHEN k < 6 THEN 'app' END AS "resource.attributes.k8s.container.name",
    CASE WHEN k < 6 AND p % 50 = 0 AND s % 40 > 20 THEN 'OOMKilled' END
      AS "resource.attributes.k8s.container.status.last_terminated_reason"
"""
_METRICS = {
    CLUSTER: f"""
    {START}::TIMESTAMP_NS AS "start_timestamp",
    CASE WHEN k = 2 THEN 0.5e0 END AS "metrics.k8s.container.cpu_limit",
    CASE WHEN k = 2 THEN 0.25e0 END AS "metrics.k8s.container.cpu_request",
    CASE WHEN k = 3 THEN 268435456::BIGINT END AS "metrics.k8s.container.memory_limit",
    CASE WHEN k = 4 THEN CASE WHEN p % 50 = 0 THEN s // 20 ELSE 0 END::BIGINT END
      AS "metrics.k8s.container.restarts",
    CASE WHEN k = 5 THEN 1::BIGINT END AS "metrics.k8s.container.ready",
    CASE WHEN k = 6 THEN 10::BIGINT END AS "metrics.k8s.deployment.desired",
    CASE WHEN k = 6 THEN 10 - CAST(p % 37 = 0 AS BIGINT) END
      AS "metrics.k8s.deployment.available"
""",
    KUBELET: f"""
    ({START} - to_seconds(p * 7))::TIMESTAMP_NS AS "start_timestamp",
    CASE WHEN k = 0 THEN (hash(p, s) % 1000) / 2500e0 END AS "metrics.container.cpu.usage",
    CASE WHEN k = 1 THEN 100000000 + CAST(hash(s, p) % 150000000 AS BIGINT) END
      AS "metrics.container.memory.working_set"
""",
}


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write about `rows` documents; return the files of the cluster and the kubelet stream."""
    scrapes = rows // PER_SCRAPE
    step = 86_400_000_000 // scrapes
    connection = duckdb.connect()
    kinds = {CLUSTER: "k BETWEEN 2 AND 6", KUBELET: "k < 2"}
    paths = []
    for stream, kind in kinds.items():
        path = folder / f"{stream}.parquet"
        connection.execute(
            f"""COPY (
              SELECT {START} + to_microseconds(s * {step} + (k < 2)::INTEGER * 300000)
                AS "@timestamp", {_POD}, {_METRICS[stream]}
              FROM range({scrapes}) a(s), range(7) b(k), range({PODS}) c(p)
              WHERE {kind} AND (k < 6 OR p < {DEPLOYMENTS}) ORDER BY s, k, p
            ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
        )
        paths.append(path)
    return paths[0], paths[1]
