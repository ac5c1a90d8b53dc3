"""Who else writes this object, and would put it back?

Owner references name operators. GitOps tools leave labels and annotations, and the field
manager under which they apply: where that manager sets the very field we would change, the
change lives until the next sync; where it does not, it may stay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from remedyd.cluster import ownership
from remedyd.cluster.prechecks.scene import Scene, blocked, passed, warned
from remedyd.cluster.reader import controller
from remedyd.model.plan import Precheck

_CORE = frozenset({"apps/v1", "batch/v1", "v1"})


@dataclass(frozen=True, slots=True)
class Tool:
    """How a GitOps tool can be recognised: keys of labels or annotations, field managers.

    `value` narrows the keys to those with that value.
    """

    name: str
    keys: tuple[str, ...]
    managers: tuple[str, ...]
    value: str = ""


_TOOLS = (
    Tool(
        "Argo CD",
        ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"),
        ("argocd-controller", "argocd-application-controller"),
    ),
    Tool("Flux", ("kustomize.toolkit.fluxcd.io/name",), ("kustomize-controller",)),
    Tool("Flux (Helm)", ("helm.toolkit.fluxcd.io/name",), ("helm-controller",)),
    Tool("Helm", ("meta.helm.sh/release-name",), ("helm",)),
    Tool("Helm", ("app.kubernetes.io/managed-by",), (), value="Helm"),
)
_RECONCILING = frozenset({"Argo CD", "Flux", "Flux (Helm)"})


def operator(scene: Scene) -> Precheck:
    """The children of a custom resource are put back by its operator."""
    owner = controller(scene.live)
    if owner is None:
        return passed("Operator", "no other object owns it")
    name = f"{owner.get('kind')}/{owner.get('name')}"
    if owner.get("apiVersion") in _CORE:
        return warned("Operator", f"it is owned by {name}", f"change {name} instead")
    return blocked(
        "Operator",
        f"it is owned by {name} ({owner.get('apiVersion')}), whose operator puts it back",
        f"change {name} instead",
    )


def gitops(scene: Scene) -> Precheck:
    """A change beside Git is undone at the next sync."""
    found = next(_tools(scene.live), None)
    if found is None:
        return passed("GitOps", "no GitOps tool manages it")
    tool, proof = found
    if scene.plan.pods:
        return passed("GitOps", f"{tool.name} manages it ({proof}); the template stays as it is")
    sets = [
        change.path
        for change in scene.plan.changes
        if any(
            owner.manager in tool.managers for owner in ownership.owners(scene.live, change.path)
        )
    ]
    step = f"make the change in the source of {tool.name} as well"
    if tool.name not in _RECONCILING:
        return warned(
            "GitOps", f"{tool.name} manages it ({proof}): the next release undoes it", step
        )
    if ownership.recorded(scene.live) and not sets:
        return warned(
            "GitOps",
            f"{tool.name} manages it ({proof}) but does not set these fields: they may stay",
            step,
        )
    return warned("GitOps", f"{tool.name} manages it ({proof}): undone at the next sync", step)


def _tools(obj: Mapping[str, Any]) -> Iterator[tuple[Tool, str]]:
    meta = obj["metadata"]
    marks = {**(meta.get("labels") or {}), **(meta.get("annotations") or {})}
    managers = ownership.managers(dict(obj))
    for tool in _TOOLS:
        for key in tool.keys:
            if key in marks and tool.value in ("", marks[key]):
                yield tool, f"{key}: {marks[key]}"
        for manager in tool.managers:
            if manager in managers:
                yield tool, f"field manager {manager}"
