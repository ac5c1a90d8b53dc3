"""Checks of the kinds other than pods."""

from typing import Any

from remedyd.lab.apiserver.status import Cause
from remedyd.lab.apiserver.validation import (
    IMMUTABLE,
    forbidden,
    invalid,
    metadata,
    not_negative,
    required,
    too_long,
    unsupported,
)
from remedyd.lab.apiserver.validation_pods import template
from remedyd.model.values import KubeObject

_CONFIG_MAP_BYTES = 1024 * 1024
_STATEFUL_FIELDS = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip
_STATEFUL_RULE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)


def plain(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check what every object has."""
    return metadata(new, old)


def named_by_label(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check an object whose name must be a DNS label."""
    return metadata(new, old, label_name=True)


def _selector(spec: dict[str, Any]) -> list[Cause]:
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")]
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        why = "empty selector is invalid for deployment"
        return [invalid("spec.selector", selector, why)]
    return []


def _immutable_selector(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    if old is None or new["spec"].get("selector") == old["spec"].get("selector"):
        return []
    return [invalid("spec.selector", new["spec"].get("selector"), IMMUTABLE)]


def _zero(value: Any) -> bool:
    return value in (0, "0%", "0")


def _strategy(strategy: dict[str, Any]) -> list[Cause]:
    field = "spec.strategy"
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind not in ("Recreate", "RollingUpdate"):
        return [unsupported(f"{field}.type", kind, ("Recreate", "RollingUpdate"))]
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(f"{field}.rollingUpdate", why)] if rolling is not None else []
    rolling = rolling or {}
    if _zero(rolling.get("maxUnavailable")) and _zero(rolling.get("maxSurge")):
        value, why = rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0"
        return [invalid(f"{field}.rollingUpdate.maxUnavailable", value, why)]
    return []


def _deadline(spec: dict[str, Any]) -> list[Cause]:
    deadline = spec.get("progressDeadlineSeconds")
    causes = not_negative("spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        why = "must be greater than minReadySeconds"
        causes.append(invalid("spec.progressDeadlineSeconds", deadline, why))
    return causes


def _deployment_status(status: dict[str, Any]) -> list[Cause]:
    causes: list[Cause] = []
    total = status.get("replicas", 0)
    counts = ("updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    for name in ("replicas", *counts):
        causes += not_negative(f"status.{name}", status.get(name, 0))
    for name in counts[:3]:
        if status.get(name, 0) > total:
            why = "cannot be greater than status.replicas"
            causes.append(invalid(f"status.{name}", status[name], why))
    if status.get("availableReplicas", 0) > status.get("readyReplicas", 0):
        why = "cannot be greater than readyReplicas"
        causes.append(invalid("status.availableReplicas", status["availableReplicas"], why))
    return causes


def deployment(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a Deployment."""
    spec = new.get("spec") or {}
    causes = metadata(new, old) + not_negative("spec.replicas", spec.get("replicas"))
    causes += _selector(spec) + template(spec) + _strategy(spec.get("strategy") or {})
    causes += not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    causes += not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    causes += _deadline(spec) + _immutable_selector(new, old)
    if old is not None and new.get("status") != old.get("status"):
        causes += _deployment_status(new.get("status") or {})
    return causes


def replica_set(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a ReplicaSet."""
    spec = new.get("spec") or {}
    causes = metadata(new, old) + not_negative("spec.replicas", spec.get("replicas"))
    return causes + _selector(spec) + template(spec) + _immutable_selector(new, old)


def stateful_set(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a StatefulSet."""
    spec = new.get("spec") or {}
    causes = metadata(new, old) + not_negative("spec.replicas", spec.get("replicas"))
    causes += _selector(spec) + template(spec)
    if old is not None:
        fixed = set(spec) | set(old["spec"])
        if any(spec.get(k) != old["spec"].get(k) for k in fixed.difference(_STATEFUL_FIELDS)):
            causes.append(forbidden("spec", _STATEFUL_RULE))
    return causes


def daemon_set(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a DaemonSet."""
    spec = new.get("spec") or {}
    causes = metadata(new, old) + _selector(spec) + template(spec)
    return causes + _immutable_selector(new, old)


def config_map(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a ConfigMap or Secret."""
    causes = metadata(new, old)
    if old is not None and old.get("immutable"):
        why = "field is immutable when `immutable` is set"
        if not new.get("immutable"):
            causes.append(forbidden("immutable", why))
        causes += [
            forbidden(name, why)
            for name in ("data", "binaryData")
            if new.get(name) != old.get(name)
        ]
    size = sum(
        len(str(value).encode())
        for name in ("data", "binaryData")
        for value in (new.get(name) or {}).values()
    )
    return [*causes, too_long("[]", _CONFIG_MAP_BYTES)] if size > _CONFIG_MAP_BYTES else causes


def lease(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a Lease."""
    causes = metadata(new, old)
    spec = new.get("spec") or {}
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        causes.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    return causes + not_negative("spec.leaseTransitions", spec.get("leaseTransitions"))


def autoscaler(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a HorizontalPodAutoscaler."""
    spec = new.get("spec") or {}
    causes = metadata(new, old)
    low, high = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if low < 1:
        causes.append(invalid("spec.minReplicas", low, "must be greater than or equal to 1"))
    if high < 1:
        causes.append(invalid("spec.maxReplicas", high, "must be greater than 0"))
    if high < low:
        why = "must be greater than or equal to `minReplicas`"
        causes.append(invalid("spec.maxReplicas", high, why))
    return causes


def event(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check an Event as the core version does."""
    about = (new.get("involvedObject") or {}).get("namespace", "")
    namespace = new["metadata"].get("namespace", "")
    if about and about != namespace:
        return [invalid("involvedObject.namespace", about, "does not match event.namespace")]
    return []


def budget(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a PodDisruptionBudget."""
    spec = new.get("spec") or {}
    causes = metadata(new, old)
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        why = "minAvailable and maxUnavailable cannot be both set"
        causes.append(invalid("spec", spec, why))
    return causes
