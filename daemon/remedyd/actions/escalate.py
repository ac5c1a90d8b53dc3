"""Escalate: change nothing, tell a person, with the evidence."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from remedyd.actions.action import Live, Parameters
from remedyd.cluster.access import Permission
from remedyd.cluster.rollout import rollout_status
from remedyd.model.plan import Plan
from remedyd.model.target import Target


class EscalateParameters(Parameters):
    """Parameters of `Escalate`."""

    severity: Literal["warning", "critical"] = "critical"
    """How loudly to tell."""
    summary: str = Field("A person has to look at this.", min_length=1, max_length=300)
    """What to tell, in a sentence."""


class Escalate:
    """The action `Escalate`: a plan without a write."""

    type = "Escalate"
    params = EscalateParameters
    kinds = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
    reads: frozenset[str] = frozenset()
    verbs: tuple[Permission, ...] = ()

    def plan(self, target: Target, params: EscalateParameters, live: Live, now: datetime) -> Plan:
        """Return a plan that says what to tell; the live state is part of it."""
        rollout = rollout_status(live.workload)
        return Plan(
            target=target.with_uid(live.workload["metadata"]["uid"]),
            action=self.type,
            params=params.model_dump(by_alias=True),
            changes=(),
            patch=None,
            undo=None,
            diff=f"rollout {rollout.state}: {rollout.evidence}",
            consequence=params.summary,
            resource_version=str(live.workload["metadata"].get("resourceVersion", "")),
        )
