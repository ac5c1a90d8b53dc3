"""Simulated time: order, repetition, and a clock that others can follow."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from remedyd.lab.timeline import Timeline, WorkQueue
from remedyd.model.clock import ManualClock

START = datetime(2026, 1, 5, tzinfo=UTC)


@given(st.lists(st.floats(min_value=0, max_value=100, allow_nan=False), max_size=30))
def test_events_run_in_order_of_their_time(delays: list[float]) -> None:
    """Whatever order events are planned in, they run by time, and see their own time."""
    timeline = Timeline(START)
    seen: list[tuple[float, float]] = []
    for delay in delays:
        timeline.after(delay, lambda due=delay: seen.append((due, timeline.seconds)))
    timeline.advance(timedelta(seconds=100))
    assert [due for due, _ in seen] == sorted(delays)
    assert all(due == at for due, at in seen)


def test_events_beyond_the_advance_wait() -> None:
    """An event that is due later than the advance does not run yet."""
    timeline = Timeline(START)
    seen: list[str] = []
    timeline.after(10, lambda: seen.append("late"))
    timeline.advance(timedelta(seconds=9.9))
    assert seen == []


def test_an_event_may_plan_another_within_the_same_advance() -> None:
    """What an event plans for a time inside the advance runs in the same advance."""
    timeline = Timeline(START)
    seen: list[float] = []
    timeline.after(1, lambda: timeline.after(1, lambda: seen.append(timeline.seconds)))
    timeline.advance(timedelta(seconds=3))
    assert seen == [2.0]


def test_every_repeats_without_drift() -> None:
    """A repeated event runs once a period."""
    timeline = Timeline(START)
    seen: list[float] = []
    timeline.every(15, lambda: seen.append(timeline.seconds), first=0.5)
    timeline.advance(timedelta(minutes=1))
    assert seen == [0.5, 15.5, 30.5, 45.5]


def test_time_ends_where_the_advance_says() -> None:
    """After an advance the clock shows exactly its end, whatever ran."""
    timeline = Timeline(START)
    timeline.after(1, lambda: None)
    assert timeline.advance(timedelta(seconds=30)) == START + timedelta(seconds=30)


def test_a_followed_clock_shows_its_time_between_events() -> None:
    """With a pace, readers outside events see the pace's time, events their own."""
    timeline = Timeline(START)
    pace = ManualClock(START + timedelta(seconds=7))
    timeline.pace = pace
    seen: list[datetime] = []
    timeline.at(2, lambda: seen.append(timeline.now()))
    timeline.run_until(pace.now())
    assert seen == [START + timedelta(seconds=2)]
    assert timeline.now() == START + timedelta(seconds=7)


def test_a_work_queue_looks_at_a_key_once() -> None:
    """A key that is added several times before its turn is handled once."""
    timeline = Timeline(START)
    handled: list[tuple[str, str]] = []
    queue = WorkQueue(timeline, handled.append, lambda: 1.0)
    for _ in range(3):
        queue.add(("shop", "web"))
    timeline.advance(timedelta(seconds=5))
    assert handled == [("shop", "web")]


def test_a_work_queue_prefers_the_earlier_turn() -> None:
    """Adding a key with a shorter delay moves its turn forward."""
    timeline = Timeline(START)
    handled: list[float] = []
    queue = WorkQueue(timeline, lambda key: handled.append(timeline.seconds), lambda: 1.0)
    queue.add(("shop", "web"), 60.0)
    queue.add(("shop", "web"))
    timeline.advance(timedelta(minutes=5))
    assert handled == [1.0]
