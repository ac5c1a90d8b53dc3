"""The mapping Elasticsearch gives an OpenTelemetry data stream before its first document.

Reproduces what matters to queries of the built-in `metrics-otel@template`, `logs-otel@template`
and `traces-otel@template`: passthrough objects with their priorities, dimensions, fixed fields, and
the ECS names that are aliases of Kubernetes resource attributes.
"""

from __future__ import annotations

from typing import Any

from remedyd.offline.catalog.mapping import read_mapping
from remedyd.offline.catalog.schema import Schema

_KEYWORD: dict[str, Any] = {"type": "keyword"}
_KUBERNETES = {
    "kubernetes.namespace": "k8s.namespace.name",
    "kubernetes.pod.name": "k8s.pod.name",
    "kubernetes.pod.uid": "k8s.pod.uid",
    "kubernetes.container.name": "k8s.container.name",
    "kubernetes.node.name": "k8s.node.name",
    "kubernetes.node.uid": "k8s.node.uid",
    "kubernetes.node.hostname": "k8s.node.hostname",
    "kubernetes.deployment.name": "k8s.deployment.name",
    "kubernetes.replicaset.name": "k8s.replicaset.name",
    "kubernetes.statefulset.name": "k8s.statefulset.name",
    "kubernetes.daemonset.name": "k8s.daemonset.name",
    "kubernetes.job.name": "k8s.job.name",
    "kubernetes.cronjob.name": "k8s.cronjob.name",
    "service.node.name": "service.instance.id",
    "service.environment": "deployment.environment",
    "host.architecture": "host.arch",
    "host.os.name": "os.name",
    "host.os.platform": "os.type",
    "host.os.version": "os.version",
}


def _passthrough(priority: int, *, dimension: bool, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "passthrough",
        "dynamic": "true",
        "priority": priority,
        "time_series_dimension": dimension,
        "properties": fields,
    }


def _common(kind: str, dataset: str, namespace: str, *, dimension: bool) -> dict[str, Any]:
    resource = dict.fromkeys(_KUBERNETES.values(), _KEYWORD)
    aliases = {
        alias: {"type": "alias", "path": f"resource.attributes.{target}"}
        for alias, target in _KUBERNETES.items()
    }
    scope = {
        "name": _KEYWORD,
        "version": {"type": "version"},
        "schema_url": _KEYWORD,
        "attributes": _passthrough(30, dimension=dimension, fields={}),
    }
    return {
        "@timestamp": {"type": "date"},
        "data_stream.type": {"type": "constant_keyword", "value": kind},
        "data_stream.dataset": {"type": "constant_keyword", "value": dataset},
        "data_stream.namespace": {"type": "constant_keyword", "value": namespace},
        "event.dataset": {"type": "alias", "path": "data_stream.dataset"},
        "dropped_attributes_count": {"type": "long"},
        "attributes": _passthrough(20, dimension=dimension, fields={}),
        "scope": {"properties": scope},
        "resource": {
            "properties": {
                "schema_url": _KEYWORD,
                "attributes": _passthrough(40, dimension=dimension, fields=resource),
            }
        },
        **aliases,
    }


def _metrics(dataset: str, namespace: str) -> dict[str, Any]:
    return {
        **_common("metrics", dataset, namespace, dimension=True),
        "start_timestamp": {"type": "date_nanos"},
        "unit": {"type": "keyword", "time_series_dimension": True},
        "_metric_names_hash": {"type": "keyword", "time_series_dimension": True},
        "metrics": _passthrough(10, dimension=False, fields={}),
    }


def _logs(dataset: str, namespace: str) -> dict[str, Any]:
    return {
        **_common("logs", dataset, namespace, dimension=False),
        "observed_timestamp": {"type": "date_nanos"},
        "severity_number": {"type": "byte"},
        "severity_text": _KEYWORD,
        "log.level": {"type": "alias", "path": "severity_text"},
        "body": {
            "properties": {
                "text": {"type": "match_only_text"},
                "structured": _passthrough(10, dimension=False, fields={}),
            }
        },
        "message": {"type": "alias", "path": "body.text"},
        "trace_id": _KEYWORD,
        "span_id": _KEYWORD,
    }


def _traces(dataset: str, namespace: str) -> dict[str, Any]:
    """A span: `kind` is Server, Client, Internal, ..., `duration` in nanoseconds."""
    return {
        **_common("traces", dataset, namespace, dimension=False),
        "trace_id": _KEYWORD,
        "trace.id": {"type": "alias", "path": "trace_id"},
        "span_id": _KEYWORD,
        "span.id": {"type": "alias", "path": "span_id"},
        "parent_span_id": _KEYWORD,
        "parent.id": {"type": "alias", "path": "parent_span_id"},
        "trace_state": _KEYWORD,
        "trace_flags": {"type": "byte"},
        "name": _KEYWORD,
        "span.name": {"type": "alias", "path": "name"},
        "kind": _KEYWORD,
        "duration": {"type": "long"},
        "status": {"properties": {"message": _KEYWORD, "code": _KEYWORD}},
        "dropped_events_count": {"type": "long"},
        "dropped_links_count": {"type": "long"},
    }


_FIELDS = {"metrics": _metrics, "logs": _logs, "traces": _traces}


def otel_schema(stream: str) -> Schema:
    """Return the schema a stream of that name starts with.

    `metrics-<dataset>.otel-<namespace>`, `logs-...` and `traces-...` follow the OpenTelemetry
    templates; any other name is an ordinary index whose fields are all mapped dynamically.
    """
    kind, _, rest = stream.partition("-")
    dataset, _, namespace = rest.rpartition("-")
    if kind not in _FIELDS or not dataset.endswith(".otel"):
        return read_mapping(stream, {"mappings": {"dynamic": "true", "properties": {}}})
    fields = _FIELDS[kind](dataset, namespace)
    mode = "time_series" if kind == "metrics" else "logsdb"
    settings = {"index.mode": mode, "index.mapping.ignore_malformed": True}
    return read_mapping(
        stream,
        {
            "settings": settings,
            "mappings": {"dynamic": "false", "date_detection": False, "properties": fields},
        },
    )
