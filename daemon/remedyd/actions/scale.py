"""Scale: set the number of replicas, within limits.

The write is a strategic merge of `spec.replicas` on the workload itself and not a write to its
`/scale`: so the precondition, the proposal's annotation and the number are one write.
"""

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from remedyd.actions.action import Live, Parameters
from remedyd.actions.changing import changing_plan
from remedyd.cluster.access import Permission
from remedyd.cluster.rollout import desired_replicas
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Plan
from remedyd.model.target import Target

REPLICAS = "spec.replicas"
MOST = 2**31 - 1  # above it the API server wraps round without a word


class ScaleParameters(Parameters):
    """Parameters of `Scale`: exactly one of `absolute` and `delta`."""

    absolute: int | None = Field(None, ge=0, le=MOST)
    """The number of replicas to have."""
    delta: int | None = Field(None, ge=-1000, le=1000)
    """How many to add, or with a minus to take away."""
    min: int = Field(0, ge=0, le=MOST)
    """Never fewer than this."""
    max: int | None = Field(None, ge=0, le=MOST)
    """Never more than this; a plan that would be above ends here."""
    skip_if_hpa: bool = Field(True, alias="skipIfHPA")
    """Kept for readers: a workload that an autoscaler owns is never scaled by hand."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.absolute is None) == (self.delta is None):
            raise ValueError("give exactly one of absolute and delta")
        if self.delta == 0:
            raise ValueError("delta must not be 0")
        if self.max is not None and self.max < self.min:
            raise ValueError("max must not be below min")
        if not self.skip_if_hpa:
            raise ValueError("skipIfHPA cannot be false: the autoscaler would undo the change")
        return self


class Scale:
    """The action `Scale`."""

    type = "Scale"
    params = ScaleParameters
    kinds = frozenset({"Deployment", "StatefulSet"})
    reads: frozenset[str] = frozenset()
    verbs = (Permission("patch", "Deployment"), Permission("patch", "StatefulSet"))

    def plan(self, target: Target, params: ScaleParameters, live: Live, now: datetime) -> Plan:
        """Return the plan; raise Refused below zero, at the limit, and without a change."""
        old = desired_replicas(live.workload)
        new = _wanted(target, params, old)
        if new == old:
            limit = params.max is not None and params.delta is not None and old >= params.max
            raise Refused(
                "AtLimit" if limit else "NoChange",
                f"{target} has {old} replicas already" + (", the maximum" if limit else ""),
                hint="raise max in the policy" if limit else "",
            )
        given = params.model_dump(by_alias=True, exclude_none=True)
        change = FieldChange(REPLICAS, live.workload["spec"].get("replicas"), new)
        return changing_plan(target, self.type, given, live.workload, [change], meaning(old, new))


def _wanted(target: Target, params: ScaleParameters, old: int) -> int:
    new = params.absolute if params.absolute is not None else old + (params.delta or 0)
    if new < 0:
        raise Refused("BelowZero", f"{target} has {old} replicas: {new} is not possible")
    new = max(new, params.min)
    if params.max is None:
        return new
    if params.delta is not None and params.delta > 0 and old > params.max:
        return old
    return min(new, params.max)


def meaning(old: int, new: int) -> str:
    """Return what going from `old` to `new` replicas does, as a sentence."""
    if new > old:
        more = "1 more pod starts" if new - old == 1 else f"{new - old} more pods start"
        return f"{more} ({old} -> {new}); running pods are not touched."
    stop = f"{old - new} of {old} pods stop ({old} -> {new})"
    return f"Downtime: {stop}; nothing serves any more." if new == 0 else f"{stop}."
