"""Scaling back, raising an autoscaler's maximum, evicting a pod: whole daemons on the lab."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.lab.controllers.objects import DEPLOYMENTS
from remedyd.lab.scenario import Scenario
from remedyd.lab.world import Lab
from remedyd.model import KubeObject, State
from support.byhand import ByHand
from support.labcluster import spec

AUTOSCALERS = "autoscaling/v2/horizontalpodautoscalers"
BUDGETS = "policy/v1/poddisruptionbudgets"
POLICY = """
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {name: tried}
spec:
  audit: {name: %s, severities: [warning, critical]}
  steps:
    - name: only
      maxAttempts: 1
      action: %s
      verify: {after: 1m, observe: 5m, timeout: 1h}
  limits: {maxTargetsPercent: 100}
"""
SHOP = Scenario(
    workloads=[
        spec(
            name,
            cpu="40m",
            replicas=3,
            traffic={"requests": "25", "latency": "40"} if name == "cart" else {},
        )
        for name in ("cart", "ad")
    ],
    nodes=("worker-1",),
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[[str, str], Any]]:
    @contextmanager
    def made(audit: str, action: str) -> Iterator[ByHand]:
        with (
            Lab(
                seed=1,
                scenario=SHOP,
                history=timedelta(minutes=20 if audit == "service-latency" else 8),
                interval=timedelta(seconds=30),
            ) as lab,
            ByHand(lab, tmp_path, POLICY % (audit, action)) as found,
        ):
            yield found

    yield made


BASELINE = "{type: ScaleToBaseline, scaleToBaseline: {baselineFrom: baseline, max: 5}}"


def test_what_was_scaled_to_nothing_gets_its_last_healthy_count_back(daemon: Any) -> None:
    """The audit remembers three; the daemon scales to three, and the audit is content."""
    with daemon("replica-baseline", BASELINE) as found:
        found.lab.inject("zero", "shop/cart")
        proved = found.until(found.ended(State.EFFECTIVE), minutes=30, approve=True)
        assert proved.row.values["baseline"] == 3
        assert "Back to the baseline of 3" in proved.plan.consequence
        assert found.get("cart")["spec"]["replicas"] == 3
        undone = found.take_back(proved)
        assert undone.state is State.ROLLED_BACK
        assert found.get("cart")["spec"]["replicas"] == 0


ADJUST = "{type: AdjustHPA, adjustHPA: {step: 2, max: 6}}"


def autoscaler(found: ByHand, *, limited: bool) -> None:
    condition = {
        "type": "ScalingLimited",
        "status": str(limited),
        "reason": "TooManyReplicas" if limited else "DesiredWithinRange",
        "lastTransitionTime": "2026-01-05T08:50:00Z",
    }
    body: KubeObject = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"},
        },
        "status": {"currentReplicas": 3, "desiredReplicas": 3, "conditions": [condition]},
    }
    store = found.lab.simulation.store
    store.create(AUTOSCALERS, "shop", body, manager="kubectl")

    def status(obj: KubeObject) -> None:
        obj["status"] = body["status"]

    store.mutate(AUTOSCALERS, "shop", "cart", status, manager="hpa", subresource="status")


def test_an_autoscaler_at_its_maximum_may_go_further(daemon: Any) -> None:
    """Its maximum is raised by the step; it scales, and latency proves that it was right."""
    with daemon("service-latency", ADJUST) as found:
        autoscaler(found, limited=True)
        found.lab.inject("saturated", "shop/cart")

        def scale(obj: KubeObject) -> None:
            obj["spec"]["replicas"] = 5

        found.until(found.ended(State.VERIFYING), minutes=25, approve=True)
        assert found.get("cart", "HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 5
        assert found.get("cart")["spec"]["replicas"] == 3, "replicas are the autoscaler's"
        found.lab.simulation.store.mutate(DEPLOYMENTS, "shop", "cart", scale, manager="hpa")
        proved = found.until(found.ended(State.EFFECTIVE), minutes=25)
        assert found.take_back(proved).state is State.ROLLED_BACK
        assert found.get("cart", "HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 3


def test_an_autoscaler_within_its_bounds_is_left_alone(daemon: Any) -> None:
    """It does not say that its maximum holds it back: nothing is proposed."""
    with daemon("service-latency", ADJUST) as found:
        autoscaler(found, limited=False)
        found.lab.inject("saturated", "shop/cart")
        found.live(15)
        assert not found.proposals()
        refused = found.app.metrics.decisions.labels("tried", "Refused", "NotLimited")
        assert refused._value.get() > 0


EVICT = "{type: DeletePod, deletePod: {}}"


def test_one_pod_that_hangs_is_evicted_and_another_comes(daemon: Any) -> None:
    """The pod that is not ready goes, its successor is fine, and the gap is closed."""
    with daemon("replica-gap", EVICT) as found:
        found.lab.inject("stuck", "shop/cart")
        proved = found.until(found.ended(State.EFFECTIVE), minutes=40, approve=True)
        assert proved.plan.patch.subresource == "eviction"
        assert found.get("cart")["status"]["readyReplicas"] == 3
        with pytest.raises(Exception, match="no undo"):
            found.take_back(proved)


def test_a_budget_without_room_blocks_the_eviction(daemon: Any) -> None:
    """All three are to be available and one is not: nothing is proposed, the budget is named."""
    with daemon("replica-gap", EVICT) as found:
        budget = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "cart", "namespace": "shop"},
            "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "cart"}}},
        }
        found.lab.simulation.store.create(BUDGETS, "shop", budget, manager="kubectl")
        found.lab.inject("stuck", "shop/cart")
        found.live(12)
        assert not found.proposals()
        refused = found.app.metrics.decisions.labels("tried", "Refused", "Blocked")
        assert refused._value.get() > 0
