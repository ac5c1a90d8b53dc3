"""pods/eviction: a delete that asks the disruption budgets first.

As in a real server the budget is taken before the pod is deleted, so an eviction that then fails
has used it up all the same until the disruption controller notices.
"""

from remedyd.lab.apiserver import bodies, budgets, selectors
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.budgets import BUDGETS
from remedyd.lab.apiserver.messages import Response, write_options
from remedyd.lab.apiserver.status import StatusError, bad_request
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

_BLOCKED = "Cannot evict pod as it would violate the pod's disruption budget."
_TWO = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)
_MANAGER = "kube-apiserver"


def _refresh(store: ObjectStore, budget: KubeObject) -> KubeObject:
    """Bring a budget's status up to date where nobody has done so."""
    if (budget.get("status") or {}).get("observedGeneration") == budget["metadata"]["generation"]:
        return budget
    return budgets.write(store, budget)


def _blocked(budget: KubeObject) -> StatusError:
    status = budget["status"]
    text = (
        f"The disruption budget {budget['metadata']['name']} needs {status['desiredHealthy']} "
        f"healthy pods and has {status['currentHealthy']} currently"
    )
    causes = [{"reason": "DisruptionBudget", "message": text}]
    return StatusError(429, "TooManyRequests", _BLOCKED, details={"causes": causes})


def _unguarded(pod: KubeObject) -> bool:
    """Say whether no budget protects a pod: it does not run, or is on its way out."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Pending", "Succeeded", "Failed") or "deletionTimestamp" in pod["metadata"]


def _unhealthy_may_go(pod: KubeObject, budget: KubeObject) -> bool:
    """Say whether the budget lets a pod go that is not ready: it serves nobody."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget["status"]
    return bool(0 < status.get("desiredHealthy", 0) <= status.get("currentHealthy", 0))


def _take(call: Call, pod: KubeObject, *, dry_run: bool) -> None:
    if _unguarded(pod):
        return
    found = [
        budget
        for budget in call.store.scan(BUDGETS, call.namespace)
        if selectors.of_object(budget["spec"].get("selector"))(pod)
    ]
    if len(found) > 1:
        raise StatusError(500, "", _TWO)
    if not found:
        return
    budget = _refresh(call.store, found[0])
    if _unhealthy_may_go(pod, budget):
        return
    left = budget["status"].get("disruptionsAllowed", 0)
    if left < 1:
        raise _blocked(budget)
    if dry_run:
        return
    name, now = pod["metadata"]["name"], call.store.timestamp()

    def use(obj: KubeObject) -> None:
        status = obj["status"]
        status["disruptionsAllowed"] = left - 1
        status.setdefault("disruptedPods", {})[name] = now
        if left > 1:
            return
        for condition in status.get("conditions") or []:
            if condition["type"] == "DisruptionAllowed":
                if condition["status"] != "False":
                    condition["lastTransitionTime"] = now
                condition |= {"status": "False", "reason": "InsufficientPods"}

    meta = budget["metadata"]
    call.store.mutate(
        BUDGETS, meta.get("namespace"), meta["name"], use, manager=_MANAGER, subresource="status"
    )


def _mark(call: Call, pod: KubeObject) -> None:
    now = call.store.timestamp()
    target = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": now,
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }

    def add(obj: KubeObject) -> None:
        obj.setdefault("status", {}).setdefault("conditions", []).append(target)

    meta = pod["metadata"]
    call.store.mutate(
        "v1/pods", meta["namespace"], meta["name"], add, manager=_MANAGER, subresource="status"
    )


def evict(call: Call) -> Response:
    """Answer a POST of pods/eviction."""
    warnings: list[str] = []
    options = write_options(call.request, "CreateOptions")
    body = bodies.read(call, "Eviction", "policy/v1", options, warnings)
    if (body.get("metadata") or {}).get("name") != call.path.name:
        raise bad_request("name in URL does not match name in Eviction object")
    asked = body.get("deleteOptions") or {}
    options = write_options(call.request, "DeleteOptions", asked.get("dryRun"))
    wanted = asked.get("preconditions") or {}
    with call.store.lock:
        pod = call.get()
        _take(call, pod, dry_run=options.dry_run)
        where = (call.gvr, call.namespace, call.path.name)
        uid, version = wanted.get("uid"), wanted.get("resourceVersion")
        call.store.delete(*where, uid=uid, resource_version=version, dry_run=True)
        if not options.dry_run:
            _mark(call, pod)
            call.store.delete(*where, grace_seconds=asked.get("gracePeriodSeconds"))
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return Response(201, {**status, "code": 201})
