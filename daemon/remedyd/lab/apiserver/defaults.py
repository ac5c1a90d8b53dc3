"""What the server fills in when a field is left out, per kind, as recorded answers show it."""

import base64
from typing import Any

from remedyd.model.values import KubeObject

_LIMIT_DEFAULTS = (("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest"))


def container(spec: dict[str, Any]) -> None:
    """Fill in one container."""
    image = str(spec.get("image", ""))
    spec.setdefault("terminationMessagePath", "/dev/termination-log")
    spec.setdefault("terminationMessagePolicy", "File")
    if "imagePullPolicy" not in spec and image:
        tag = image.rsplit("/", 1)[-1].partition("@")
        latest = not tag[1] and (":" not in tag[0] or tag[0].endswith(":latest"))
        spec["imagePullPolicy"] = "Always" if latest else "IfNotPresent"
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(spec.get(name), dict):
            _probe(spec[name])
    for variable in spec.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if isinstance(reference, dict):
            reference.setdefault("apiVersion", "v1")
    spec.setdefault("resources", {})


def _probe(probe: dict[str, Any]) -> None:
    for key, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        probe.setdefault(key, value)
    if isinstance(probe.get("httpGet"), dict):
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _requests_from_limits(spec: dict[str, Any]) -> None:
    """A limit without a request sets the request: in pods only, never in a template."""
    held = spec.get("resources") or {}
    if held.get("limits"):
        missing = {k: v for k, v in held["limits"].items() if k not in held.get("requests", {})}
        if missing:
            held["requests"] = {**held.get("requests", {}), **missing}


def pod_spec(spec: dict[str, Any]) -> None:
    """Fill in a pod's spec, bare or in a template."""
    for each in (spec.get("initContainers") or []) + (spec.get("containers") or []):
        container(each)
    for key, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("schedulerName", "default-scheduler"),
    ):
        spec.setdefault(key, value)
    spec.setdefault("securityContext", {})
    if spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for volume in spec.get("volumes") or []:
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", 420)
        if isinstance(volume.get("hostPath"), dict):
            volume["hostPath"].setdefault("type", "")


def _template(obj: KubeObject) -> None:
    template = obj["spec"].setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}))


def pod(obj: KubeObject) -> None:
    """Fill in a Pod."""
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    for each in (spec.get("initContainers") or []) + (spec.get("containers") or []):
        _requests_from_limits(each)
    spec.setdefault("enableServiceLinks", True)


def deployment(obj: KubeObject) -> None:
    """Fill in a Deployment."""
    spec = obj.setdefault("spec", {})
    for key, value in (
        ("replicas", 1),
        ("revisionHistoryLimit", 10),
        ("progressDeadlineSeconds", 600),
    ):
        spec.setdefault(key, value)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    _template(obj)


def replica_set(obj: KubeObject) -> None:
    """Fill in a ReplicaSet."""
    obj.setdefault("spec", {}).setdefault("replicas", 1)
    _template(obj)


def stateful_set(obj: KubeObject) -> None:
    """Fill in a StatefulSet."""
    spec = obj.setdefault("spec", {})
    for key, value in (
        ("replicas", 1),
        ("revisionHistoryLimit", 10),
        ("podManagementPolicy", "OrderedReady"),
    ):
        spec.setdefault(key, value)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    _template(obj)


def daemon_set(obj: KubeObject) -> None:
    """Fill in a DaemonSet."""
    spec = obj.setdefault("spec", {})
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    _template(obj)


def job(obj: KubeObject) -> None:
    """Fill in a Job."""
    spec = obj.setdefault("spec", {})
    for key, value in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6)):
        spec.setdefault(key, value)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    _template(obj)


def namespace(obj: KubeObject) -> None:
    """Fill in a Namespace."""
    meta = obj["metadata"]
    if meta.get("name"):
        meta.setdefault("labels", {})["kubernetes.io/metadata.name"] = meta["name"]


def service(obj: KubeObject) -> None:
    """Fill in a Service."""
    spec = obj.setdefault("spec", {})
    for key, value in (
        ("type", "ClusterIP"),
        ("sessionAffinity", "None"),
        ("internalTrafficPolicy", "Cluster"),
    ):
        spec.setdefault(key, value)
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def autoscaler(obj: KubeObject) -> None:
    """Fill in a HorizontalPodAutoscaler."""
    spec = obj.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def secret(obj: KubeObject) -> None:
    """Fill in a Secret; texts are stored encoded."""
    obj.setdefault("type", "Opaque")
    texts = obj.pop("stringData", None) or {}
    if texts:
        data = obj.setdefault("data", {})
        for key, text in texts.items():
            data[key] = base64.b64encode(str(text).encode()).decode()


def binding(obj: KubeObject) -> None:
    """Fill in a RoleBinding or ClusterRoleBinding."""
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")
    role = obj.get("roleRef") or {}
    if role and not role.get("apiGroup"):
        role["apiGroup"] = "rbac.authorization.k8s.io"


def limit_range(obj: KubeObject) -> None:
    """Fill in a LimitRange: a maximum is the default limit, a default limit the default request."""
    for limit in (obj.get("spec") or {}).get("limits") or []:
        if limit.get("type") != "Container":
            continue
        for source, target in _LIMIT_DEFAULTS:
            for name, value in (limit.get(source) or {}).items():
                limit.setdefault(target, {}).setdefault(name, value)
