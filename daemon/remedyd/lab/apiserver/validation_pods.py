"""Checks of containers and pods, alone and in templates."""

from typing import Any

from remedyd.lab.apiserver import quantity
from remedyd.lab.apiserver.status import Cause
from remedyd.lab.apiserver.validation import (
    NOT_NEGATIVE,
    dns_label,
    duplicate,
    forbidden,
    invalid,
    labels,
    metadata,
    not_negative,
    required,
    unsupported,
)
from remedyd.model.values import KubeObject

_OVERCOMMIT = frozenset(("cpu", "memory", "ephemeral-storage"))
_POLICIES = ("Always", "OnFailure", "Never")
_PULL = ("Always", "IfNotPresent", "Never")
_CHANGEABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def resources(held: dict[str, Any], field: str) -> list[Cause]:
    """Check requests and limits of one container."""
    causes: list[Cause] = []
    limits, requests = held.get("limits") or {}, held.get("requests") or {}
    for name, text in sorted(limits.items()):
        if quantity.amount(text) < 0:
            causes.append(invalid(f"{field}.limits[{name}]", text, NOT_NEGATIVE))
    for name, text in sorted(requests.items()):
        if quantity.amount(text) < 0:
            causes.append(invalid(f"{field}.requests[{name}]", text, NOT_NEGATIVE))
        if name not in limits:
            continue
        asked, limit = quantity.amount(text), quantity.amount(limits[name])
        if asked != limit and name not in _OVERCOMMIT:
            why = f"must be equal to {name} limit of {limits[name]}"
            causes.append(invalid(f"{field}.requests", text, why))
        elif asked > limit:
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            causes.append(invalid(f"{field}.requests", text, why))
    return causes


def container(each: dict[str, Any], field: str) -> list[Cause]:
    """Check one container."""
    causes: list[Cause] = []
    name = each.get("name") or ""
    causes += dns_label(name, f"{field}.name") if name else [required(f"{field}.name")]
    if not each.get("image"):
        causes.append(required(f"{field}.image"))
    if each.get("imagePullPolicy") not in (None, *_PULL):
        causes.append(unsupported(f"{field}.imagePullPolicy", each["imagePullPolicy"], _PULL))
    for index, port in enumerate(each.get("ports") or []):
        number = port.get("containerPort", 0)
        if not 1 <= number <= 65535:
            why = "must be between 1 and 65535, inclusive"
            causes.append(invalid(f"{field}.ports[{index}].containerPort", number, why))
    for index, variable in enumerate(each.get("env") or []):
        if not variable.get("name"):
            causes.append(required(f"{field}.env[{index}].name"))
    return causes + resources(each.get("resources") or {}, f"{field}.resources")


def pod_spec(spec: dict[str, Any], field: str) -> list[Cause]:
    """Check a pod's spec."""
    causes: list[Cause] = []
    seen: set[str] = set()
    if not spec.get("containers"):
        causes.append(required(f"{field}.containers"))
    for index, each in enumerate(spec.get("containers") or []):
        where = f"{field}.containers[{index}]"
        causes += container(each, where)
        if each.get("name") in seen:
            causes.append(duplicate(f"{where}.name", each["name"]))
        seen.add(each.get("name", ""))
    for index, each in enumerate(spec.get("initContainers") or []):
        causes += container(each, f"{field}.initContainers[{index}]")
    if spec.get("restartPolicy") not in (None, *_POLICIES):
        causes.append(unsupported(f"{field}.restartPolicy", spec["restartPolicy"], _POLICIES))
    grace = spec.get("terminationGracePeriodSeconds")
    return causes + not_negative(f"{field}.terminationGracePeriodSeconds", grace)


def template(
    spec: dict[str, Any], field: str = "spec.template", *, always: bool = True
) -> list[Cause]:
    """Check a pod template of a controller whose spec is given."""
    found = spec.get("template") or {}
    have = (found.get("metadata") or {}).get("labels") or {}
    causes: list[Cause] = []
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    if any(have.get(key) != value for key, value in wanted.items()):
        why = "`selector` does not match template `labels`"
        causes.append(invalid(f"{field}.metadata.labels", have, why))
    causes += labels(have, f"{field}.labels")
    causes += pod_spec(found.get("spec") or {}, f"{field}.spec")
    policy = (found.get("spec") or {}).get("restartPolicy", "Always")
    if always and policy != "Always" and policy in _POLICIES:
        causes.append(unsupported(f"{field}.spec.restartPolicy", policy, ("Always",)))
    return causes


def _fixed(spec: dict[str, Any]) -> dict[str, Any]:
    """Return what of a running pod's spec may not be changed."""
    free = (
        "activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName",
        "schedulingGates", "ephemeralContainers",
    )  # fmt: skip
    rest = {key: value for key, value in spec.items() if key not in free}
    for name in ("containers", "initContainers"):
        rest[name] = [
            {key: value for key, value in each.items() if key != "image"}
            for each in spec.get(name) or []
        ]
    return rest


def pod(new: KubeObject, old: KubeObject | None) -> list[Cause]:
    """Check a Pod."""
    causes = metadata(new, old) + pod_spec(new.get("spec") or {}, "spec")
    if old is not None and _fixed(new["spec"]) != _fixed(old["spec"]):
        causes.append(forbidden("spec", _CHANGEABLE))
    return causes
