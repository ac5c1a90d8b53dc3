"""PodDisruptionBudgets: how many pods may go, kept up to date as pods come and go."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from remedyd.lab.apiserver import selectors
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

BUDGETS = "policy/v1/poddisruptionbudgets"
_MANAGER = "kube-controller-manager"
_DISRUPTION_COUNTS = timedelta(minutes=2)
_OWNERS = {"ReplicaSet": "apps/v1/replicasets", "StatefulSet": "apps/v1/statefulsets"}


def is_ready(pod: KubeObject) -> bool:
    """Say whether a pod serves."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _share(value: Any, total: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(total * int(value[:-1]) / 100)
    return int(value)


def _scale(store: ObjectStore, pods: list[KubeObject]) -> int:
    """Return how many pods their owners want; a pod without a known owner counts as one."""
    total, seen = 0, set()
    for pod in pods:
        meta = pod["metadata"]
        owner = next(
            (ref for ref in meta.get("ownerReferences") or [] if ref["kind"] in _OWNERS), None
        )
        found = owner and store.peek(_OWNERS[owner["kind"]], meta["namespace"], owner["name"])
        if not owner or not found:
            total += 1
        elif owner["uid"] not in seen:
            seen.add(owner["uid"])
            total += int(found["spec"].get("replicas", 1))
    return total


def _pods(store: ObjectStore, budget: KubeObject) -> list[KubeObject]:
    match = selectors.of_object(budget["spec"].get("selector"))
    namespace = budget["metadata"].get("namespace")
    return [pod for pod in store.scan("v1/pods", namespace) if match(pod)]


def _disrupted(store: ObjectStore, budget: KubeObject, pods: list[KubeObject]) -> dict[str, str]:
    """Return the pods whose eviction was allowed and that are not going yet."""
    now = store.clock.now()
    staying = {
        pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")
    }
    held = (budget.get("status") or {}).get("disruptedPods") or {}
    return {
        name: since
        for name, since in held.items()
        if name in staying and now - _moment(since) < _DISRUPTION_COUNTS
    }


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def status_of(store: ObjectStore, budget: KubeObject) -> KubeObject:
    """Return the status that a budget should have now."""
    spec, pods = budget["spec"], _pods(store, budget)
    gone = _disrupted(store, budget, pods)
    healthy = sum(
        is_ready(pod)
        and not pod["metadata"].get("deletionTimestamp")
        and pod["metadata"]["name"] not in gone
        for pod in pods
    )
    if spec.get("maxUnavailable") is not None:
        expected = _scale(store, pods)
        desired = max(0, expected - _share(spec["maxUnavailable"], expected))
    else:
        least = spec.get("minAvailable", 1)
        expected = _scale(store, pods) if isinstance(least, str) else len(pods)
        desired = _share(least, expected)
    allowed = max(0, healthy - desired) if expected else 0
    status: KubeObject = {
        "observedGeneration": budget["metadata"].get("generation", 1),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": [_condition(store, budget, allowed)],
    }
    return {**status, "disruptedPods": gone} if gone else status


def _condition(store: ObjectStore, budget: KubeObject, allowed: int) -> KubeObject:
    held = ((budget.get("status") or {}).get("conditions") or [{}])[0]
    verdict = "True" if allowed else "False"
    since = held.get("lastTransitionTime") if held.get("status") == verdict else None
    return {
        "type": "DisruptionAllowed",
        "status": verdict,
        "observedGeneration": budget["metadata"].get("generation", 1),
        "lastTransitionTime": since or store.timestamp(),
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
    }


def write(store: ObjectStore, budget: KubeObject) -> KubeObject:
    """Store the status that a budget should have; return the budget."""
    meta = budget["metadata"]
    status = status_of(store, budget)

    def set_status(obj: KubeObject) -> None:
        obj["status"] = status

    where = (BUDGETS, meta.get("namespace"), meta["name"])
    return store.mutate(*where, set_status, manager=_MANAGER, subresource="status")


class BudgetKeeper:
    """Follows pods and budgets, as the disruption controller does."""

    def __init__(self, store: ObjectStore) -> None:
        """Take the store that holds both."""
        self._store = store

    def follow(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Bring the budgets of a namespace up to date."""
        if gvr == "v1/pods" or (gvr == BUDGETS and type_ != "DELETED"):
            self._update(obj["metadata"].get("namespace", ""))

    def _update(self, namespace: str) -> None:
        for budget in self._store.scan(BUDGETS, namespace):
            if status_of(self._store, budget) != budget.get("status"):
                write(self._store, budget)
