"""Numbers are there from the start, follow what happens, and end with what they are about."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from remedyd.errors import OutcomeUnknown, Refused
from remedyd.model import Applied, AuditOutcome, State, SystemClock
from remedyd.observability.alerts import AlertKind, Alerts
from remedyd.observability.metrics import Metrics
from remedyd.proposals.gate import Gate
from remedyd.proposals.ids import ProposalIds
from remedyd.proposals.store import Store
from remedyd.scheduler import Scheduler
from remedyd.stages.tally import CountedDoor, Scheduled, Tally
from support.proposals import ALICE, START, a_clock, a_decision, a_plan


@pytest.fixture
def metrics() -> Metrics:
    """The metrics of one daemon."""
    return Metrics()


@pytest.fixture
def store(metrics: Metrics, tmp_path: Path) -> Iterator[Store]:
    """A store that tells the metrics of every move."""
    counted = metrics.transitions
    url = f"sqlite:///{tmp_path}/store.db"
    made = Store(url, a_clock(), entered=lambda state: counted.labels(state.value).inc())
    made.migrate()
    yield made
    made.close()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return the value of a series, None where there is none."""
    return metrics.registry.get_sample_value(name, labels)


def test_a_first_event_is_an_increase(metrics: Metrics) -> None:
    """Counters that are alerted on begin at zero for every known label."""
    Alerts(metrics)
    for state in State:
        assert value(metrics, "remedyd_proposal_transitions_total", state=state) == 0
    for kind in AlertKind:
        assert value(metrics, "remedyd_alerts_total", kind=kind) == 0


def test_no_counter_has_a_second_series_for_its_birth(metrics: Metrics) -> None:
    """What `/metrics` shows is what docs/metrics.md lists."""
    assert b"_created" not in metrics.exposition()


def test_every_move_is_counted_whoever_made_it(metrics: Metrics, store: Store) -> None:
    """A person's decisions are moves like the daemon's own; a note is none."""
    gate = Gate(store, a_clock(), ProposalIds(a_clock()))
    made = gate.propose(a_plan(), a_decision())
    gate.reject(made.id, ALICE, "not now")
    entered = {
        state: value(metrics, "remedyd_proposal_transitions_total", state=state) for state in State
    }
    assert {state for state, count in entered.items() if count} == {State.PROPOSED, State.REJECTED}


def test_open_proposals_are_counted_by_state(metrics: Metrics, store: Store) -> None:
    """One that has ended is not open any more, and every state has its number."""
    gate, tally = (
        Gate(store, a_clock(), ProposalIds(a_clock())),
        Tally(store, metrics, lambda: True),
    )
    made = gate.propose(a_plan(), a_decision())
    tally()
    assert value(metrics, "remedyd_proposals_open", state="Proposed") == 1
    gate.reject(made.id, ALICE, "not now")
    tally()
    assert value(metrics, "remedyd_proposals_open", state="Proposed") == 0


def test_the_switch_and_the_leader_are_seen(metrics: Metrics, store: Store) -> None:
    """Paused as of the last count, leading as of now."""
    leads = [True]
    tally = Tally(store, metrics, lambda: leads[0])
    store.flags.pause("alice", START, "incident")
    tally()
    assert value(metrics, "remedyd_paused") == 1
    assert value(metrics, "remedyd_leading") == 1
    leads[0] = False
    assert value(metrics, "remedyd_leading") == 0


class Door:
    """Does what a test says."""

    def __init__(self, outcome: Applied | Exception) -> None:
        self.outcome = outcome

    def write(self, *_: Any) -> Applied:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    undo = landed = write


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Applied(START, "7", 2), "Written"),
        (Applied(START, "7", 2, recorded=True), "Recorded"),
        (Refused("Paused", "no"), "Refused"),
        (OutcomeUnknown("who knows"), "OutcomeUnknown"),
    ],
)
def test_writes_are_counted_by_what_became_of_them(
    metrics: Metrics, outcome: Applied | Exception, result: str
) -> None:
    """Each attempt at the door, and its outcome is passed on."""
    door, plan = CountedDoor(Door(outcome), metrics), a_plan()
    if isinstance(outcome, Exception):
        with pytest.raises(type(outcome)):
            door.write("p", plan)
    else:
        assert door.write("p", plan) is outcome
    labels = {"action": plan.action, "operation": "write", "result": result}
    assert value(metrics, "remedyd_writes_total", **labels) == 1


def test_an_audit_that_never_ran_is_seen(metrics: Metrics) -> None:
    """Its last success is at zero, and so is each outcome."""
    Scheduled(metrics).follow(["container-memory"])
    name = "remedyd_audit_last_success_timestamp_seconds"
    assert value(metrics, name, audit="container-memory") == 0
    for outcome in AuditOutcome:
        labels = {"audit": "container-memory", "outcome": outcome.value}
        assert value(metrics, "remedyd_audit_runs_total", **labels) == 0


def test_an_audit_that_a_reload_took_away_does_not_look_blind(metrics: Metrics) -> None:
    """Its gauges go, the others stay."""
    scheduled, name = Scheduled(metrics), "remedyd_audit_last_success_timestamp_seconds"
    scheduled.follow(["gone", "kept"])
    metrics.audit_last.labels("kept").set((START + timedelta(hours=1)).timestamp())
    scheduled.follow(["kept"])
    assert value(metrics, name, audit="gone") is None
    assert value(metrics, name, audit="kept") == (START + timedelta(hours=1)).timestamp()


def test_an_audit_tells_its_pace(metrics: Metrics) -> None:
    """The longest time between two runs, while it is run at all; a new one counts at once."""
    pauses = {"hourly": 3600.0, "gone": 60.0}
    scheduled, name = Scheduled(metrics, pauses.__getitem__), "remedyd_audit_interval_seconds"
    scheduled.follow(["hourly", "gone"])
    assert value(metrics, name, audit="hourly") == 3600
    pauses["hourly"] = 60.0
    scheduled.follow(["hourly"])
    assert value(metrics, name, audit="hourly") == 60
    assert value(metrics, name, audit="gone") is None


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("*/5 * * * *", 300),
        ("0 3 * * *", 86_400),
        ("0 8 * * mon-fri", 3 * 86_400),
        ("*/5 8-18 * * mon-fri", 61 * 3600 + 300),
        ("* 8-17 * * *", 14 * 3600 + 60),
        ("0,20 4 * * sun", 7 * 86_400 - 1200),
        ("0 0 31 2 *", 0),
    ],
)
def test_the_pause_of_an_expression_is_its_longest(expression: str, seconds: float) -> None:
    """An audit of working hours is silent over the weekend, and has not gone blind."""
    with ThreadPoolExecutor(1) as pool:
        scheduler = Scheduler(SystemClock(), pool, lambda name: None)
        scheduler.cron("it", expression, lambda: None)
        scheduler.every("other", timedelta(minutes=1), lambda: None)
        assert scheduler.pause("it") == seconds
        assert scheduler.pause("other") == 60
        assert scheduler.pause("none") == 0


def test_the_exposition_is_what_prometheus_reads(metrics: Metrics) -> None:
    """Its own parser takes every line, and no series is there twice."""
    Alerts(metrics)
    Scheduled(metrics).follow(["container-memory"])
    families = list(text_string_to_metric_families(metrics.exposition().decode()))
    series = [(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples]
    assert len(series) == len(set(series))
    assert {family.type for family in families} == {"counter", "gauge", "histogram"}
