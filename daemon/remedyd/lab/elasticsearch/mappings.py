"""Index mappings as the built-in templates give them, growing with what documents bring.

A field is mapped only after some document carried it. This is what breaks first runs against a
healthy cluster (no container was ever terminated, so the reason's field does not exist yet), so
the lab must not know fields in advance.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_Properties = dict[str, Any]
_KEYWORD = {"type": "keyword", "ignore_above": 1024}
_DIMENSION = {**_KEYWORD, "time_series_dimension": True}
_ECS: Mapping[str, str] = {
    "service.node.name": "service.instance.id",
    "service.environment": "deployment.environment",
    "cloud.service.name": "cloud.platform",
    "container.image.tag": "container.image.tags",
    "host.architecture": "host.arch",
    "process.executable": "process.executable.path",
    "service.runtime.name": "process.runtime.name",
    "service.runtime.version": "process.runtime.version",
    "host.os.name": "os.name",
    "host.os.platform": "os.type",
    "host.os.full": "os.description",
    "host.os.version": "os.version",
    "kubernetes.deployment.name": "k8s.deployment.name",
    "kubernetes.namespace": "k8s.namespace.name",
    "kubernetes.node.name": "k8s.node.name",
    "kubernetes.pod.name": "k8s.pod.name",
    "kubernetes.pod.uid": "k8s.pod.uid",
    "kubernetes.container.name": "k8s.container.name",
    "kubernetes.cronjob.name": "k8s.cronjob.name",
    "kubernetes.job.name": "k8s.job.name",
    "kubernetes.statefulset.name": "k8s.statefulset.name",
    "kubernetes.daemonset.name": "k8s.daemonset.name",
    "kubernetes.replicaset.name": "k8s.replicaset.name",
    "kubernetes.node.uid": "k8s.node.uid",
    "kubernetes.node.hostname": "k8s.node.hostname",
    "service.language.name": "telemetry.sdk.language",
}
_LOG_ALIASES: Mapping[str, str] = {
    "log.level": "severity_text",
    "message": "body.text",
    "trace.id": "trace_id",
    "span.id": "span_id",
    "error.exception.type": "attributes.exception.type",
    "error.exception.message": "attributes.exception.message",
}
ALIASES: Mapping[str, str] = {
    **{alias: f"resource.attributes.{path}" for alias, path in _ECS.items()},
    **_LOG_ALIASES,
}
"""Alias fields and the paths they read."""
_COUNTERS = (".cpu.time", ".network.io", ".network.errors", ".uptime")


def _passthrough(priority: int, *, dimension: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "passthrough", "dynamic": "true", "priority": priority}
    if dimension:
        found["time_series_dimension"] = True
    return found | {"properties": {}}


def _common(kind: str, dataset: str, namespace: str) -> _Properties:
    series = kind == "metrics"
    attributes = {source: dict(_KEYWORD) for source in sorted(set(_ECS.values()))}
    resource = _passthrough(40, dimension=series) | {"properties": attributes}
    return {
        "@timestamp": {"type": "date", "ignore_malformed": False},
        "data_stream.type": {"type": "constant_keyword", "value": kind},
        "data_stream.dataset": {"type": "constant_keyword", "value": dataset},
        "data_stream.namespace": {"type": "constant_keyword", "value": namespace},
        "event.dataset": {"type": "alias", "path": "data_stream.dataset"},
        "dropped_attributes_count": {"type": "long"},
        "attributes": _passthrough(20, dimension=series),
        "scope": {
            "properties": {
                "name": dict(_KEYWORD),
                "version": {"type": "version"},
                "schema_url": dict(_KEYWORD),
                "dropped_attributes_count": {"type": "long"},
                "attributes": _passthrough(30, dimension=series),
            }
        },
        "resource": {
            "properties": {
                "schema_url": dict(_KEYWORD),
                "dropped_attributes_count": {"type": "long"},
                "attributes": resource,
            }
        },
        **{
            alias: {"type": "alias", "path": f"resource.attributes.{path}"}
            for alias, path in _ECS.items()
        },
    }


def _otel(kind: str, dataset: str, namespace: str) -> dict[str, Any]:
    properties = _common(kind, dataset, namespace)
    if kind == "metrics":
        properties |= {
            "start_timestamp": {"type": "date_nanos"},
            "unit": dict(_DIMENSION),
            "_metric_names_hash": {"type": "keyword", "time_series_dimension": True},
            "metrics": _passthrough(10),
        }
        settings: dict[str, Any] = {
            "index.mode": "time_series",
            "index.mapping.ignore_malformed": True,
        }
    else:
        structured = _passthrough(10)
        properties |= {
            "observed_timestamp": {"type": "date_nanos"},
            "severity_number": {"type": "byte"},
            "severity_text": {"type": "keyword"},
            "trace_id": {"type": "keyword"},
            "span_id": {"type": "keyword"},
            "body": {
                "properties": {
                    "text": {"type": "match_only_text"},
                    "flattened": {"type": "flattened"},
                    "structured": structured,
                }
            },
            **{alias: {"type": "alias", "path": path} for alias, path in _LOG_ALIASES.items()},
        }
        properties["attributes"]["properties"] = {
            f"exception.{name}": dict(_KEYWORD) for name in ("type", "message")
        }
        settings = {"index.mode": "logsdb"}
    mappings = {"date_detection": False, "dynamic": "false", "properties": properties}
    return {"settings": settings, "mappings": mappings}


class StreamMapping:
    """The mapping of one stream. `version` rises with every field that is added."""

    def __init__(self, stream: str) -> None:
        """Start with what the template for that name gives."""
        kind, _, rest = stream.partition("-")
        dataset, _, namespace = rest.rpartition("-")
        self._otel = dataset.endswith(".otel") and kind in ("metrics", "logs")
        self._kind = kind
        if self._otel:
            self.definition = _otel(kind, dataset, namespace)
        else:
            properties: _Properties = {"@timestamp": {"type": "date"}}
            self.definition = {
                "settings": {},
                "mappings": {"dynamic": "true", "properties": properties},
            }
        self._properties: _Properties = self.definition["mappings"]["properties"]
        self._seen: set[tuple[str, ...]] = set()
        self.version = 1

    def learn(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Map the fields that these documents are the first to carry."""
        for document in documents:
            if self._otel:
                self._learn_otel(document)
            else:
                self._learn_plain(self._properties, document)

    def _learn_otel(self, document: Mapping[str, Any]) -> None:
        resource = document.get("resource", {}).get("attributes", {})
        metrics, attributes = document.get("metrics", {}), document.get("attributes", {})
        shape = (*metrics, "", *attributes, "", *resource)
        if shape in self._seen:
            return
        self._seen.add(shape)
        own = self._properties
        for name, value in metrics.items():
            known = own["metrics"]["properties"]
            if name not in known:
                known[name] = _metric(name, value)
                self.version += 1
        places = (
            (own["attributes"]["properties"], attributes),
            (own["resource"]["properties"]["attributes"]["properties"], resource),
        )
        for known, values in places:
            for name, value in values.items():
                if name not in known:
                    known[name] = _value(value)
                    self.version += 1

    def _learn_plain(self, properties: _Properties, document: Mapping[str, Any]) -> None:
        for name, value in document.items():
            if isinstance(value, Mapping):
                inner = properties.setdefault(name, {"properties": {}})
                self._learn_plain(inner.setdefault("properties", {}), value)
            elif name not in properties and value is not None and value != []:
                properties[name] = _value(value[0] if isinstance(value, list) else value)
                self.version += 1

    def types(self) -> dict[str, str]:
        """Return every name a query may use, with its type; counters as `counter_...` are not."""
        found: dict[str, str] = {}
        _flatten(self._properties, "", found)
        return found


def _metric(name: str, value: object) -> dict[str, str]:
    kind = "double" if isinstance(value, float) else "long"
    counter = name.endswith(_COUNTERS)
    return {"type": kind, "time_series_metric": "counter" if counter else "gauge"}


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "long"}
    return {"type": "float"} if isinstance(value, float) else dict(_KEYWORD)


def _flatten(properties: _Properties, prefix: str, found: dict[str, str]) -> None:
    for name, definition in properties.items():
        path = f"{prefix}{name}"
        inner = definition.get("properties")
        if inner is None and definition.get("type") != "passthrough":
            found.setdefault(path, definition["type"])
            continue
        _flatten(inner or {}, f"{path}.", found)
        if definition.get("type") == "passthrough":
            _flatten(inner or {}, "", found)
    for name, definition in properties.items():
        if definition.get("type") == "alias":
            target = found.get(definition["path"])
            if target:
                found[f"{prefix}{name}"] = target
