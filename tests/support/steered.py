"""The daemon on a lab by hand, with all that fault tests steer: time, faults, other hands."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from remedyd.lab.apiserver.apifaults import Fault
from remedyd.lab.world import Lab
from remedyd.model import ActionRequest, KubeObject, Principal, Proposal, Scope, Target
from remedyd.paths import shipped
from remedyd.proposals.lifecycle import is_open
from support.byhand import ByHand

ADA = Principal("ada", frozenset({Scope.ADMIN}))
DEPLOYMENTS = "apps/v1/deployments"
TIMEOUT = 1.2
"""Seconds after which a request to the API server has failed."""


class Steered(ByHand):
    """The daemon between `with` and its end."""

    def __init__(
        self, lab: Lab, home: Path, policy: str = "", *, timeout: float = TIMEOUT, **settings: Any
    ) -> None:
        """Take a lab without a speed; without a `policy` there is one that never does anything."""
        told = {"kubernetes": {"timeout_seconds": timeout}, **settings}
        super().__init__(lab, home, policy or _idle(), **told)

    def request(
        self, name: str, action: str, params: Mapping[str, Any], kind: str = "Deployment"
    ) -> Proposal:
        """Have a change of a workload in `shop` planned and proposed."""
        target = Target("lab", "shop", kind, name, "app")
        return self.service.request(ADA, target, ActionRequest(action, params))

    def approve(self, proposal: Proposal) -> Proposal:
        """Approve, and let the loop do what it can at this moment."""
        self.service.approve(ADA, proposal.id, proposal.digest)
        return self.advance(proposal)

    def roll_back(self, proposal: Proposal) -> Proposal:
        """Have it taken back, and let the loop do what it can at this moment."""
        self.service.rollback(ADA, proposal.id, "by hand")
        return self.advance(proposal)

    def advance(self, proposal: Proposal) -> Proposal:
        """Let the loop look at a proposal now."""
        self.app.loop.advance(proposal.id, patience=10)
        return self.now(proposal)

    def now(self, proposal: Proposal) -> Proposal:
        """Return a proposal as it stands."""
        return self.service.proposal(ADA, proposal.id)

    def wait(
        self, minutes: float, until: Proposal, *, every: float = 1.0, audit: str = ""
    ) -> Proposal:
        """Let time pass, ticking (and running an audit's cycle) every so many minutes.

        Ends early when the proposal holds its workload no longer; returns it as it stands.
        """
        for _ in range(round(minutes / every)):
            self.lab.advance(timedelta(minutes=every))
            if audit:
                self.app.loop.cycle(audit)
            self.app.loop.tick()
            if not is_open(self.now(until)):
                break
        return self.now(until)

    def bugs(self) -> float:
        """Return how often a stage broke by something that is no error of remedyd's tree."""
        return sum(
            sample.value
            for family in self.app.metrics.stage_errors.collect()
            for sample in family.samples
            if sample.labels.get("error") == "Bug" and sample.name.endswith("_total")
        )

    def fault(self, **named: Any) -> Fault:
        """Have the API server misbehave."""
        return self.lab.apiserver.faults.add(Fault(**named))

    def read(self, name: str, gvr: str = DEPLOYMENTS) -> KubeObject:
        """Return an object of `shop` as it is stored."""
        return self.lab.simulation.store.get(gvr, "shop", name)

    def change(
        self, name: str, write: Any, manager: str = "kubectl", gvr: str = DEPLOYMENTS
    ) -> None:
        """Change an object of `shop` as somebody else."""
        store = self.lab.simulation.store
        with self.lab.simulation.timeline.lock:
            store.mutate(gvr, "shop", name, write, manager=manager)

    def writes(self, proposal: Proposal | None = None) -> list[Any]:
        """Return remedyd's patches that were sent so far (for a proposal), dry runs left out."""
        return [
            one
            for one in self.lab.apiserver.requests
            if one.method == "PATCH"
            and one.user_agent.startswith("remedyd")
            and "dryRun" not in one.query
            and (proposal is None or proposal.id in _marks(one.body))
        ]


def _marks(body: Any) -> Collection[str]:
    found: dict[str, str] = body["metadata"].get("annotations") or {}
    return found.values()


def _idle() -> str:
    """Return a policy that never does anything: the daemon needs one."""
    text = (shipped("policies") / "replica-gap.yaml").read_text(encoding="utf-8")
    return text.replace("mode: Propose", "mode: Disabled")
