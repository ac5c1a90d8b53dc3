"""LimitRange: default requests and limits for new pods, and the bounds they must keep."""

from decimal import Decimal
from typing import Any

from remedyd.lab.apiserver import quantity, status
from remedyd.lab.apiserver.admission import AdmissionRequest
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

_NOTE = "kubernetes.io/limit-ranger"


def _fill(container: dict[str, Any], part: str, values: dict[str, str]) -> list[str]:
    held = container.setdefault("resources", {})
    have = held.get(part) or {}
    missing = {name: value for name, value in sorted(values.items()) if name not in have}
    if missing:
        held[part] = {**have, **missing}
    return list(missing)


def _defaults(pod: KubeObject, bounds: list[dict[str, Any]]) -> None:
    """Fill in what is missing, and say so in an annotation."""
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for bound in bounds:
        if bound.get("type") == "Container":
            requests |= bound.get("defaultRequest") or {}
            limits |= bound.get("default") or {}
    notes = []
    for part in ("containers", "initContainers"):
        noun = "container" if part == "containers" else "init container"
        for each in pod["spec"].get(part) or []:
            for kind, values in (("requests", requests), ("limits", limits)):
                filled = _fill(each, kind, values)
                if filled:
                    notes.append(f"{', '.join(filled)} {kind[:-1]} for {noun} {each['name']}")
    if notes:
        text = f"LimitRanger plugin set: {'; '.join(notes)}"
        pod["metadata"].setdefault("annotations", {})[_NOTE] = text


def _below(bound: dict[str, Any], held: dict[str, Any]) -> list[str]:
    found = []
    for name, least in sorted((bound.get("min") or {}).items()):
        head = f"minimum {name} usage per {bound['type']} is {least}"
        asked = (held.get("requests") or {}).get(name)
        if asked is None:
            found.append(f"{head}. No request is specified")
        elif quantity.amount(asked) < quantity.amount(least):
            found.append(f"{head}, but request is {asked}")
    return found


def _above(bound: dict[str, Any], held: dict[str, Any]) -> list[str]:
    found = []
    for name, most in sorted((bound.get("max") or {}).items()):
        head = f"maximum {name} usage per {bound['type']} is {most}"
        limit = (held.get("limits") or {}).get(name)
        if limit is None:
            found.append(f"{head}. No limit is specified")
        elif quantity.amount(limit) > quantity.amount(most):
            found.append(f"{head}, but limit is {limit}")
    return found


def _ratio(bound: dict[str, Any], held: dict[str, Any]) -> list[str]:
    found = []
    for name, most in sorted((bound.get("maxLimitRequestRatio") or {}).items()):
        request = quantity.amount((held.get("requests") or {}).get(name, "0"))
        limit = quantity.amount((held.get("limits") or {}).get(name, "0"))
        if not request or not limit:
            continue
        ratio = limit / request
        if ratio > quantity.amount(most):
            found.append(
                f"{name} max limit to request ratio per {bound['type']} is {most}, but provided "
                f"ratio is {Decimal(ratio):.6f}"
            )
    return found


def _whole(pod: KubeObject) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for part in ("requests", "limits"):
        amounts: dict[str, list[str]] = {}
        for each in pod["spec"]["containers"]:
            for name, value in ((each.get("resources") or {}).get(part) or {}).items():
                amounts.setdefault(name, []).append(value)
        total[part] = {name: quantity.total(values) for name, values in amounts.items()}
    return total


def problems(pod: KubeObject, bounds: list[dict[str, Any]]) -> list[str]:
    """Return how a pod breaks the bounds, in the server's words."""
    found: list[str] = []
    for bound in bounds:
        if bound.get("type") == "Container":
            subjects = [each.get("resources") or {} for each in pod["spec"]["containers"]]
        elif bound.get("type") == "Pod":
            subjects = [_whole(pod)]
        else:
            continue
        for held in subjects:
            found += _below(bound, held) + _above(bound, held) + _ratio(bound, held)
    return found


class LimitRanger:
    """Applies the LimitRanges of a pod's namespace."""

    def __init__(self, store: ObjectStore) -> None:
        """Take the store that holds them."""
        self._store = store

    def __call__(self, request: AdmissionRequest) -> None:
        """Complete and check one pod."""
        if request.gvr != "v1/pods" or request.operation == "DELETE":
            return
        if request.operation == "UPDATE" and request.subresource != "resize":
            return
        held = self._store.scan("v1/limitranges", request.namespace)
        for each in held:
            bounds = each["spec"].get("limits") or []
            if request.operation == "CREATE":
                _defaults(request.object, bounds)
            found = problems(request.object, bounds)
            if found:
                why = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
                raise status.forbidden("pods", "", request.name, why)
