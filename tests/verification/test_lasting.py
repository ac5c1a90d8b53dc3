"""A change is worth nothing unless it lasts and arrives: whole daemons on the lab."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import HoldKind, KubeObject, Outcome, Proposal, State
from remedyd.proposals.query import ProposalFilter
from support.byhand import ANN
from support.steered import ADA, Steered

SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec("shop", name, f"registry.example.com/{name}:1", "70Mi", "20m", 2)
        for name in ("cart", "checkout")
    ),
    namespaces=("default", "kube-system", "shop"),
)
POLICY = """
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {name: memory}
spec:
  mode: Auto
  audit: {name: container-memory, severities: [critical]}
  match: {targetKinds: [Deployment]}
  steps:
    - name: raise
      maxAttempts: 9
      action: {type: UpdateResources, updateResources: {memory: {factor: 2, max: 4Gi}}}
      verify: {after: 1m, observe: 10m, timeout: 1h}
      onFailure: Rollback
  cooldown: 1m
  limits: {maxPerHour: 50, maxTargetsPercent: 100}
"""
GUARDRAILS = """
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: limits}
spec: {workloadsPercent: 100, cooldown: {initial: 1s, longest: 1s}}
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Steered]:
    """A daemon in mode Auto, and cart killed for want of memory again and again."""
    minute = timedelta(minutes=1)
    lab = Lab(seed=3, history=5 * minute, interval=minute / 2, scenario=SCENARIO)
    limits = tmp_path / "limits.yaml"
    limits.write_text(GUARDRAILS, encoding="utf-8")
    with lab, Steered(lab, tmp_path, POLICY, timeout=10.0, guardrails=limits) as made:
        lab.inject("oom", "shop/cart", need=175)
        yield made
        assert made.bugs() == 0


def proposals(daemon: Steered) -> list[Proposal]:
    """Return all proposals, oldest first."""
    page = daemon.service.proposals(ANN, ProposalFilter())
    return list(page.items[::-1])


def first(daemon: Steered, minutes: int = 15) -> Proposal:
    """Live until something was written and return its proposal."""
    for _ in range(minutes):
        daemon.live(1)
        if (made := proposals(daemon)) and made[0].applied is not None:
            return made[0]
    raise AssertionError("nothing was written")


def ended(daemon: Steered, proposal: Proposal, minutes: int = 40) -> Proposal:
    """Live until the proposal holds its workload no longer."""
    return daemon.wait(minutes, proposal)


def held(daemon: Steered) -> list[str]:
    """Return why targets are set aside."""
    holds = daemon.service.controls.holds(ADA)
    return [hold.detail for hold in holds if hold.kind is HoldKind.QUARANTINE]


def alerts(daemon: Steered, kind: str) -> float:
    """Return how often a person was called for this."""
    return daemon.app.metrics.alerts.labels(kind)._value.get()


def test_a_change_that_nobody_touches_is_proved(daemon: Steered) -> None:
    """Without a meddler the same raise is Effective, and nothing is set aside."""
    proved = ended(daemon, first(daemon))
    assert proved.state is State.EFFECTIVE
    assert held(daemon) == []


def test_what_a_gitops_controller_reverts_is_superseded_by_name(daemon: Steered) -> None:
    """The verdict names the manager, the target is set aside, nothing is written again."""
    proposal = first(daemon)
    daemon.change("cart", _back, manager="argocd-controller")
    lost = ended(daemon, proposal)
    assert lost.state is State.SUPERSEDED
    assert lost.verdict is not None
    assert lost.verdict.outcome is Outcome.INEFFECTIVE
    assert lost.verdict.reason == "RevertedBy argocd-controller"
    assert "128Mi again instead of 256Mi, set by argocd-controller" in lost.verdict.detail
    assert alerts(daemon, "Reverted") == 1
    [why] = held(daemon)
    assert why.startswith("RevertedBy argocd-controller: ")
    written = len(daemon.writes())
    daemon.live(4)
    assert len(daemon.writes()) == written


def _back(obj: KubeObject) -> None:
    container = obj["spec"]["template"]["spec"]["containers"][0]
    container["resources"]["limits"]["memory"] = "128Mi"


def test_a_sync_within_the_minute_is_seen(daemon: Steered) -> None:
    """A controller that heals at once leaves no time for a proof; it is named all the same."""
    daemon.lab.inject("gitops", "shop/cart", sync=20)
    lost = ended(daemon, first(daemon))
    assert lost.state is State.SUPERSEDED
    assert lost.verdict is not None
    assert lost.verdict.reason == "RevertedBy argocd-controller"


def test_what_never_arrives_in_the_pods_is_taken_back(daemon: Steered) -> None:
    """A webhook caps the pods: ChangeNotEffective, undone, set aside."""
    daemon.lab.inject("capped", "shop/cart")
    lost = ended(daemon, first(daemon))
    assert lost.verdict is not None
    assert (lost.state, lost.verdict.reason) == (State.ROLLED_BACK, "ChangeNotEffective")
    assert "has 128Mi at" in lost.verdict.detail
    assert alerts(daemon, "ChangeNotEffective") == 1
    assert held(daemon)[0].startswith("ChangeNotEffective: ")
    template = daemon.read("cart")["spec"]["template"]["spec"]["containers"][0]
    assert template["resources"]["limits"]["memory"] == "128Mi"


def test_a_nightly_job_that_reverts_a_proved_change_is_found_at_the_next_plan(
    daemon: Steered,
) -> None:
    """Long after Effective the old value is back: no war, the target is set aside by name."""
    proved = ended(daemon, first(daemon))
    assert proved.state is State.EFFECTIVE
    daemon.lab.advance(timedelta(minutes=10))
    daemon.change("cart", _back, manager="rebalance-job")
    daemon.until(lambda: held(daemon), minutes=15)
    assert [one.id for one in proposals(daemon)] == [proved.id]
    [why] = held(daemon)
    assert why.startswith("RevertedBy rebalance-job: ")
    assert alerts(daemon, "Reverted") == 1


def test_a_larger_limit_by_hand_is_no_revert(daemon: Steered) -> None:
    """Somebody who gave more since is not in the way of the next raise."""
    proved = ended(daemon, first(daemon))
    daemon.lab.clear("oom", "shop/cart")

    def more(obj: KubeObject) -> None:
        container = obj["spec"]["template"]["spec"]["containers"][0]
        container["resources"]["limits"]["memory"] = "512Mi"

    daemon.change("cart", more)
    daemon.lab.advance(timedelta(minutes=10))
    daemon.lab.inject("oom", "shop/cart", need=800)
    daemon.until(lambda: len(proposals(daemon)) == 2, minutes=15)
    assert proposals(daemon)[1].id != proved.id
    assert held(daemon) == []
