"""Restart: replace all pods the way `kubectl rollout restart` does.

It changes one annotation of the pod template, so the workload's own update strategy decides how
gently. A restart cannot be taken back: its undo is nothing.
"""

from datetime import datetime
from typing import Literal

from remedyd.actions import consequence
from remedyd.actions.action import Live, Parameters
from remedyd.actions.changing import changing_plan
from remedyd.cluster import fields
from remedyd.cluster.access import Permission
from remedyd.errors import Refused
from remedyd.model.plan import FieldChange, Plan
from remedyd.model.target import Target

RESTARTED_AT = "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]"


class RestartParameters(Parameters):
    """Parameters of `Restart`."""

    strategy: Literal["RollingUpdate"] = "RollingUpdate"
    """Only a rolling restart: the workload's own update strategy applies."""


class Restart:
    """The action `Restart`."""

    type = "Restart"
    params = RestartParameters
    kinds = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
    reads: frozenset[str] = frozenset()
    verbs = (
        Permission("patch", "Deployment"),
        Permission("patch", "StatefulSet"),
        Permission("patch", "DaemonSet"),
    )

    def plan(self, target: Target, params: RestartParameters, live: Live, now: datetime) -> Plan:
        """Return the plan; raise Refused where the annotation would restart nothing."""
        spec = live.workload["spec"]
        if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
            raise Refused(
                "OnDelete",
                f"{target} has update strategy OnDelete: a restart annotation restarts nothing",
                hint="delete its pods one by one",
            )
        if spec.get("paused"):
            raise Refused(
                "Paused", f"the rollout of {target} is paused", hint="resume it with kubectl first"
            )
        old = fields.lookup(live.workload, RESTARTED_AT)
        change = FieldChange(RESTARTED_AT, old, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        meaning = f"{consequence.of_rollout(live.workload)} A restart has no undo."
        return changing_plan(
            target, self.type, params.model_dump(by_alias=True), live.workload, [change], meaning,
            undoable=False,
        )  # fmt: skip
