"""UpdateResources: give one container more, or less, memory or CPU."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, model_validator

from remedyd.actions import consequence
from remedyd.actions.action import Live, Parameters
from remedyd.actions.amounts import AmountParameters, Share, changed, whole_bytes
from remedyd.actions.changing import changing_plan
from remedyd.cluster import quantities
from remedyd.cluster.access import Permission
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Plan
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

_SECTIONS = ("limits", "requests")
_DEFAULT = "kubectl.kubernetes.io/default-container"


class UpdateResourcesParameters(Parameters):
    """Parameters of `UpdateResources`: at least one of `memory` and `cpu`."""

    container: str = ""
    """The container; without it the one that the audit's row is about, or the only one."""
    container_from: str = ""
    """The column of the audit that names the container."""
    memory: Annotated[AmountParameters, AfterValidator(whole_bytes)] | None = None
    """What to do about memory."""
    cpu: AmountParameters | None = None
    """What to do about CPU."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.memory is None and self.cpu is None:
            raise ValueError("give at least one of memory and cpu")
        return self


class UpdateResources:
    """The action `UpdateResources`."""

    type = "UpdateResources"
    params = UpdateResourcesParameters
    kinds = frozenset({"Deployment", "StatefulSet"})
    reads = frozenset({"Ceiling"})
    verbs = (Permission("patch", "Deployment"), Permission("patch", "StatefulSet"))

    def plan(
        self, target: Target, params: UpdateResourcesParameters, live: Live, now: datetime
    ) -> Plan:
        """Return the plan; raise Refused when nothing would change or no base is known."""
        place, container = find_container(target, params.container, live.workload)
        who = f"container {container['name']} of {target.kind}/{target.namespace}/{target.name}"
        place = f"spec.template.spec.{place}"
        changes = list(resource_changes(params, place, container, live, who))
        if not changes:
            raise Refused("NoChange", f"{who} has these resources already")
        return changing_plan(
            target,
            self.type,
            params.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True),
            live.workload,
            changes,
            f"{consequence.of_rollout(live.workload)}{warning(changes)}",
        )


def find_container(target: Target, named: str, workload: KubeObject) -> tuple[str, KubeObject]:
    """Return the list that holds the container, and the container; raise Refused.

    Sidecars, which are init containers that keep running, count too.
    """
    pod = workload["spec"]["template"]["spec"]
    annotations = workload["spec"]["template"]["metadata"].get("annotations") or {}
    wanted = named or target.container or annotations.get(_DEFAULT, "")
    containers = pod["containers"]
    if not wanted and len(containers) == 1:
        return "containers", containers[0]
    sidecars = [c for c in pod.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for place, listed in (("containers", containers), ("initContainers", sidecars)):
        for container in listed:
            if container["name"] == wanted:
                return place, container
    names = ", ".join(container["name"] for container in [*containers, *sidecars])
    if not wanted:
        raise Refused("AmbiguousContainer", f"{target} has the containers {names}: name one")
    raise Refused("NoContainer", f"{target} has no container {wanted!r}, it has {names}")


def resource_changes(
    params: UpdateResourcesParameters, place: str, container: KubeObject, live: Live, who: str
) -> Iterator[FieldChange]:
    """Yield the fields under `place` that get another amount, limits before requests.

    `place` is the path of the list that holds the container.
    """
    resources = container.get("resources") or {}
    for resource, wanted in (("memory", params.memory), ("cpu", params.cpu)):
        if wanted is None:
            continue
        limit, request = (_amount(resources, section, resource) for section in _SECTIONS)
        in_force = Share(
            live.defaults.get(("limits", resource)) if limit is None else limit,
            live.defaults.get(("requests", resource)) if request is None else request,
        )
        then = changed(resource, wanted, in_force, live.ceilings, who)
        for section, old, before, new in (
            ("limits", limit, in_force.limit, then.limit),
            ("requests", request, in_force.request, then.request),
        ):
            if new is None or new in (old, before):
                continue
            path = f"{place}[{container['name']}].resources.{section}.{resource}"
            text = quantities.binary(new) if resource == "memory" else quantities.decimal(new)
            yield FieldChange(path, (resources.get(section) or {}).get(resource), text)


def _amount(resources: Mapping[str, Any], section: str, resource: str) -> Decimal | None:
    value = (resources.get(section) or {}).get(resource)
    return None if value is None else quantities.parse(value)


def warning(changes: Sequence[FieldChange]) -> str:
    """Return a sentence on limits that are lowered, empty when none is."""
    lowered = [
        change.path.rpartition(".")[2]
        for change in changes
        if ".limits." in change.path
        and change.old is not None
        and quantities.parse(change.new) < quantities.parse(change.old)
    ]
    if "memory" in lowered:
        return " Lowers the memory limit: a container that needs more is killed."
    if "cpu" in lowered:
        return " Lowers the CPU limit: a container that needs more is throttled."
    return ""
