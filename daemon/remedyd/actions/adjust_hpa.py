"""AdjustHPA: let an autoscaler that has reached its maximum go on a little.

Replicas under an autoscaler are its own; its maximum is the only thing to change, and only when
the autoscaler itself says that the maximum holds it back.
"""

from datetime import datetime

from pydantic import Field

from remedyd.actions.action import Live, Parameters
from remedyd.actions.changing import diff
from remedyd.cluster import fields
from remedyd.cluster.access import Permission
from remedyd.cluster.prechecks.scaling import limited
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Patch, Plan
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

MAXIMUM = "spec.maxReplicas"


class AdjustHPAParameters(Parameters):
    """Parameters of `AdjustHPA`."""

    max: int = Field(ge=1, le=10_000)
    """Never raise maxReplicas above this."""
    step: int = Field(2, ge=1, le=100)
    """How many replicas to add to maxReplicas."""


class AdjustHPA:
    """The action `AdjustHPA`: it writes the autoscaler, the target is the workload it scales."""

    type = "AdjustHPA"
    params = AdjustHPAParameters
    kinds = frozenset({"Deployment", "StatefulSet"})
    reads = frozenset({"HorizontalPodAutoscaler"})
    verbs = (Permission("patch", "HorizontalPodAutoscaler"),)

    def plan(self, target: Target, params: AdjustHPAParameters, live: Live, now: datetime) -> Plan:
        """Return the plan; raise Refused unless one autoscaler is held back by its maximum."""
        autoscaler = _held_back(target, live)
        meta, old = autoscaler["metadata"], int(autoscaler["spec"]["maxReplicas"])
        new = min(old + params.step, params.max)
        if new <= old:
            raise Refused(
                "AtCap",
                f"maxReplicas of HorizontalPodAutoscaler {meta['name']} is {old}, the policy "
                f"allows {params.max}",
                hint="a person must decide whether more pods are the answer",
            )
        changes = (FieldChange(MAXIMUM, old, new),)
        where = {"kind": autoscaler["kind"], "name": meta["name"], "uid": meta["uid"]}
        return Plan(
            target=target.with_uid(live.workload["metadata"]["uid"]),
            action=self.type,
            params=params.model_dump(by_alias=True),
            changes=changes,
            patch=Patch(fields.patch_body(changes), **where),
            undo=Patch(fields.patch_body(changes, undo=True), **where),
            diff=diff(
                f"HorizontalPodAutoscaler/{meta['namespace']}/{meta['name']}", autoscaler, changes
            ),
            consequence=f"The autoscaler may go up to {new} pods instead of {old}; none restarts.",
            resource_version=str(meta.get("resourceVersion", "")),
        )


def _held_back(target: Target, live: Live) -> KubeObject:
    if not live.autoscalers:
        raise Refused("NoAutoscaler", f"no HorizontalPodAutoscaler scales {target}")
    if len(live.autoscalers) > 1:
        names = ", ".join(one["metadata"]["name"] for one in live.autoscalers)
        raise Refused(
            "AmbiguousAutoscaler", f"{target} is scaled by {names}", hint="leave it with one"
        )
    if not limited(live.autoscalers[0]):
        raise Refused(
            "NotLimited",
            f"HorizontalPodAutoscaler {live.autoscalers[0]['metadata']['name']} is not held back "
            "by its maximum",
            hint="let it scale",
        )
    return live.autoscalers[0]
