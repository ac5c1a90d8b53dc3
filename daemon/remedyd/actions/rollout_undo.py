"""RolloutUndo: put back the pod template of the last revision that is known to be healthy.

Going back is right when the latest revision is the cause, and harmful when it is not: the old
revision may be just as sick, or the fault older than both. So the way back must be known to be
healthy, by the audits' history or because its pods serve right now; one that the history knows
to have been sick is never chosen, and the revision that is left must be young. The template is
replaced as a whole, as `kubectl rollout undo` does it; if anybody changes it afterwards, the undo
of this undo is no longer ours to make.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import Field

from remedyd.actions import consequence
from remedyd.actions.action import Live, Parameters
from remedyd.actions.changing import changing_plan
from remedyd.cluster.access import Permission
from remedyd.cluster.reader import revision
from remedyd.documents import PositiveDuration
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Plan
from remedyd.model.revision import Revision
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

TEMPLATE = "spec.template"


class RolloutUndoParameters(Parameters):
    """Parameters of `RolloutUndo`."""

    revision: int | None = Field(None, ge=1)
    """Go back to this revision; without it to the latest other one known to be healthy."""
    max_age: PositiveDuration = timedelta(hours=1)
    """Only when the revision that is left is younger than this: an old one is not what changed."""
    only_stuck: bool = False
    """Only while the rollout is stuck: its progress deadline has passed, and not for a quota."""


class RolloutUndo:
    """The action `RolloutUndo`."""

    type = "RolloutUndo"
    params = RolloutUndoParameters
    kinds = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
    reads = frozenset({"Revision"})
    verbs = (
        Permission("patch", "Deployment"),
        Permission("patch", "StatefulSet"),
        Permission("patch", "DaemonSet"),
    )

    def plan(
        self, target: Target, params: RolloutUndoParameters, live: Live, now: datetime
    ) -> Plan:
        """Return the plan; raise Refused when the way back is not known to be better."""
        if live.workload["spec"].get("paused"):
            raise Refused("Paused", f"the rollout of {target} is paused", hint="resume it first")
        current = _current(live)
        _young(target, live.revisions, current, params.max_age, now)
        others = [one for one in live.revisions if one.number != current]
        back = _chosen(target, params, others, live.judged)
        old, new = live.workload["spec"]["template"], back.template
        if new == old:
            raise Refused("NoChange", f"{target} has the template of {back.name} already")
        meaning = (
            f"Goes back from revision {current} to revision {back.number} ({back.name}). "
            f"{consequence.of_rollout(live.workload)} The number of replicas stays as it is."
            f"{_by_hand(live.workload)}"
        )
        plan = changing_plan(
            target,
            self.type,
            params.model_dump(by_alias=True, exclude_none=True),
            live.workload,
            [FieldChange(TEMPLATE, old, new)],
            meaning,
        )
        assert plan.patch is not None and plan.undo is not None
        for body in (plan.patch.body, plan.undo.body):
            body["spec"]["template"] = {"$patch": "replace", **body["spec"]["template"]}
        return plan


def _current(live: Live) -> int:
    """Return the number of the revision that the workload has now."""
    if live.workload["kind"] == "Deployment":
        return revision(live.workload)
    return max((one.number for one in live.revisions), default=0)


def _by_hand(workload: KubeObject) -> str:
    """Say what a StatefulSet that starts its pods in order does not do by itself."""
    ordered = workload["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
    if workload["kind"] != "StatefulSet" or not ordered:
        return ""
    return " A pod that never became ready is not replaced by itself: delete it."


def _young(
    target: Target,
    revisions: Sequence[Revision],
    current: int,
    max_age: timedelta,
    now: datetime,
) -> None:
    made = [one for one in revisions if one.number == current]
    if not made:
        raise Refused("NoRevision", f"nothing is kept of revision {current} of {target}")
    since = made[0].created
    if now - since > max_age:
        raise Refused(
            "NotTheCause",
            f"revision {current} of {target} runs since {since:%Y-%m-%d %H:%M:%S}: what went wrong "
            "lately did not come with it",
            hint="look for another cause",
        )


def _chosen(
    target: Target,
    params: RolloutUndoParameters,
    others: Sequence[Revision],
    judged: Mapping[str, bool],
) -> Revision:
    known = [one for one in others if judged.get(one.name, one.serves)]
    if params.revision is None:
        if known:
            return known[0]
        told = "; ".join(_said(one, judged) for one in others) or "there is none"
        raise Refused(
            "NoHealthyRevision",
            f"no earlier revision of {target} is known to have been healthy ({told})",
            hint="a person must choose a revision",
        )
    named = [one for one in others if one.number == params.revision]
    if not named:
        raise Refused("NoRevision", f"{target} keeps no other revision {params.revision}")
    if named[0] not in known:
        raise Refused(
            "NoHealthyRevision",
            f"revision {params.revision} of {target} is not known to have been healthy "
            f"({_said(named[0], judged)})",
            hint="choose another revision, or change it by hand",
        )
    return named[0]


def _said(one: Revision, judged: Mapping[str, bool]) -> str:
    word = "was not healthy" if judged.get(one.name) is False else "is not known"
    return f"{one.name} {word}"
