"""Two API versions of the same objects: Events and HorizontalPodAutoscalers.

Stored are core/v1 Events and autoscaling/v2 HPAs; the other version is a view of them.
"""

import json
from typing import Any

from remedyd.lab.apiserver import writing
from remedyd.lab.apiserver.resources import STORED_AS
from remedyd.model.values import KubeObject

_EVENT = (
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
)
_NOTES = "autoscaling.alpha.kubernetes.io/"


def _renamed(obj: KubeObject, pairs: list[tuple[str, str]], group_version: str) -> KubeObject:
    table = dict(pairs)
    result = {table.get(key, key): value for key, value in obj.items()}
    result["apiVersion"] = group_version
    return result


def _metric_v1(metric: dict[str, Any]) -> dict[str, Any]:
    if metric.get("type") != "Resource":
        return metric
    held = metric["resource"]
    target, current = held.get("target") or {}, held.get("current") or {}
    flat = {"name": held["name"]}
    if "averageUtilization" in target:
        flat["targetAverageUtilization"] = target["averageUtilization"]
    if "averageValue" in target:
        flat["targetAverageValue"] = target["averageValue"]
    if current:
        if "averageUtilization" in current:
            flat["currentAverageUtilization"] = current["averageUtilization"]
        flat["currentAverageValue"] = current.get("averageValue", "0")
    return {"type": "Resource", "resource": flat}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _is_cpu(metric: dict[str, Any]) -> bool:
    held = metric.get("resource") or {}
    return held.get("name") == "cpu" and "averageUtilization" in (
        held.get("target") or held.get("current") or {}
    )


def _autoscaler_v1(obj: KubeObject) -> KubeObject:
    spec, status = dict(obj["spec"]), dict(obj.get("status") or {})
    notes = dict(obj["metadata"].get("annotations") or {})
    metrics = spec.pop("metrics", None) or []
    for metric in [each for each in metrics if _is_cpu(each)][:1]:
        spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
    others = [each for each in metrics if not _is_cpu(each)]
    if others:
        notes[f"{_NOTES}metrics"] = _compact([_metric_v1(each) for each in others])
    if spec.get("behavior"):
        notes[f"{_NOTES}behavior"] = _compact(spec.pop("behavior"))
    current = status.pop("currentMetrics", None) or []
    for metric in [each for each in current if _is_cpu(each)][:1]:
        held = metric["resource"]["current"]["averageUtilization"]
        status["currentCPUUtilizationPercentage"] = held
    if current:
        notes[f"{_NOTES}current-metrics"] = _compact([_metric_v1(each) for each in current])
    conditions = status.pop("conditions", None)
    if conditions:
        notes[f"{_NOTES}conditions"] = _compact(conditions)
    status.setdefault("currentReplicas", 0)
    meta = {**obj["metadata"], "annotations": notes} if notes else obj["metadata"]
    return {
        "kind": obj["kind"],
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": spec,
        "status": status,
    }


def _autoscaler_v2(obj: KubeObject) -> KubeObject:
    spec = dict(obj.get("spec") or {})
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    notes = dict((obj.get("metadata") or {}).get("annotations") or {})
    kept = {key: value for key, value in notes.items() if not key.startswith(_NOTES)}
    if percent is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    meta = {**(obj.get("metadata") or {}), "annotations": kept}
    result = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2", "metadata": meta}
    return {**result, "spec": spec}


def shown_as(gvr: str, obj: KubeObject) -> KubeObject:
    """Return a stored object as the version `gvr` shows it."""
    if gvr not in STORED_AS:
        return obj
    if gvr == "events.k8s.io/v1/events":
        renamed = _renamed(obj, [(old, new) for new, old in _EVENT], "events.k8s.io/v1")
        return writing.normal(gvr, renamed)
    return writing.normal(gvr, _autoscaler_v1(obj))


def stored_from(gvr: str, obj: KubeObject) -> KubeObject:
    """Return an object of version `gvr` as it is stored."""
    if gvr not in STORED_AS:
        return obj
    if gvr == "events.k8s.io/v1/events":
        return _renamed(obj, list(_EVENT), "v1")
    return _autoscaler_v2(obj)
