"""One planned change in its surroundings, as the checks see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from remedyd.cluster import fields, quantities
from remedyd.cluster.reader import Surroundings
from remedyd.cluster.rollout import desired_replicas
from remedyd.cluster.writes import workload_changes
from remedyd.model.audit import AuditRow
from remedyd.model.plan import FieldChange, Plan, Precheck, PrecheckResult
from remedyd.model.values import KubeObject


def passed(name: str, evidence: str) -> Precheck:
    """Return a Pass."""
    return Precheck(name, PrecheckResult.PASS, evidence)


def warned(name: str, evidence: str, next_step: str = "") -> Precheck:
    """Return a Warn: the approver must know."""
    return Precheck(name, PrecheckResult.WARN, evidence, next_step)


def blocked(name: str, evidence: str, next_step: str = "") -> Precheck:
    """Return a Block: the write must not happen."""
    return Precheck(name, PrecheckResult.BLOCK, evidence, next_step)


@dataclass(frozen=True)
class Scene:
    """`live` is the workload as it is, `row` the evidence that asks for the change, if any."""

    plan: Plan
    live: KubeObject
    around: Surroundings
    now: datetime
    row: AuditRow | None = None

    @cached_property
    def on_workload(self) -> bool:
        """Whether the workload itself is written, and not its autoscaler or pods."""
        return self.plan.patch is not None and not self.plan.patch.kind

    @cached_property
    def after(self) -> KubeObject:
        """The workload with the change made."""
        if not self.on_workload:
            return self.live
        return fields.changed(self.live, workload_changes(self.plan))

    @property
    def replaces_pods(self) -> bool:
        """Whether the pod template changes, so that all pods are replaced."""
        return self.on_workload and any(
            change.path == "spec.template" or change.path.startswith("spec.template.")
            for change in self.plan.changes
        )

    @property
    def scales(self) -> bool:
        """Whether the number of replicas changes."""
        return self.on_workload and any(c.path == "spec.replicas" for c in self.plan.changes)

    @property
    def amounts(self) -> tuple[FieldChange, ...]:
        """The changes of requests and limits."""
        return tuple(change for change in self.plan.changes if ".resources." in change.path)

    @property
    def more_pods(self) -> int:
        """How many pods are added in the end."""
        return max(0, desired_replicas(self.after) - desired_replicas(self.live))

    @property
    def new_pods(self) -> bool:
        """Whether any pod must be created for the change."""
        return self.replaces_pods or self.more_pods > 0


def containers(pod: Mapping[str, Any]) -> list[KubeObject]:
    """Return the containers of a pod spec that run side by side, sidecars included."""
    sidecars = [c for c in pod.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    return [*pod.get("containers", ()), *sidecars]


def amount(container: KubeObject, section: str, resource: str) -> Decimal | None:
    """Return a container's limit or request; a limit without a request requests as much."""
    resources = container.get("resources") or {}
    value = (resources.get(section) or {}).get(resource)
    if value is None and section == "requests":
        value = (resources.get("limits") or {}).get(resource)
    return None if value is None else quantities.parse(value)


def pod_total(pod: Mapping[str, Any], section: str, resource: str) -> Decimal:
    """Return what a whole pod asks for; containers that set nothing count as nothing."""
    found = [amount(container, section, resource) for container in containers(pod)]
    extra = quantities.parse((pod.get("overhead") or {}).get(resource, 0))
    return sum((value for value in found if value is not None), Decimal(0)) + extra


def write(resource: str, value: Decimal) -> str:
    """Return an amount as people write it for that resource."""
    if resource.endswith("memory"):
        return quantities.binary(value)
    return quantities.decimal(value)
