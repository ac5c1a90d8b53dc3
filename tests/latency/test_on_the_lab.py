"""High latency at little CPU, on the lab: more replicas where they cure, none where they do not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.lab.scenario import Scenario
from remedyd.lab.world import Lab
from remedyd.model import DecisionKind, State
from remedyd.paths import shipped
from support.byhand import ANN, ByHand
from support.labcluster import spec

POLICY = (shipped("policies") / "latency-scale-out.yaml").read_text(encoding="utf-8")
CALLS = {"frontend": "checkout", "checkout": "payment,orders-db=6", "payment": "", "catalog": ""}
SHOP = Scenario(
    workloads=[
        spec(
            name,
            cpu="40m",
            traffic={"requests": "17", "latency": "40"} | ({"calls": calls} if calls else {}),
        )
        for name, calls in CALLS.items()
    ],
    nodes=("worker-1",),
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[ByHand]:
    with (
        Lab(
            seed=1, scenario=SHOP, history=timedelta(minutes=20), interval=timedelta(seconds=30)
        ) as lab,
        ByHand(lab, tmp_path, POLICY) as made,
    ):
        yield made


def reasons(daemon: ByHand) -> dict[str, str]:
    """Return for each workload why the policy left it alone: the condition, or the reason."""
    _, judged = daemon.service.policy(ANN, "latency-scale-out")
    assert judged is not None
    return {
        decision.target.name: decision.condition or decision.reason
        for decision in judged.decisions
        if decision.kind is not DecisionKind.PROPOSE
    }


def test_a_full_service_is_given_replicas_and_that_is_proved_to_help(daemon: ByHand) -> None:
    """Payment is full, its callers wait for it: payment alone is scaled, and all recover."""
    daemon.lab.inject("saturated", "shop/payment")
    made = daemon.until(daemon.ended(State.PROPOSED), minutes=20)
    assert str(made.plan.target) == "Deployment/shop/payment"
    assert made.row.values["slowdown"] > 2
    assert made.row.values["cpu_pct"] < 60
    left = reasons(daemon)
    assert (left["frontend"], left["checkout"], left["catalog"]) == ("Severity",) * 3
    proved = daemon.until(daemon.ended(State.EFFECTIVE), minutes=25, approve=True)
    assert (proved.id, daemon.get("payment")["spec"]["replicas"]) == (made.id, 4)
    assert len(daemon.proposals()) == 1


def test_what_waits_for_a_slow_dependency_is_not_scaled(daemon: ByHand) -> None:
    """Checkout's database is slow: no replicas for it, nor for the frontend that calls it."""
    daemon.lab.inject("slow-dependency", "shop/checkout", factor=100)
    daemon.live(15)
    row = next(
        row
        for row in daemon.service.audit(ANN, "service-latency")[1].rows
        if row.target.name == "checkout"
    )
    assert row.values["slowdown"] > 2
    assert row.values["dependency_pct"] > 90
    assert not daemon.proposals()
    assert reasons(daemon)["checkout"] == "Severity"
