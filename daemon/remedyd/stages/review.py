"""The last look before an approval counts: does the plan still fit, and may it be made now?

A plan is approved minutes or hours after it was made. What the door would refuse is told to the
approver instead, who can still decide otherwise; the door looks again all the same.
"""

from remedyd.actions.planner import Planner
from remedyd.cluster import writes
from remedyd.cluster.client import Reader
from remedyd.errors import NotFound, Refused, Stale
from remedyd.model import KubeObject, Patch, Plan, PrecheckResult, Principal, Proposal
from remedyd.stages.guard import Guard


class Review:
    """Looks at the live object and asks the guardrails."""

    def __init__(self, guard: Guard, cluster: Reader, planner: Planner) -> None:
        """Take whom to ask and where to look."""
        self._guard = guard
        self._cluster = cluster
        self._planner = planner

    def __call__(self, proposal: Proposal, principal: Principal) -> None:
        """Raise Stale with what changed, or Refused; return when nothing stands against it."""
        live = self._fitting(proposal.plan)
        self._guard.check_approval(proposal, principal)
        for check in self._planner.recheck(proposal.plan, live):
            if check.result is PrecheckResult.BLOCK:
                raise Refused(check.name, check.evidence, hint=check.next_step)

    def _fitting(self, plan: Plan) -> KubeObject:
        """Return the live workload, once the object to write is found to be as planned."""
        target = plan.target
        live = self._same(target.kind, target.namespace, target.name, target.uid)
        patch = plan.patch or Patch({})
        written = live
        if patch.kind:
            written = self._same(patch.kind, target.namespace, patch.name, patch.uid)
        if patch.subresource != "eviction":
            writes.as_planned(written, str(target), writes.workload_changes(plan))
        return live

    def _same(self, kind: str, namespace: str, name: str, uid: str) -> KubeObject:
        try:
            found = self._cluster.get(kind, namespace, name)
        except NotFound as error:
            raise Stale(f"{kind}/{namespace}/{name} is gone") from error
        if found["metadata"]["uid"] != uid:
            raise Stale(
                f"{kind}/{namespace}/{name} was deleted and made anew since the plan",
                hint="wait for the next audit",
            )
        return found
