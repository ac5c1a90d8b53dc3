"""The last rung tells a person: whole daemons on the lab, from the fault to the call."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.errors import Conflict
from remedyd.lab.controllers.objects import DEPLOYMENTS
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import ActionRequest, KubeObject, State, Target
from support.byhand import ANN, ByHand

POLICY = """
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {name: memory}
spec:
  audit: {name: container-memory, severities: [critical]}
  matchConditions: [{name: killed, expression: oom_kills > oom_pods}]
  steps:
    - name: raise
      action: {type: UpdateResources, updateResources: {memory: {factor: 1.5, max: 4Gi}}}
      onFailure: Next
    - name: tell
      maxAttempts: 1
      action: {type: Escalate, escalate: {summary: More memory does not help cart.}}
  cooldown: 30m
  limits: {maxTargetsPercent: 50}
"""


SHOP = Scenario(
    workloads=[
        WorkloadSpec("shop", name, f"registry.example.com/shop/{name}:1", "60Mi", "20m")
        for name in ("cart", "ad", "email")
    ],
    nodes=("worker-1",),
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[ByHand]:
    with (
        Lab(seed=1, scenario=SHOP, history=timedelta(minutes=5)) as lab,
        ByHand(lab, tmp_path, POLICY) as made,
    ):
        yield made


def test_a_person_is_told_what_was_tried_and_how_it_ended(daemon: ByHand) -> None:
    """A raise that is proved useless is taken back, and the next rung calls a person, once."""
    daemon.lab.inject("insatiable", "shop/cart")
    undone = daemon.until(daemon.ended(State.ROLLED_BACK), approve=True)
    told = daemon.until(daemon.ended(State.ESCALATED), minutes=5)
    assert (told.plan.action, told.step, told.after) == ("Escalate", "tell", undone.id)
    assert f"raise of proposal {undone.id} was Ineffective" in told.reason
    daemon.live(5)
    assert [p.id for p in daemon.proposals(State.ESCALATED)] == [told.id]


def test_a_person_who_asks_for_another_is_heard_at_once(daemon: ByHand) -> None:
    """A requested escalation waits for nobody's approval, and nothing is written."""
    asked = ActionRequest("Escalate", {"summary": "Look at cart, please.", "severity": "warning"})
    before = daemon.get("cart")
    made = daemon.service.request(ANN, Target("lab", "shop", "Deployment", "cart"), asked)
    assert made.state is State.ESCALATED
    assert [event.action for event in daemon.service.events(ANN, made.id)] == ["escalate"]
    assert "Look at cart, please." in made.summary
    assert daemon.get("cart") == before
    told = daemon.app.metrics.alerts.labels("Escalation")
    assert told._value.get() == 1.0
    with pytest.raises(Conflict, match="Escalated"):
        daemon.service.approve(ANN, made.id, made.digest)


def test_a_leak_is_not_fed(daemon: ByHand) -> None:
    """A release whose memory grows in a line is never given more: a person hears of a leak."""
    daemon.lab.inject("leak", "shop/cart", rate=18)

    def release(obj: KubeObject) -> None:
        obj["spec"]["template"]["metadata"]["annotations"]["release"] = "2"

    daemon.lab.simulation.store.mutate(DEPLOYMENTS, "shop", "cart", release, manager="kubectl")
    told = daemon.until(daemon.ended(State.ESCALATED), minutes=25)
    assert told.step == "suspected-leak"
    assert told.row.values["memory_growth_mib_per_minute"] == pytest.approx(18, rel=0.2)
    assert [proposal.plan.action for proposal in daemon.proposals()] == ["Escalate"]
