"""Over recorded incidents, the shipped audits and policies propose what was right, no more."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cli.main import build
from remedyd.model import DecisionKind, ManualClock
from remedyd.offline.recording import RecordingSource
from remedyd.paths import shipped
from remedyd.policy.loader import load_policies
from remedyd.testing.backtest.run import Backtest
from remedyd.testing.replay import Cycle, every, span
from remedyd.testing.replay import proposed as made

RECORDING = Path(__file__).parents[1] / "recordings" / "telemetry"
SILENT = ("otel-demo/cart", "shop/catalog", "shop/email", "shop/currency", "otel-demo/quote")


def cycles_over(interval: timedelta) -> Sequence[Cycle]:
    clock = ManualClock(datetime.max.replace(tzinfo=UTC))
    source = RecordingSource(RECORDING, clock)
    start, end = span(source)
    audits = load_audits([shipped("esql")])
    policies = load_policies([shipped("policies")], audits=audits.specs, actions=SCHEMAS)
    times = every(start + interval, end, interval)
    return list(Backtest(source, clock, audits, [policies], times, cluster="shop-prod").cycles())


@pytest.fixture(scope="module")
def cycles() -> Sequence[Cycle]:
    """The recording, judged every minute."""
    return cycles_over(timedelta(minutes=1))


def proposed(cycles: Sequence[Cycle]) -> dict[tuple[str, str], datetime]:
    found: dict[tuple[str, str], datetime] = {}
    for cycle in cycles:
        for decision in made(cycle.decided[0]):
            target = decision.target
            found.setdefault((decision.policy, f"{target.namespace}/{target.name}"), cycle.at)
    return found


def test_the_oom_loop_of_checkout_is_found(cycles: Sequence[Cycle]) -> None:
    """More memory is proposed for shop/checkout while it is being killed, and not before."""
    at = proposed(cycles)[("oom-raise-memory", "shop/checkout")]
    assert datetime(2026, 11, 22, 22, 15, 25, tzinfo=UTC) < at
    assert at < datetime(2026, 11, 22, 22, 24, 55, tzinfo=UTC)


def test_the_lowered_limit_of_cart_is_found_after_the_node_problem(
    cycles: Sequence[Cycle],
) -> None:
    """shop/cart gets memory once it is killed for want of it, not while its node is gone."""
    at = proposed(cycles)[("oom-raise-memory", "shop/cart")]
    assert at > datetime(2026, 11, 22, 22, 33, 45, tzinfo=UTC)


@pytest.mark.parametrize("workload", SILENT)
def test_a_healthy_workload_is_never_proposed_for(cycles: Sequence[Cycle], workload: str) -> None:
    """Rolling updates, scaling to zero, one restart and old restarts are no incidents."""
    assert not [key for key in proposed(cycles) if key[1] == workload]


def test_lost_pods_of_a_dead_node_are_not_restarted(cycles: Sequence[Cycle]) -> None:
    """While worker-4 is gone, the gaps it causes lead to no restart."""
    assert not [key for key in proposed(cycles) if key[0] == "replica-gap"]


def test_everything_else_has_a_reason(cycles: Sequence[Cycle]) -> None:
    """Whatever is not proposed says why."""
    rest = [d for c in cycles for d in c.decided[0] if d.kind is not DecisionKind.PROPOSE]
    assert rest
    assert all(decision.reason and decision.detail for decision in rest)


def test_memory_is_never_raised_for_a_crash_that_is_not_memory(
    cycles: Sequence[Cycle],
) -> None:
    """shop/payment exits with code 1: no resource change."""
    assert ("oom-raise-memory", "shop/payment") not in proposed(cycles)


def test_the_command_prints_what_would_be_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    """`remedyd replay -o json` lists each cycle with its decisions."""
    app = build("replay")
    app(["replay", str(RECORDING), "--every", "10m", "-o", "json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert [sorted(cycle) for cycle in told] == [["at", "audits", "decisions"]] * 4
