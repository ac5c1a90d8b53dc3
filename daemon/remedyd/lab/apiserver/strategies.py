"""What is particular to one resource when it is written: which part a write may touch.

A real API server has a strategy object per resource; here most are alike, so a strategy is a
record with a few switches and lists of functions that fill in and check.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from remedyd.lab.apiserver import defaults, validation_kinds, validation_pods
from remedyd.lab.apiserver.status import Cause
from remedyd.model.values import KubeObject

Filler = Callable[[KubeObject], None]
Checker = Callable[[KubeObject, KubeObject | None], list[Cause]]


def _nothing(obj: KubeObject) -> None:
    """Leave the object as it is."""


def _keep(new: KubeObject, old: KubeObject) -> None:
    """Leave the changed object as it is."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How one resource is prepared and checked.

    `status`: status is written through its own subresource. `generation`: metadata.generation
    counts changes of the spec (of a Deployment's annotations too: `annotations`). `fill`
    completes an object in place; `begin` sets what a new object starts with as the creator's,
    `born` as nobody's, after admission; `revise` what an update moves along;
    `check` returns its mistakes, given the object before (None when it is created).
    `needs_version`: an update must carry the resourceVersion. `fixed_in_status`: metadata that
    a write of the status leaves alone.
    """

    status: bool = False
    generation: bool = False
    annotations: bool = False
    keeps_status: bool = False
    fill: Filler = _nothing
    begin: Filler = _nothing
    born: Filler = _nothing
    revise: Callable[[KubeObject, KubeObject], None] = _keep
    check: Checker = validation_kinds.plain
    needs_version: bool = False
    fixed_in_status: tuple[str, ...] = ()


def quality_of_service(pod: KubeObject) -> str:
    """Return Guaranteed, Burstable or BestEffort, from requests and limits."""
    spec = pod["spec"]
    held = [
        each.get("resources") or {}
        for each in (spec.get("containers") or []) + (spec.get("initContainers") or [])
    ]
    if not any(each.get("requests") or each.get("limits") for each in held):
        return "BestEffort"
    for each in held:
        limits, requests = each.get("limits") or {}, each.get("requests") or {}
        for name in ("cpu", "memory"):
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                return "Burstable"
    return "Guaranteed"


def _pending(pod: KubeObject) -> None:
    pod["status"] = {"phase": "Pending", "qosClass": quality_of_service(pod)}


def _active(namespace: KubeObject) -> None:
    namespace["spec"] = {"finalizers": ["kubernetes"]}
    namespace["status"] = {"phase": "Active"}


_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _first_template(daemon_set: KubeObject) -> None:
    notes = daemon_set["metadata"].setdefault("annotations", {})
    notes[_TEMPLATE_GENERATION] = "1"


def _next_template(new: KubeObject, old: KubeObject) -> None:
    if new["spec"].get("template") == old["spec"].get("template"):
        return
    before = (old["metadata"].get("annotations") or {}).get(_TEMPLATE_GENERATION, "1")
    notes = new["metadata"].setdefault("annotations", {})
    notes[_TEMPLATE_GENERATION] = str(int(before) + 1)


_PLAIN = Strategy()
_STRATEGIES: Mapping[str, Strategy] = {
    "apps/v1/deployments": Strategy(
        status=True,
        generation=True,
        annotations=True,
        fill=defaults.deployment,
        check=validation_kinds.deployment,
        fixed_in_status=("labels",),
    ),
    "apps/v1/replicasets": Strategy(
        status=True,
        generation=True,
        fill=defaults.replica_set,
        check=validation_kinds.replica_set,
    ),
    "apps/v1/statefulsets": Strategy(
        status=True,
        generation=True,
        fill=defaults.stateful_set,
        check=validation_kinds.stateful_set,
    ),
    "apps/v1/daemonsets": Strategy(
        status=True,
        generation=True,
        fill=defaults.daemon_set,
        begin=_first_template,
        revise=_next_template,
        check=validation_kinds.daemon_set,
    ),
    "v1/pods": Strategy(
        status=True,
        generation=True,
        born=_pending,
        fill=defaults.pod,
        check=validation_pods.pod,
    ),
    "batch/v1/jobs": Strategy(status=True, generation=True, fill=defaults.job),
    "batch/v1/cronjobs": Strategy(status=True, generation=True),
    "autoscaling/v2/horizontalpodautoscalers": Strategy(
        status=True, fill=defaults.autoscaler, check=validation_kinds.autoscaler
    ),
    "policy/v1/poddisruptionbudgets": Strategy(
        status=True, generation=True, check=validation_kinds.budget, needs_version=True
    ),
    "v1/namespaces": Strategy(
        status=True,
        born=_active,
        fill=defaults.namespace,
        check=validation_kinds.named_by_label,
    ),
    "v1/nodes": Strategy(status=True, keeps_status=True),
    "v1/services": Strategy(
        status=True, fill=defaults.service, check=validation_kinds.named_by_label
    ),
    "v1/resourcequotas": Strategy(status=True),
    "v1/limitranges": Strategy(fill=defaults.limit_range),
    "v1/configmaps": Strategy(check=validation_kinds.config_map),
    "v1/secrets": Strategy(fill=defaults.secret, check=validation_kinds.config_map),
    "v1/events": Strategy(check=validation_kinds.event),
    "coordination.k8s.io/v1/leases": Strategy(check=validation_kinds.lease, needs_version=True),
    "rbac.authorization.k8s.io/v1/rolebindings": Strategy(fill=defaults.binding),
    "rbac.authorization.k8s.io/v1/clusterrolebindings": Strategy(fill=defaults.binding),
}


def strategy(gvr: str) -> Strategy:
    """Return how a resource is written."""
    return _STRATEGIES.get(gvr, _PLAIN)
