"""ResourceQuota: refuses pods that would use more than a namespace may, and counts the use."""

from decimal import Decimal
from typing import Any

from remedyd.lab.apiserver import quantity, status
from remedyd.lab.apiserver.admission import AdmissionRequest
from remedyd.lab.apiserver.quantity import Quantity
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

_QUOTAS = "v1/resourcequotas"
_MANAGER = "kube-controller-manager"
Usage = dict[str, Quantity]
_NONE = Quantity(Decimal(0), "decimal")


def _plus(first: Quantity, second: Quantity, sign: int = 1) -> Quantity:
    form = first.form if first.value else second.form
    return Quantity(first.value + sign * second.value, form)


def usage(pod: KubeObject) -> Usage:
    """Return what a pod counts for; nothing once it has ended."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return {}
    used: Usage = {"pods": Quantity(Decimal(1), "decimal")}
    used["count/pods"] = used["pods"]
    for each in pod["spec"].get("containers") or []:
        held = each.get("resources") or {}
        for part in ("requests", "limits"):
            for name, text in (held.get(part) or {}).items():
                key = f"{part}.{name}"
                used[key] = _plus(used.get(key, _NONE), quantity.parse(str(text)))
    for name in ("cpu", "memory"):
        if f"requests.{name}" in used:
            used[name] = used[f"requests.{name}"]
    return used


def _listed(names: list[str], amounts: Usage) -> str:
    return ",".join(f"{name}={amounts.get(name, _NONE).text()}" for name in names)


def _unspecified(pod: KubeObject, hard: dict[str, str]) -> str:
    """Return what the pod must say because the quota counts it, '' when all is said."""
    missing = []
    for key in sorted(hard):
        part, _, name = key.rpartition(".")
        if key in ("cpu", "memory"):
            part, name = "requests", key
        if part not in ("requests", "limits") or name not in ("cpu", "memory"):
            continue
        without = [
            each["name"]
            for each in pod["spec"].get("containers") or []
            if name not in ((each.get("resources") or {}).get(part) or {})
        ]
        if without:
            missing.append(f"{key} for: {','.join(sorted(without))}")
    return "; ".join(missing)


class QuotaKeeper:
    """Checks pods against the quotas of their namespace and keeps the quotas' status."""

    def __init__(self, store: ObjectStore) -> None:
        """Take the store that holds quotas and pods."""
        self._store = store

    def _used(self, namespace: str) -> Usage:
        total: Usage = {}
        for pod in self._store.scan("v1/pods", namespace):
            for key, amount in usage(pod).items():
                total[key] = _plus(total.get(key, _NONE), amount)
        return total

    def admit(self, request: AdmissionRequest) -> None:
        """Refuse a pod, or a resize, that a quota does not allow."""
        if request.gvr != "v1/pods" or request.operation == "DELETE" or not request.namespace:
            return
        if request.operation == "UPDATE" and request.subresource != "resize":
            return
        quotas = self._store.scan(_QUOTAS, request.namespace)
        if not quotas:
            return
        used = self._used(request.namespace)
        asked = usage(request.object)
        if request.old is not None:
            before = usage(request.old)
            asked = {key: _plus(value, before.get(key, _NONE), -1) for key, value in asked.items()}
        for quota in quotas:
            self._check(request, quota, asked, used)

    def _check(
        self, request: AdmissionRequest, quota: KubeObject, asked: Usage, used: Usage
    ) -> None:
        name, hard = quota["metadata"]["name"], quota["spec"].get("hard") or {}
        missing = _unspecified(request.object, hard)
        if missing:
            why = f"failed quota: {name}: must specify {missing}"
            raise status.forbidden("pods", "", request.name, why)
        limited = {key: quantity.parse(str(text)) for key, text in hard.items()}
        over = [
            key
            for key in sorted(limited)
            if asked.get(key, _NONE).value > 0
            and used.get(key, _NONE).value + asked[key].value > limited[key].value
        ]
        if over:
            why = (
                f"exceeded quota: {name}, requested: {_listed(over, asked)}, "
                f"used: {_listed(over, used)}, limited: {_listed(over, limited)}"
            )
            raise status.forbidden("pods", "", request.name, why)

    def follow(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Bring the status of the namespace's quotas up to date after a change."""
        if gvr not in ("v1/pods", _QUOTAS) or (gvr == _QUOTAS and type_ == "DELETED"):
            return
        namespace = obj["metadata"].get("namespace", "")
        quotas = self._store.scan(_QUOTAS, namespace)
        if not quotas:
            return
        used = self._used(namespace)
        for quota in quotas:
            hard = quota["spec"].get("hard") or {}
            shown = {key: used.get(key, _NONE).text() for key in hard}
            wanted: dict[str, Any] = {"hard": dict(hard), "used": shown}
            if quota.get("status") != wanted:
                self._write(quota, wanted)

    def _write(self, quota: KubeObject, wanted: dict[str, Any]) -> None:
        def set_status(obj: KubeObject) -> None:
            obj["status"] = wanted

        meta = quota["metadata"]
        where = (_QUOTAS, meta["namespace"], meta["name"])
        self._store.mutate(*where, set_status, manager=_MANAGER, subresource="status")
