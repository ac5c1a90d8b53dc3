"""ScaleToBaseline: give a workload back the replicas it used to have when it was healthy."""

from datetime import datetime

from pydantic import Field

from remedyd.actions.action import Live, Parameters
from remedyd.actions.changing import changing_plan
from remedyd.actions.scale import MOST, REPLICAS, meaning
from remedyd.cluster.access import Permission
from remedyd.cluster.fields import whole
from remedyd.cluster.rollout import desired_replicas
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Plan
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

BASELINE = "remedyd.io/baseline-replicas"
"""Annotation on a workload: the owner's word on how many replicas it should have."""


class ScaleToBaselineParameters(Parameters):
    """Parameters of `ScaleToBaseline`. The workload's annotation outweighs them."""

    baseline: int | None = Field(None, ge=1, le=MOST)
    """How many replicas it had when it was healthy."""
    baseline_from: str = ""
    """The column of the audit that says so."""
    max: int | None = Field(None, ge=1, le=MOST)
    """Never more than this."""


class ScaleToBaseline:
    """The action `ScaleToBaseline`."""

    type = "ScaleToBaseline"
    params = ScaleToBaselineParameters
    kinds = frozenset({"Deployment", "StatefulSet"})
    reads: frozenset[str] = frozenset()
    verbs = (Permission("patch", "Deployment"), Permission("patch", "StatefulSet"))

    def plan(
        self, target: Target, params: ScaleToBaselineParameters, live: Live, now: datetime
    ) -> Plan:
        """Return the plan; raise Refused without a baseline, or when it is not below it."""
        baseline = _baseline(target, params, live.workload)
        old = desired_replicas(live.workload)
        new = baseline if params.max is None else min(baseline, params.max)
        if old >= new:
            raise Refused("NoChange", f"{target} has {old} replicas, its baseline is {baseline}")
        change = FieldChange(REPLICAS, live.workload["spec"].get("replicas"), new)
        given = params.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
        sentence = f"Back to the baseline of {baseline}: {meaning(old, new)}"
        return changing_plan(target, self.type, given, live.workload, [change], sentence)


def _baseline(target: Target, params: ScaleToBaselineParameters, workload: KubeObject) -> int:
    text = (workload["metadata"].get("annotations") or {}).get(BASELINE)
    if text is None:
        if params.baseline is None:
            raise Refused(
                "NoBaseline",
                f"nobody knows how many replicas {target} should have",
                hint=f"annotate it with {BASELINE}, or give baselineFrom",
            )
        return params.baseline
    count = whole(text)
    if count is None or not 1 <= count <= MOST:
        raise Refused("NoBaseline", f"annotation {BASELINE} of {target} is {text[:20]!r}, no count")
    return count
