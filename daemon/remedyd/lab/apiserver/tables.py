"""Objects as table rows, for `kubectl get`: the server, not the client, knows the columns."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from remedyd.model.values import KubeObject

Cells = Callable[[KubeObject, str], list[Any]]
_NAME = (
    "Name must be unique within a namespace. Is required when creating resources, although some "
    "resources may allow a client to request the generation of an appropriate name automatically. "
    "Name is primarily intended for creation idempotence and configuration definition. Cannot be "
    "updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
_CREATED = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. "
    "It is not guaranteed to be set in happens-before order across separate operations. Clients "
    "may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the "
    "system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/"
    "sig-architecture/api-conventions.md#metadata"
)


class Column(NamedTuple):
    """One column: name, type, description, and 0 for always, 1 for `-o wide`."""

    name: str
    type: str = "string"
    description: str = ""
    priority: int = 0
    format: str = ""


NAME = Column("Name", description=_NAME, format="name")
AGE = Column("Age", description=_CREATED)


def age(created: str | None, now: datetime) -> str:
    """Return how long ago, as people read it: `4s`, `5m10s`, `3h2m`, `12d`."""
    if not created:
        return "<unknown>"
    moment = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    seconds = max(0, int((now - moment).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d"


def _pairs(values: dict[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((values or {}).items())) or "<none>"


def _selector(obj: KubeObject) -> str:
    return _pairs((obj["spec"].get("selector") or {}).get("matchLabels"))


def _of_containers(spec: dict[str, Any], field: str) -> str:
    return ",".join(str(each.get(field, "")) for each in spec.get("containers") or [])


def _template(obj: KubeObject) -> list[str]:
    spec = obj["spec"]["template"].get("spec") or {}
    return [_of_containers(spec, "name"), _of_containers(spec, "image")]


def _deployment(obj: KubeObject, old: str) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [obj["metadata"]["name"], ready, *counts, old, *_template(obj), _selector(obj)]


def _replica_set(obj: KubeObject, old: str) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [obj["metadata"]["name"], *counts, old, *_template(obj), _selector(obj)]


def _stateful_set(obj: KubeObject, old: str) -> list[Any]:
    ready = (obj.get("status") or {}).get("readyReplicas", 0)
    shown = f"{ready}/{obj['spec'].get('replicas', 0)}"
    return [obj["metadata"]["name"], shown, old, *_template(obj)]


def _daemon_set(obj: KubeObject, old: str) -> list[Any]:
    status = obj.get("status") or {}
    names = (
        "desiredNumberScheduled", "currentNumberScheduled", "numberReady",
        "updatedNumberScheduled", "numberAvailable",
    )  # fmt: skip
    counts = [status.get(name, 0) for name in names]
    nodes = _pairs(obj["spec"]["template"].get("spec", {}).get("nodeSelector"))
    return [obj["metadata"]["name"], *counts, nodes, old, *_template(obj), _selector(obj)]


def pod_phase(obj: KubeObject) -> str:
    """Return what the STATUS column says about a pod."""
    status = obj.get("status") or {}
    reason = status.get("reason") or status.get("phase", "Unknown")
    for each in status.get("containerStatuses") or []:
        state = each.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            reason = ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}"
    if obj["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _pod(obj: KubeObject, old: str) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    states = status.get("containerStatuses") or []
    ready = f"{sum(bool(each.get('ready')) for each in states)}/{len(spec['containers'])}"
    restarts = str(sum(int(each.get("restartCount", 0)) for each in states))
    wide = [status.get("podIP", "<none>"), spec.get("nodeName", "<none>"), "<none>", "<none>"]
    return [obj["metadata"]["name"], ready, pod_phase(obj), restarts, old, *wide]


def _node(obj: KubeObject, old: str) -> list[Any]:
    status = obj.get("status") or {}
    ready: dict[str, str] = next(
        (each for each in status.get("conditions") or [] if each["type"] == "Ready"), {}
    )
    text = {"True": "Ready", "False": "NotReady"}.get(ready.get("status", ""), "NotReady")
    if obj.get("spec", {}).get("unschedulable"):
        text += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = [k.removeprefix(prefix) for k in obj["metadata"].get("labels") or {} if prefix in k]
    info = status.get("nodeInfo") or {}
    address = next(
        (a["address"] for a in status.get("addresses") or [] if a["type"] == "InternalIP"), "<none>"
    )
    wide = [address, "<none>", info.get("osImage", ""), info.get("kernelVersion", "")]
    shown = [text, ",".join(sorted(roles)) or "<none>", old, info.get("kubeletVersion", "")]
    return [obj["metadata"]["name"], *shown, *wide, info.get("containerRuntimeVersion", "")]


def _event(obj: KubeObject, old: str) -> list[Any]:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    shown = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    text = str(obj.get("message") or obj.get("note") or "").strip()
    return [old, obj.get("type", ""), obj.get("reason", ""), shown, text]


def _scale(obj: KubeObject, old: str) -> list[Any]:
    have = (obj.get("status") or {}).get("replicas", 0)
    return [obj["metadata"]["name"], obj["spec"].get("replicas", 0), have, old]


def _current(obj: KubeObject, name: str) -> str:
    for metric in (obj.get("status") or {}).get("currentMetrics") or []:
        held = metric.get("resource") or {}
        if held.get("name") == name and "averageUtilization" in held.get("current", {}):
            return f"{held['current']['averageUtilization']}%"
    return "<unknown>"


def _targets(obj: KubeObject) -> str:
    shown = []
    for metric in obj["spec"].get("metrics") or []:
        held = metric.get("resource") or {}
        share = (held.get("target") or {}).get("averageUtilization")
        if share is not None:
            shown.append(f"{held['name']}: {_current(obj, held['name'])}/{share}%")
    return ", ".join(shown) or "<none>"


def _autoscaler(obj: KubeObject, old: str) -> list[Any]:
    spec, target = obj["spec"], obj["spec"].get("scaleTargetRef") or {}
    shown = f"{target.get('kind', '')}/{target.get('name', '')}"
    current = (obj.get("status") or {}).get("currentReplicas", 0)
    counts = [spec.get("minReplicas", 1), spec.get("maxReplicas", 0), current]
    return [obj["metadata"]["name"], shown, _targets(obj), *counts, old]


def _budget(obj: KubeObject, old: str) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    limits = [str(spec.get(name, "N/A")) for name in ("minAvailable", "maxUnavailable")]
    return [obj["metadata"]["name"], *limits, status.get("disruptionsAllowed", 0), old]


def _service(obj: KubeObject, old: str) -> list[Any]:
    spec = obj["spec"]
    ports = ",".join(f"{p.get('port')}/{p.get('protocol', 'TCP')}" for p in spec.get("ports") or [])
    shown = [spec.get("type", ""), spec.get("clusterIP", "<none>"), "<none>", ports or "<none>"]
    return [obj["metadata"]["name"], *shown, old, _pairs(spec.get("selector"))]


def _phase(obj: KubeObject, old: str) -> list[Any]:
    return [obj["metadata"]["name"], (obj.get("status") or {}).get("phase", ""), old]


def _data(obj: KubeObject, old: str) -> list[Any]:
    count = len(obj.get("data") or {}) + len(obj.get("binaryData") or {})
    return [obj["metadata"]["name"], count, old]


def _lease(obj: KubeObject, old: str) -> list[Any]:
    return [obj["metadata"]["name"], (obj.get("spec") or {}).get("holderIdentity", ""), old]


def _quota(obj: KubeObject, old: str) -> list[Any]:
    hard, used = obj["spec"].get("hard") or {}, (obj.get("status") or {}).get("used") or {}
    shown = [f"{key}: {used.get(key, '0')}/{value}" for key, value in sorted(hard.items())]
    requests = ", ".join(each for each in shown if not each.startswith("limits."))
    return [
        obj["metadata"]["name"], requests,
        ", ".join(each for each in shown if each.startswith("limits.")), old,
    ]  # fmt: skip


def _basic(obj: KubeObject, old: str) -> list[Any]:
    return [obj["metadata"]["name"], old]


def _wide(*names: str) -> list[Column]:
    return [Column(name, priority=1) for name in names]


def _columns(*names: str) -> list[Column]:
    return [Column(name) for name in names]


_TEMPLATE = [
    Column("Containers", description="Names of each container in the template.", priority=1),
    Column(
        "Images",
        description="Images referenced by each container in the template.",
        priority=1,
    ),
]
_DEPLOYMENT = [
    NAME,
    Column("Ready", description="Number of the pod with ready state"),
    Column(
        "Up-to-date",
        description="Total number of non-terminating pods targeted by this deployment that have "
        "the desired template spec.",
    ),
    Column(
        "Available",
        description="Total number of available non-terminating pods (ready for at least "
        "minReadySeconds) targeted by this deployment.",
    ),
    AGE,
    *_TEMPLATE,
    Column(
        "Selector",
        description="Label selector for pods. Existing ReplicaSets whose pods are selected by "
        "this will be the ones affected by this deployment. It must match the pod template's "
        "labels.",
        priority=1,
    ),
]
_KINDS: dict[str, tuple[list[Column], Cells]] = {
    "Deployment": (_DEPLOYMENT, _deployment),
    "ReplicaSet": (
        [NAME, *_columns("Desired", "Current", "Ready"), AGE, *_TEMPLATE, *_wide("Selector")],
        _replica_set,
    ),
    "StatefulSet": ([NAME, *_columns("Ready"), AGE, *_TEMPLATE], _stateful_set),
    "DaemonSet": (
        [
            NAME,
            *_columns("Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector"),
            AGE,
            *_TEMPLATE,
            *_wide("Selector"),
        ],
        _daemon_set,
    ),
    "Pod": (
        [
            NAME,
            *_columns("Ready", "Status", "Restarts"),
            AGE,
            *_wide("IP", "Node", "Nominated Node", "Readiness Gates"),
        ],
        _pod,
    ),
    "Node": (
        [
            NAME,
            *_columns("Status", "Roles"),
            AGE,
            *_columns("Version"),
            *_wide("Internal-IP", "External-IP", "OS-Image", "Kernel-Version"),
            *_wide("Container-Runtime"),
        ],
        _node,
    ),
    "Event": (_columns("Last Seen", "Type", "Reason", "Object", "Message"), _event),
    "HorizontalPodAutoscaler": (
        [NAME, *_columns("Reference", "Targets", "MinPods", "MaxPods", "Replicas"), AGE],
        _autoscaler,
    ),
    "Scale": ([NAME, *_columns("Desired", "Available"), AGE], _scale),
    "PodDisruptionBudget": (
        [NAME, *_columns("Min Available", "Max Unavailable", "Allowed Disruptions"), AGE],
        _budget,
    ),
    "Service": (
        [
            NAME,
            *_columns("Type", "Cluster-IP", "External-IP", "Port(s)"),
            AGE,
            *_wide("Selector"),
        ],
        _service,
    ),
    "Namespace": ([NAME, *_columns("Status"), AGE], _phase),
    "ConfigMap": ([NAME, *_columns("Data"), AGE], _data),
    "Lease": ([NAME, *_columns("Holder"), AGE], _lease),
    "ResourceQuota": ([NAME, *_columns("Request", "Limit"), AGE], _quota),
}
_BASIC = ([NAME, Column("Created At", "date", _CREATED)], _basic)


def _row(obj: KubeObject, cells: Cells, kind: str, now: datetime, include: str) -> dict[str, Any]:
    created = obj["metadata"].get("creationTimestamp")
    if kind == "Event":
        created = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or created
    known = kind in _KINDS
    row: dict[str, Any] = {"cells": cells(obj, age(created, now) if known else str(created or ""))}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        row["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": obj["metadata"],
        }
    return row


def table(
    kind: str,
    objects: list[KubeObject],
    metadata: KubeObject,
    now: datetime,
    include: str,
    *,
    columns: bool = True,
) -> KubeObject:
    """Return a Table; `include` is None, Metadata or Object, as the client asks."""
    definitions, cells = _KINDS.get(kind, _BASIC)
    shown = [
        {
            "name": each.name,
            "type": each.type,
            "format": each.format,
            "description": each.description,
            "priority": each.priority,
        }
        for each in definitions
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": shown if columns else [],
        "rows": [_row(obj, cells, kind, now, include) for obj in objects],
    }
