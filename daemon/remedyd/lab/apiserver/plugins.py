"""The admission checks that a cluster has from birth: namespaces, accounts, limits, quotas."""

from random import Random
from typing import Any

from remedyd.lab.apiserver import limits, quotas, status
from remedyd.lab.apiserver.admission import AdmissionRequest
from remedyd.lab.apiserver.budgets import BudgetKeeper
from remedyd.lab.apiserver.namespaces import NamespaceCollector
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.apiserver.writing import split

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_ACCOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class NamespaceLifecycle:
    """Refuses to create things in a namespace that does not exist or is being deleted."""

    def __init__(self, store: ObjectStore) -> None:
        """Take the store that holds the namespaces."""
        self._store = store

    def __call__(self, request: AdmissionRequest) -> None:
        """Check one write."""
        if request.operation != "CREATE" or not request.namespace:
            return
        found = self._store.peek("v1/namespaces", None, request.namespace)
        if found is None:
            raise status.not_found("namespaces", "", request.namespace)
        if found["metadata"].get("deletionTimestamp"):
            group, _, resource = split(request.gvr)
            why = (
                f"unable to create new content in namespace {request.namespace} because it is "
                "being terminated"
            )
            error = status.forbidden(resource, group, request.name, why)
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {request.namespace} is being terminated",
                "field": "metadata.namespace",
            }
            if error.details is not None:
                error.details["causes"] = [cause]
            raise error


class PodPreparation:
    """Gives a new pod its service account, priority and tolerations."""

    def __init__(self, ids: Random) -> None:
        """Take the source of volume names."""
        self._ids = ids

    def __call__(self, request: AdmissionRequest) -> None:
        """Prepare one pod."""
        if request.gvr != "v1/pods" or request.operation != "CREATE":
            return
        spec = request.object["spec"]
        account = spec.setdefault("serviceAccountName", "default")
        spec["serviceAccount"] = account
        spec.setdefault("priority", 0)
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
        self._tolerate(spec)
        if spec.get("automountServiceAccountToken", True):
            self._mount(spec)

    def _tolerate(self, spec: dict[str, Any]) -> None:
        held = spec.setdefault("tolerations", [])
        for key in _TAINTS:
            known = any(
                each.get("key", "") in ("", key) and each.get("effect", "") in ("", "NoExecute")
                for each in held
            )
            if not known:
                held.append(
                    {"key": key, "operator": "Exists", "effect": "NoExecute",
                     "tolerationSeconds": 300}
                )  # fmt: skip

    def _mount(self, spec: dict[str, Any]) -> None:
        containers = (spec.get("initContainers") or []) + (spec.get("containers") or [])
        bare = [
            each
            for each in containers
            if all(m.get("mountPath") != _ACCOUNT_PATH for m in each.get("volumeMounts") or [])
        ]
        if not bare:
            return
        name = "kube-api-access-" + "".join(self._ids.choice(_LETTERS) for _ in range(5))
        for each in bare:
            mount = {"name": name, "readOnly": True, "mountPath": _ACCOUNT_PATH}
            each.setdefault("volumeMounts", []).append(mount)
        sources = [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {
                "configMap": {
                    "name": "kube-root-ca.crt",
                    "items": [{"key": "ca.crt", "path": "ca.crt"}],
                }
            },
            {"downwardAPI": {"items": [_own_namespace()]}},
        ]
        volume = {"name": name, "projected": {"sources": sources, "defaultMode": 420}}
        spec.setdefault("volumes", []).append(volume)


def _own_namespace() -> dict[str, Any]:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {"path": "namespace", "fieldRef": field}


def install(store: ObjectStore, ids: Random) -> None:
    """Put the checks in place, once; they come before any that are there already."""
    if any(isinstance(check, NamespaceLifecycle) for check in store.admission):
        return
    keeper = quotas.QuotaKeeper(store)
    store.admission[:0] = [
        NamespaceLifecycle(store),
        PodPreparation(ids),
        limits.LimitRanger(store),
        keeper.admit,
    ]
    store.on_change(keeper.follow)
    store.on_change(BudgetKeeper(store).follow)
    store.on_change(NamespaceCollector(store).follow)
