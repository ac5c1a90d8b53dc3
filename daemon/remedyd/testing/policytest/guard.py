"""Asks the guardrails what only plan and objects can tell, as the daemon does after it decided.

`decide()` has asked them already, with what rows and memory say. What is left is what the live
objects say (annotations, nodes), what the plan says (a remedy that was tried), and, when somebody
approves, everything once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from remedyd.cluster.nodes import readiness_of
from remedyd.model import AuditResult, Decision, DecisionState, Mode, Nodes, Plan, Target, strictest
from remedyd.policy.guardrails import (
    Guardrails,
    Objection,
    Snapshot,
    ceiling,
    objection,
    others_under_change,
)
from remedyd.testing.policytest.fixtures import FixtureCluster


@dataclass(slots=True)
class Guard:
    """The guardrails of one case, over its objects."""

    guardrails: Guardrails
    cluster: FixtureCluster
    _workloads: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def hear(self, results: Sequence[AuditResult]) -> None:
        """Take which workloads there are, as the cycle's rows show them."""
        self._workloads = {}
        for target in (target for result in results for target in result.targets()):
            place = (target.cluster, target.namespace)
            self._workloads.setdefault(place, set()).add(target.workload)

    @property
    def nodes(self) -> Nodes:
        """The nodes among the objects."""
        return readiness_of(self.cluster.list("Node"))

    def lowered(self, decision: Decision) -> Decision:
        """Return the decision in the strictest mode, of its own and those of the annotations.

        Raises NotFound when the objects lack the workload.
        """
        mode, _ = self._ceiling(decision.target)
        return replace(decision, mode=strictest(decision.mode, mode))

    def against(
        self, decision: Decision, plan: Plan | None, state: DecisionState, at: datetime
    ) -> Objection | None:
        """Return what stands against a change that goes as far as the decision's mode."""
        mode, said = self._ceiling(decision.target) if self.cluster.given else (Mode.AUTO, "")
        place = (decision.target.cluster, decision.target.namespace)
        about = Snapshot(
            now=at,
            target=decision.target,
            state=state,
            guardrails=self.guardrails,
            climbing=bool(decision.after),
            tells=plan is not None and plan.tells,
            mode=decision.mode,
            ceiling=mode,
            said=said,
            nodes=self.nodes,
            plan=plan,
        )
        known = self._workloads.get(place, set()) | others_under_change(about)
        return objection(replace(about, workloads=len(known)))

    def _ceiling(self, target: Target) -> tuple[Mode, str]:
        workload = self.cluster.get(target.kind, target.namespace, target.name)
        return ceiling(workload, self.cluster.get("Namespace", "", target.namespace))
