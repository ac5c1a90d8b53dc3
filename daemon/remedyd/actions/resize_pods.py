"""ResizePods: give the running pods more, or less, without restarting them.

It goes through the pods' own `/resize` and leaves the pod template alone, so a GitOps tool has
nothing to undo and a disruption budget nothing to guard. The price is its lifetime: pods made
later have the template's amounts again. Changing the template is the next step of a ladder, or
a change in Git.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from remedyd.actions.action import Live
from remedyd.actions.changing import diff
from remedyd.actions.update_resources import (
    UpdateResourcesParameters,
    find_container,
    resource_changes,
    warning,
)
from remedyd.cluster import fields
from remedyd.cluster.access import Permission
from remedyd.cluster.prechecks.scene import containers
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Patch, Plan
from remedyd.model.target import Target
from remedyd.model.values import KubeObject


class ResizePodsParameters(UpdateResourcesParameters):
    """Parameters of `ResizePods`: those of `UpdateResources`."""


class ResizePods:
    """The action `ResizePods`. The workload itself only gets the proposal's annotation."""

    type = "ResizePods"
    params = ResizePodsParameters
    kinds = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
    reads = frozenset({"Pod", "Ceiling"})
    verbs = (
        Permission("patch", "Pod", "resize"),
        Permission("patch", "Deployment"),
        Permission("patch", "StatefulSet"),
        Permission("patch", "DaemonSet"),
    )

    def plan(self, target: Target, params: ResizePodsParameters, live: Live, now: datetime) -> Plan:
        """Return the plan; raise Refused when no pod would change."""
        place, container = find_container(target, params.container, live.workload)
        pods = [pod for pod in live.pods if _resizable(pod)]
        changes = list(_changes(params, pods, place, str(container["name"]), live))
        if not changes:
            raise Refused("NoChange", f"no running pod of {target} would get other resources")
        touched = [pod for pod in pods if _mine(pod, changes)]
        seen = {"pods": {pod["metadata"]["name"]: pod for pod in touched}}
        return Plan(
            target=target.with_uid(live.workload["metadata"]["uid"]),
            action=self.type,
            params=params.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True),
            changes=tuple(changes),
            patch=Patch({}),
            undo=Patch({}),
            diff=diff(target, seen, changes),
            consequence=(
                f"{len(touched)} running pods are resized in place"
                f"{_restarts(touched, str(container['name']), changes)}. The template stays as it "
                f"is: pods made later have its amounts again.{warning(changes)}"
            ),
            resource_version=str(live.workload["metadata"].get("resourceVersion", "")),
            pods=tuple(_patch(pod, changes) for pod in touched),
        )


def _resizable(pod: KubeObject) -> bool:
    meta, phase = pod["metadata"], (pod.get("status") or {}).get("phase")
    mirror = "kubernetes.io/config.mirror" in (meta.get("annotations") or {})
    return not meta.get("deletionTimestamp") and phase in ("Running", "Pending") and not mirror


def _changes(
    params: ResizePodsParameters, pods: Sequence[KubeObject], place: str, container: str, live: Live
) -> Iterator[FieldChange]:
    for pod in pods:
        name = pod["metadata"]["name"]
        listed = pod["spec"].get(place) or ()
        for found in listed:
            if found["name"] == container:
                path = f"pods[{name}].spec.{place}"
                yield from resource_changes(
                    params, path, found, live, f"container {container} of pod {name}"
                )


def _mine(pod: KubeObject, changes: Sequence[FieldChange]) -> bool:
    prefix = f"pods[{pod['metadata']['name']}]."
    return any(change.path.startswith(prefix) for change in changes)


def _patch(pod: KubeObject, changes: Sequence[FieldChange]) -> Patch:
    meta = pod["metadata"]
    prefix = f"pods[{meta['name']}]."
    mine = [
        FieldChange(change.path.removeprefix(prefix), change.old, change.new)
        for change in changes
        if change.path.startswith(prefix)
    ]
    return Patch(
        fields.patch_body(mine),
        subresource="resize",
        kind="Pod",
        name=meta["name"],
        uid=meta["uid"],
    )


def _restarts(pods: Sequence[KubeObject], container: str, changes: Sequence[FieldChange]) -> str:
    """Say where a container asks to be restarted when its resources change."""
    resources = {change.path.rpartition(".")[2] for change in changes}
    for pod in pods:
        for found in containers(pod["spec"]):
            policies = found.get("resizePolicy") or ()
            if found["name"] == container and any(
                one.get("restartPolicy") == "RestartContainer"
                and one.get("resourceName") in resources
                for one in policies
            ):
                return f"; container {container} restarts (resizePolicy RestartContainer)"
    return " without a restart"
