"""RolloutUndo: put back the pod template of the last revision that is known to be healthy.

Going back is right when the latest revision is the cause, and harmful when it is not: the old
revision may be just as sick, or the fault older than both. So the way back must be known to be
healthy, by the audits' history or because its pods serve right now, and the revision that is
left must be young. The template is replaced as a whole, as `kubectl rollout undo` does it; if
anybody changes it afterwards, the undo of this undo is no longer ours to make.
"""

import copy
from collections.abc import Sequence
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
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

TEMPLATE = "spec.template"
_HASH = "pod-template-hash"


class RolloutUndoParameters(Parameters):
    """Parameters of `RolloutUndo`."""

    revision: int | None = Field(None, ge=1)
    """Go back to this revision; without it to the latest other one known to be healthy."""
    max_age: PositiveDuration = timedelta(hours=1)
    """Only when the revision that is left is younger than this: an old one is not what changed."""


class RolloutUndo:
    """The action `RolloutUndo`."""

    type = "RolloutUndo"
    params = RolloutUndoParameters
    kinds = frozenset({"Deployment"})
    reads = frozenset({"ReplicaSet", "History"})
    verbs = (Permission("patch", "Deployment"),)

    def plan(
        self, target: Target, params: RolloutUndoParameters, live: Live, now: datetime
    ) -> Plan:
        """Return the plan; raise Refused when the way back is not known to be better."""
        if live.workload["spec"].get("paused"):
            raise Refused("Paused", f"the rollout of {target} is paused", hint="resume it first")
        current = revision(live.workload)
        _young(target, live.replicasets, current, params.max_age, now)
        others = [one for one in live.replicasets if revision(one) != current]
        back = _chosen(target, params, others, live.healthy)
        old, new = live.workload["spec"]["template"], template_of(back)
        if new == old:
            raise Refused("NoChange", f"{target} has the template of {_name(back)} already")
        meaning = (
            f"Goes back from revision {current} to revision {revision(back)} ({_name(back)}). "
            f"{consequence.of_rollout(live.workload)} The number of replicas stays as it is."
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


def template_of(replicaset: KubeObject) -> KubeObject:
    """Return a ReplicaSet's pod template as its Deployment had it."""
    template: KubeObject = copy.deepcopy(replicaset["spec"]["template"])
    template["metadata"].get("labels", {}).pop(_HASH, None)
    return template


def _young(
    target: Target,
    replicasets: Sequence[KubeObject],
    current: int,
    max_age: timedelta,
    now: datetime,
) -> None:
    made = [one for one in replicasets if revision(one) == current]
    if not made:
        raise Refused("NoRevision", f"no ReplicaSet of {target} has its revision {current}")
    since = datetime.fromisoformat(made[0]["metadata"]["creationTimestamp"])
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
    others: Sequence[KubeObject],
    healthy: frozenset[str],
) -> KubeObject:
    known = [one for one in others if _name(one) in healthy or _serves(one)]
    if params.revision is None:
        if known:
            return known[0]
        told = ", ".join(_name(one) for one in others) or "there is none"
        raise Refused(
            "NoHealthyRevision",
            f"no earlier revision of {target} is known to have been healthy ({told})",
            hint="a person must choose a revision",
        )
    named = [one for one in others if revision(one) == params.revision]
    if not named:
        raise Refused("NoRevision", f"{target} keeps no other revision {params.revision}")
    if named[0] not in known:
        raise Refused(
            "NoHealthyRevision",
            f"revision {params.revision} of {target} is not known to have been healthy",
        )
    return named[0]


def _serves(replicaset: KubeObject) -> bool:
    """Say whether pods of the ReplicaSet run right now and all of them are ready."""
    status = replicaset.get("status") or {}
    pods = int(status.get("replicas") or 0)
    return 0 < pods == int(status.get("readyReplicas") or 0)


def _name(replicaset: KubeObject) -> str:
    return str(replicaset["metadata"]["name"])
