"""The clock is set while the daemon runs, or is wrong: nothing is done that rests on it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remedyd.cluster.dates import Dates
from remedyd.errors import Expired, Refused
from remedyd.model import (
    DecisionState,
    Drift,
    ManualClock,
    Principal,
    Proposal,
    ProposalId,
    Scope,
    State,
    SystemClock,
)
from remedyd.observability.metrics import Metrics
from remedyd.scheduler import Scheduler
from remedyd.stages.patience import Patience
from remedyd.stages.spacing import Spacing
from remedyd.stages.timekeeping import APART, SETTLING, Timekeeping
from support.daemons import Daemon
from support.fakecluster import FakeCluster, Fault, cluster
from support.guardrails import change, minutes, objection, snapshot
from support.proposals import ALICE, a_clock

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ADA = Principal("ada", frozenset({Scope.ADMIN}))


class Machine:
    """The machine's two times, set by hand."""

    def __init__(self) -> None:
        """Begin at some moment."""
        self.wall = NOW
        self.passed = 100.0

    def drift(self) -> Drift:
        """Return what watches the two."""
        return Drift(lambda: self.wall, lambda: self.passed)

    def live(self, seconds: float, extra: timedelta = timedelta(0)) -> None:
        """Let time pass, and the clock be set by `extra`."""
        self.passed += seconds
        self.wall += timedelta(seconds=seconds) + extra


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(seconds=-3)])
def test_a_clock_that_is_set_is_noticed_once(by: timedelta) -> None:
    """Wall time moves against time that only passes; slewing by a time service is no jump."""
    machine = Machine()
    drift = machine.drift()
    machine.live(1, timedelta(milliseconds=500))
    assert drift.look() == timedelta(0)
    machine.live(1, by)
    assert drift.look() == by
    machine.live(1)
    assert drift.look() == timedelta(0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for jobs."""
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_jobs_go_on_when_the_clock_is_set(pool: ThreadPoolExecutor, by: timedelta) -> None:
    """What goes by intervals runs at once, instead of an hour later; whoever asked is told."""
    machine = Machine()
    ran, told = threading.Semaphore(0), list[timedelta]()
    scheduler = Scheduler(SystemClock(), pool, lambda name: None, drift=machine.drift())
    scheduler.every("job", HOUR, ran.release)
    scheduler.cron("nightly", "0 3 * * *", ran.release)
    scheduler.on_jump(told.append)
    scheduler.start()
    try:
        assert ran.acquire(timeout=5), "it did not run at the start"
        machine.live(1, by)
        assert ran.acquire(timeout=5), "it did not run after the clock was set"
        assert not ran.acquire(blocking=False), "the nightly job ran too"
    finally:
        scheduler.stop()
    assert told[0] == by


def kept(ahead: timedelta | None) -> Timekeeping:
    """Return timekeeping whose clock is so far ahead of the API server's."""
    return Timekeeping(SystemClock(), lambda: ahead, Metrics(), lambda: 0.0)


@pytest.mark.parametrize(
    ("ahead", "word"),
    [
        (None, ""),
        (timedelta(0), ""),
        (APART, ""),
        (-APART, ""),
        (HOUR, "3600 s ahead of"),
        (-HOUR, "3600 s behind"),
    ],
)
def test_a_clock_a_minute_off_is_not_believed(ahead: timedelta | None, word: str) -> None:
    """The API server's clock is the measure; `/readyz` says how far apart they are."""
    reasons = kept(ahead).reasons()
    assert word in reasons[0] if word else reasons == []


def test_the_last_answer_counts() -> None:
    """An answer without a date changes nothing; one with the right time ends the trouble."""
    clock = ManualClock(NOW)
    dates = Dates(clock)
    assert dates.ahead() is None
    dates.heard({"Date": "Mon, 23 Nov 2026 08:00:00 GMT"})
    for useless in ({}, {"Date": "yesterday"}):
        dates.heard(useless)
        assert dates.ahead() == HOUR
    dates.heard({"Date": "Mon, 23 Nov 2026 09:00:00 GMT"})
    assert dates.ahead() == timedelta(0)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_policies_hold_still_after_a_jump(by: timedelta) -> None:
    """For as long as a window may hold telemetry of two times; people may act."""
    passed = [0.0]
    metrics = Metrics()
    watch = Timekeeping(SystemClock(), lambda: None, metrics, lambda: passed[0])
    assert watch.notices() == []
    watch.jumped(by)
    assert "cannot be dated for another 15 min" in watch.notices()[0]
    about = snapshot(clock_set=watch.unsettled())
    found = objection(about)
    assert found is not None and found.reason == "ClockSet"
    assert objection(snapshot(clock_set=watch.unsettled(), requested=True)) is None
    passed[0] = SETTLING.total_seconds()
    assert watch.unsettled() == ""
    assert b"remedyd_clock_jumps_total{way=" in metrics.exposition()


def test_a_small_correction_disturbs_nobody() -> None:
    """What a time service corrects in a second is told, and nothing waits for it."""
    watch = kept(None)
    watch.jumped(timedelta(seconds=5))
    assert watch.unsettled() == ""


class Off:
    """How far the daemon's clock is ahead."""

    def __init__(self) -> None:
        """Begin in agreement."""
        self.by = timedelta(0)

    def __call__(self) -> timedelta:
        """Return it."""
        return self.by


@pytest.fixture
def off() -> Off:
    """Return how far the daemon's clock is ahead of the API server's."""
    return Off()


@pytest.fixture
def world() -> FakeCluster:
    """Return a cluster of a few Deployments."""
    return cluster("cart", "web", *(f"w{n}" for n in range(8)))


@pytest.fixture
def daemon(world: FakeCluster, tmp_path: Path, off: Off) -> Iterator[Daemon]:
    """Return a daemon on it."""
    made = Daemon(tmp_path, world, a_clock(), ahead=off)
    yield made
    made.close()


def proposed(daemon: Daemon, name: str = "cart") -> Proposal:
    """Have a policy propose something."""
    found = daemon.propose(name)
    assert found is not None
    return found


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_nothing_begins_by_a_wrong_clock(daemon: Daemon, off: Off, by: timedelta) -> None:
    """No proposal, no approval, no write; what was approved waits and goes on by itself."""
    waiting, approved = proposed(daemon), daemon.approve(proposed(daemon, "web"), ALICE)
    off.by = by
    assert daemon.propose("w0") is None
    with pytest.raises(Refused, match="3600 s") as refused:
        daemon.approve(waiting, ALICE)
    assert refused.value.reason == "ClockWrong"
    daemon.loop.tick()
    held = daemon.store.get(approved.id)
    assert held.state is State.APPLYING
    assert held.reason.startswith("waits (ClockWrong): ")
    assert daemon.cluster.landed == []
    off.by = timedelta(0)
    assert daemon.settle(approved.id).state is State.EFFECTIVE


def test_taking_back_does_not_wait_for_the_clock(daemon: Daemon, off: Off) -> None:
    """An undo leads back to what is known to have been, whatever the time is."""
    made = daemon.approve(proposed(daemon), ALICE)
    assert daemon.settle(made.id).state is State.EFFECTIVE
    off.by = HOUR
    daemon.gate.rollback(made.id, ADA)
    assert daemon.settle(made.id, minutes=15).state is State.ROLLED_BACK


def test_what_is_dated_later_than_now_is_too_old_to_approve(daemon: Daemon) -> None:
    """The clock was set back behind the proposal: nobody knows its age, so it has expired."""
    first, second = proposed(daemon), proposed(daemon, "web")
    daemon.clock.advance(-HOUR)
    with pytest.raises(Expired):
        daemon.approve(first, ALICE)
    daemon.loop.tick()
    for one in (first, second):
        ended = daemon.store.get(one.id)
        assert ended.state is State.EXPIRED
        assert "the clock was set back" in ended.reason


def test_a_replica_whose_clock_is_a_little_behind_may_approve(daemon: Daemon) -> None:
    """Clocks of replicas differ by seconds: that is no jump."""
    made = proposed(daemon)
    daemon.clock.advance(-timedelta(seconds=50))
    assert daemon.approve(made, ALICE).state is State.APPROVED


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_an_approval_is_not_used_across_a_jump(daemon: Daemon, by: timedelta) -> None:
    """Forward it has run out; back nobody knows whether it has: nothing is written."""
    made = daemon.approve(proposed(daemon), ALICE)
    daemon.clock.advance(by)
    daemon.loop.tick()
    assert daemon.store.get(made.id).state is State.EXPIRED
    assert daemon.cluster.landed == []


@pytest.mark.parametrize("by", [HOUR, -HOUR])
@pytest.mark.parametrize("landed", [True, False])
def test_a_write_under_way_is_read_back_after_a_jump(
    daemon: Daemon, by: timedelta, landed: bool
) -> None:
    """The answer was lost and the clock was set: what the cluster shows decides."""
    made = daemon.approve(proposed(daemon), ALICE)
    daemon.cluster.write_faults = [Fault.LOST if landed else Fault.UNAVAILABLE] * 20
    daemon.cluster.faults = []
    daemon.loop.tick()
    writes = len(daemon.cluster.landed)
    daemon.cluster.write_faults = []
    daemon.clock.advance(by)
    daemon.timekeeping.jumped(by)
    daemon.loop.tick()
    found = daemon.store.get(made.id).state
    assert found is State.EXPIRED if not landed else found not in (State.EXPIRED, State.APPLYING)
    assert len(daemon.cluster.landed) == writes == int(landed)


def test_limits_count_what_is_dated_later_than_now() -> None:
    """Set back, the clock does not give the hour's rate anew."""
    ahead = [change(f"p{n}", f"w{n}", ago=-30, lasted=None) for n in range(10)]
    spec = "{concurrency: 100, workloadsPercent: 100}"
    found = objection(snapshot(spec, state=DecisionState(changes=tuple(ahead))))
    assert found is not None and found.reason == "RateLimit"


def test_a_cooldown_lasts_longer_never_shorter() -> None:
    """Set back, the clock has the target left alone for longer."""
    recent = change(ago=-40, lasted=5)
    found = objection(snapshot(state=DecisionState(changes=(recent,))))
    assert found is not None and found.reason == "Cooldown"


def test_a_retry_after_is_not_stretched_by_a_jump() -> None:
    """Two minutes that the API server asked for do not become an hour."""
    clock, key = ManualClock(NOW), ProposalId("p")
    patience = Patience(clock)
    error = Refused("x", "y")
    error.retry_after = 120.0  # type: ignore[attr-defined]
    patience.asked(key, error)  # type: ignore[arg-type]
    assert not patience.over(key)
    clock.advance(-HOUR)
    assert patience.over(key)


def test_what_is_remembered_of_proposals_is_bounded() -> None:
    """A look is due again when it was long ago, dated later than now, or forgotten."""
    spacing, half = Spacing(), minutes(0.5)
    for number in range(3000):
        spacing.note(ProposalId(f"p{number}"), NOW)
    assert len(spacing) == 1000
    last = ProposalId("p2999")
    assert spacing.within(last, NOW + half / 2, half)
    assert not spacing.within(last, NOW + half, half)
    assert not spacing.within(last, NOW - HOUR, half)
    assert not spacing.within(ProposalId("p0"), NOW, half)
    spacing.forget(last)
    assert not spacing.within(last, NOW, half)
