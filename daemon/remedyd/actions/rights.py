"""What each action reads and writes, kind by kind: the least that RBAC has to grant.

The table follows the prechecks and the door. A right too few blocks a plan, it never lets one
through; a right too many would go unnoticed, so tests run every action with exactly these and
look for those that no request used. A dry run is authorized like the write it rehearses.
"""

from collections.abc import Iterable

from remedyd.actions.registry import ACTIONS
from remedyd.cluster.access import Permission
from remedyd.cluster.kinds import WORKLOADS

_REPLACES_PODS = frozenset({"UpdateResources", "Restart", "RolloutUndo"})
_SETS_AMOUNTS = frozenset({"UpdateResources", "ResizePods"})
_SCALES = frozenset({"Scale", "ScaleToBaseline"})
_LOOKS_AT_PODS = frozenset({"ResizePods", "DeletePod"})
_ARRIVES_IN_PODS = frozenset({"UpdateResources"})
"""Actions whose changes are read back from the pods that came of them."""


WATCHED = frozenset(
    Permission("list", kind) for kind in ("Node", "Pod", "Deployment", "StatefulSet", "DaemonSet")
)
"""What the guardrails look at before a policy may act: how much is wrong at once, and of how
many. What people and workflows request is not held back by it."""

TOLD = frozenset({Permission("create", "Event")})
"""What it takes to tell of a change where it happens, by an Event on the workload."""


def needs(action: str, kind: str, *, rehearsed: bool = False) -> frozenset[Permission]:
    """Return the rights that `action` needs on workloads of `kind`; none where it cannot act.

    When it is only `rehearsed`, nothing is ever written that would be read back.
    """
    if kind not in ACTIONS[action].kinds:
        return frozenset()
    found = {Permission("get", kind), Permission("get", "Namespace")}  # with its annotations
    found.update(_writes(action, kind), _reads(action, kind))
    if not rehearsed:
        found.update(_reads_back(action, deployment=kind == "Deployment"))
    return frozenset(found)


def _writes(action: str, kind: str) -> Iterable[Permission]:
    """Yield the writes, those on workloads of another kind left out."""
    return (one for one in ACTIONS[action].verbs if one.kind == kind or one.kind not in WORKLOADS)


def _reads(action: str, kind: str) -> Iterable[Permission]:
    deployment = kind == "Deployment"
    if action in _REPLACES_PODS:
        yield Permission("list", "PodDisruptionBudget")
        if deployment:
            yield Permission("get", "PersistentVolumeClaim")
        if kind == "StatefulSet":
            yield Permission("list", "Pod")
    if action in _REPLACES_PODS | _SCALES | _SETS_AMOUNTS:
        yield Permission("list", "ResourceQuota")
        yield Permission("list", "LimitRange")
    if action in _SETS_AMOUNTS:
        yield Permission("list", "VerticalPodAutoscaler")
        yield Permission("list", "Node")
    if action in _SETS_AMOUNTS | _SCALES | {"AdjustHPA"}:
        yield Permission("list", "HorizontalPodAutoscaler")
    if action == "AdjustHPA":
        yield Permission("get", "HorizontalPodAutoscaler")
    if action == "DeletePod":
        yield Permission("list", "PodDisruptionBudget")
    yield from _pods_and_revisions(action, deployment=deployment)


def _pods_and_revisions(action: str, *, deployment: bool) -> Iterable[Permission]:
    if action in _LOOKS_AT_PODS:
        yield Permission("get", "Pod")
        yield Permission("list", "Pod")
    if deployment and action in _LOOKS_AT_PODS | {"RolloutUndo"}:
        yield Permission("list", "ReplicaSet")
    if action == "RolloutUndo" and not deployment:
        yield Permission("list", "ControllerRevision")


def _reads_back(action: str, *, deployment: bool) -> Iterable[Permission]:
    if action in _ARRIVES_IN_PODS:
        yield Permission("list", "Pod")
        if deployment:
            yield Permission("list", "ReplicaSet")
