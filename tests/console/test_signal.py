"""The curve of a signal is what the audit saw, asked for in bounded time, drawn without a trick."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from remedyd.audits.loader import load_audits
from remedyd.model import (
    Applied,
    AuditOutcome,
    AuditResult,
    ManualClock,
    Proposal,
    State,
    Target,
    Window,
)
from remedyd.paths import shipped
from remedyd.server.console import chart
from remedyd.stages.signals import POINTS, Moment, Signals
from support.proposals import START, a_proposal, a_row

AUDITS = load_audits((shipped("esql"),))
AUDIT = AUDITS["container-memory"]
LATER = START + timedelta(minutes=30)


class Runner:
    """Answers each run with a row whose kills are `kills(end of the window)`; None: no row."""

    def __init__(self, kills: Callable[[datetime], int | None]) -> None:
        """Take what is seen when."""
        self.kills = kills
        self.windows: list[Window] = []

    def run(self, definition: Any, *, window: Window, scope: Target) -> AuditResult:
        """Return one run."""
        self.windows.append(window)
        seen = self.kills(window.end)
        if seen is None:
            return AuditResult("container-memory", AuditOutcome.NO_DATA, window, detail="no row")
        rows = (a_row(scope, oom_kills=seen),)
        return AuditResult("container-memory", AuditOutcome.OK, window, rows)


def _signals(runner: Runner, now: datetime = LATER, second: float = 0.0) -> Signals:
    """Return signals on a clock at which each look at the time takes `second`."""
    passed = [0.0]

    def seconds() -> float:
        passed[0] += second
        return passed[0]

    return Signals(cast("Any", runner), AUDITS, ManualClock(now), seconds=seconds)


def _ended(**changes: Any) -> Proposal:
    end = START + timedelta(minutes=15)
    return a_proposal(state=State.EFFECTIVE, updated_at=end, **changes)


def test_it_reaches_from_before_the_proposal_to_after_its_end() -> None:
    """Two windows before, one after; each point is a run of the whole window."""
    runner = Runner(lambda at: 1)
    found = _signals(runner).of(_ended())
    assert found.complete
    times = [moment.at for moment in found.moments]
    assert times == sorted(times)
    assert times[0] == START - 2 * AUDIT.window
    assert times[-1] == START + timedelta(minutes=25)
    assert {window.end - window.start for window in runner.windows} == {AUDIT.window}


def test_a_long_life_has_no_more_points() -> None:
    """A day is drawn with as many as an hour."""
    runner = Runner(lambda at: 1)
    day = START + timedelta(days=1)
    _signals(runner, day).of(a_proposal(state=State.PROPOSED))
    assert len(runner.windows) <= POINTS + 1


def test_what_is_known_is_not_asked_again() -> None:
    """Opening the page twice costs Elasticsearch nothing the second time."""
    runner = Runner(lambda at: 1)
    signals = _signals(runner)
    signals.of(_ended())
    asked = len(runner.windows)
    signals.of(_ended())
    assert len(runner.windows) == asked


def test_a_slow_source_gives_a_coarse_curve_first() -> None:
    """Whoever asks again adds to it, until it is whole."""
    runner = Runner(lambda at: 1)
    signals = _signals(runner, second=1.5)
    first = signals.of(_ended())
    assert not first.complete
    assert 0 < len(first.moments) <= 2
    for _ in range(30):
        whole = signals.of(_ended())
    assert whole.complete
    times = [moment.at for moment in whole.moments]
    assert len(times) == len(set(times)) > 5


def test_a_moment_without_a_row_is_a_gap() -> None:
    """Nothing is made up between two readings."""
    signals = _signals(Runner(lambda at: None if at == START else 2))
    moments = signals.of(_ended()).moments
    assert [m.at for m in moments if m.values is None] == [START]
    (drawn, *_) = chart.charts(_ended(), AUDIT, moments)
    (line,) = drawn.lines
    assert len(line.pieces) == 2


def test_without_any_row_it_says_why() -> None:
    """The reason of the query, instead of an empty box."""
    found = _signals(Runner(lambda at: None)).of(_ended())
    assert (found.moments, found.missing) == ((), "no row")


def test_what_was_asked_for_has_no_signal() -> None:
    """Nothing was measured, so nothing is asked."""
    runner = Runner(lambda at: 1)
    assert _signals(runner).of(a_proposal(row=None)).missing
    assert runner.windows == []


def test_before_and_after_stand_beside_the_curve() -> None:
    """The value at the proposal and the newest one, and marks for what happened between."""
    applied = Applied(START + timedelta(minutes=5), "1", 2)
    proposal = _ended(applied=applied)
    moments = _signals(Runner(lambda at: 7 if at <= START else 0)).of(proposal).moments
    (drawn, *_) = chart.charts(proposal, AUDIT, moments)
    (line,) = drawn.lines
    assert (line.before, line.after) == ("7", "0")
    assert [mark.name for mark in drawn.marks] == ["proposed", "applied"]
    assert drawn.spoken == "oom kills 7 before, 0 last"


def test_the_policys_own_columns_come_first() -> None:
    """Of very many columns the ones that were judged by are drawn; units share a scale."""
    values = {
        "oom_kills": 1,
        "restarts": 2,
        "working_set_bytes": 90,
        "memory_limit_bytes": 100,
        "memory_pct_max": 90.0,
    }
    moments = [Moment(START + timedelta(minutes=n), values) for n in range(3)]
    drawn = chart.charts(_ended(), AUDIT, moments, ["memory_limit_bytes"])
    assert [line.column for line in drawn[0].lines] == ["memory_limit_bytes", "working_set_bytes"]
    assert len(drawn) <= chart.CHARTS


@given(
    st.lists(
        st.none() | st.floats(-1e18, 1e18, allow_nan=False) | st.integers(-(2**63), 2**63),
        min_size=2,
        max_size=24,
    )
)
def test_every_point_lies_within_the_picture(values: list[float | None]) -> None:
    """Whatever telemetry says, nothing is drawn outside."""
    moments = [
        Moment(START + timedelta(minutes=n), None if v is None else {"oom_kills": v})
        for n, v in enumerate(values)
    ]
    for drawn in chart.charts(replace(_ended(), created_at=START), AUDIT, moments):
        for line in drawn.lines:
            pairs = [pair for piece in line.pieces for pair in piece.split()]
            points = [tuple(map(float, pair.split(","))) for pair in pairs] + list(line.dots)
            assert all(0 <= x <= chart.WIDTH and 0 <= y <= chart.HEIGHT for x, y in points)
