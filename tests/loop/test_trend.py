"""An approver reads how the evidence came about, not one reading alone."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from remedyd.model import (
    AuditOutcome,
    AuditResult,
    Decision,
    DecisionKind,
    Severity,
    Target,
    Window,
)
from remedyd.stages.cycle import Cycle
from remedyd.stages.trend import Trend
from support.proposals import START, a_decision, a_row, a_target

NOW = Window(START - timedelta(minutes=10), START)
HEALTHY = {"oom_kills": 0}


@dataclass
class Past:
    """An audit that answers for each window what a test put there, by minutes before now."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[int, Target]] = field(default_factory=list)

    def run(self, audit: Any, *, window: Window, scope: Target) -> AuditResult:
        ago = round((START - window.end).total_seconds() / 60)
        assert window.end - window.start == timedelta(minutes=10)
        self.asked.append((ago, scope))
        values = self.rows.get(ago)
        if values is None:
            return AuditResult("container-memory", AuditOutcome.NO_DATA, window)
        severity = values.get("severity", Severity.CRITICAL)
        cells = {name: value for name, value in values.items() if name != "severity"}
        row = replace(a_row(scope, **cells), severity=severity)
        return AuditResult("container-memory", AuditOutcome.OK, window, (row,))


def told(past: Past, *decisions: Decision) -> list[str]:
    """Return what was added to each decision."""
    result = AuditResult("container-memory", AuditOutcome.OK, NOW)
    given = decisions or (a_decision(),)
    stage = Trend(past, {"container-memory": object()})  # type: ignore[arg-type, dict-item]
    cycle = stage.run(Cycle("container-memory", START, (result,), given))
    return [
        after.detail.removeprefix(before.detail).lstrip("; ")
        for before, after in zip(given, cycle.decisions, strict=True)
    ]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            {20: {**HEALTHY, "severity": Severity.HEALTHY}, 10: {"oom_kills": 1}},
            "trend, 10m each: healthy → critical → critical; oom_kills 0 → 1 → 3",
        ),
        ({10: {"oom_kills": 1}}, "trend, 10m each: oom_kills ? → 1 → 3"),
        ({20: {}, 10: {}}, "trend, 10m each: the same before"),
        ({}, "trend, 10m each: no earlier rows"),
    ],
)
def test_numbers_are_told_with_those_before(rows: dict[int, Any], line: str) -> None:
    """Oldest first; what is not known is `?`, what did not change is left out."""
    assert told(Past(rows)) == [line]


def test_the_past_is_asked_about_the_one_workload() -> None:
    """Two windows before the one that was judged, for the target of the decision."""
    past = Past()
    told(past)
    assert past.asked == [(20, a_target()), (10, a_target())]


def test_only_what_is_proposed_is_looked_back_at() -> None:
    """Rows that are skipped or held cost nothing, and of many proposals five are enough."""
    past = Past()
    held = a_decision(kind=DecisionKind.HOLD)
    assert told(past, held) == [""]
    assert past.asked == []
    many = [a_decision(a_target(f"w{n}")) for n in range(7)]
    assert [bool(line) for line in told(past, *many)] == [True] * 5 + [False] * 2


def test_no_more_than_three_numbers_are_told() -> None:
    """The page has one line for it."""
    columns = {f"c{n}": float(n) for n in range(9)}
    decision = a_decision(row=a_row(**{name: value + 1 for name, value in columns.items()}))
    (line,) = told(Past({10: columns}), decision)
    assert line.count("→") == 6


def test_samples_and_grades_are_no_trend() -> None:
    """How often was measured says nothing about the workload; a flag is no number."""
    decision = a_decision(row=a_row(samples=9, usage_samples=9, severity_score=3, stable=True))
    past = Past({10: {"samples": 1, "usage_samples": 1, "severity_score": 1, "stable": False}})
    assert told(past, decision) == ["trend, 10m each: the same before"]
