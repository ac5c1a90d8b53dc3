"""A change is judged by the same audit, before and after; no data is never success."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remedyd.model import (
    AuditOutcome,
    AuditResult,
    AuditRow,
    Outcome,
    Severity,
    Target,
    VerifySpec,
    Window,
)
from remedyd.verification.proof import observation
from remedyd.verification.verdict import judge

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(minutes=10), NOW)
TARGET = Target("c1", "shop", "Deployment", "checkout", "app")
SPEC = VerifySpec(minimum_samples=2)


def row(severity: Severity, samples: int = 10, seen: datetime | None = NOW) -> AuditRow:
    return AuditRow("memory", TARGET, severity, {"kills": 3}, samples, seen)


def result(*rows: AuditRow, outcome: AuditOutcome = AuditOutcome.OK) -> AuditResult:
    return AuditResult("memory", outcome, WINDOW, rows)


BEFORE = row(Severity.CRITICAL)


def judged(after: AuditResult, before: AuditRow = BEFORE) -> Outcome:
    return judge(before, after, WINDOW, SPEC, NOW).outcome


def test_a_lower_severity_is_effective() -> None:
    """The change helped when the same audit grades the target better."""
    assert judged(result(row(Severity.HEALTHY))) is Outcome.EFFECTIVE


def test_an_unchanged_severity_is_ineffective() -> None:
    """The change did not help when the grade stays."""
    assert judged(result(row(Severity.CRITICAL))) is Outcome.INEFFECTIVE


def test_a_higher_severity_is_harmful() -> None:
    """The change did harm when the grade rose."""
    before = row(Severity.WARNING)
    assert judged(result(row(Severity.CRITICAL)), before) is Outcome.HARMFUL


@pytest.mark.parametrize("outcome", [o for o in AuditOutcome if o is not AuditOutcome.OK])
def test_an_audit_without_data_is_inconclusive(outcome: AuditOutcome) -> None:
    """Whatever kept the audit from answering, it is not taken for success."""
    assert judged(result(outcome=outcome)) is Outcome.INCONCLUSIVE


def test_a_target_that_left_the_result_is_inconclusive() -> None:
    """A row that is gone says nothing: the telemetry may have stopped."""
    assert judged(result()) is Outcome.INCONCLUSIVE


def test_the_row_of_another_container_is_not_proof() -> None:
    """Only the row of the very same container counts."""
    other = replace(row(Severity.HEALTHY), target=replace(TARGET, container="sidecar"))
    assert judged(result(other)) is Outcome.INCONCLUSIVE


def test_too_few_samples_are_inconclusive() -> None:
    """A healthy grade from one sample is not proof."""
    assert judged(result(row(Severity.HEALTHY, samples=1))) is Outcome.INCONCLUSIVE


def test_samples_from_before_the_rollout_are_inconclusive() -> None:
    """The newest sample has to be newer than the window's start."""
    old = row(Severity.HEALTHY, seen=WINDOW.start - timedelta(seconds=1))
    assert judged(result(old)) is Outcome.INCONCLUSIVE


def test_the_verdict_carries_the_numbers_before_and_after() -> None:
    """A reader can see why: both rows are kept."""
    after = replace(row(Severity.HEALTHY), values={"kills": 0})
    verdict = judge(BEFORE, result(after), WINDOW, SPEC, NOW)
    assert (dict(verdict.before), dict(verdict.after)) == ({"kills": 3}, {"kills": 0})


def test_the_verdicts_sentence_tells_the_numbers() -> None:
    """What changed is in the sentence that people read, a few numbers at most."""
    values = {"name": "checkout", "kills": 4, "pct": 99.25, "a": 1, "b": 1, "c": 1}
    before = replace(BEFORE, values=values)
    better = {"name": "checkout", "kills": 0, "pct": 61.0, "a": 2, "b": 2, "c": 2}
    after = replace(row(Severity.HEALTHY), values=better)
    verdict = judge(before, result(after), WINDOW, SPEC, NOW)
    assert (
        verdict.detail
        == "severity fell from 3 to 1 (kills 4 to 0, pct 99.25 to 61, a 1 to 2, b 1 to 2)"
    )


@given(
    before=st.sampled_from(Severity),
    after=st.sampled_from(Severity),
    samples=st.integers(0, 5) | st.none(),
    age=st.integers(0, 20) | st.none(),
)
def test_effective_needs_fresh_samples_and_a_better_grade(
    before: Severity, after: Severity, samples: int | None, age: int | None
) -> None:
    """Over all combinations: Effective only with enough fresh samples and a lower severity."""
    seen = None if age is None else NOW - timedelta(minutes=age)
    found = AuditRow("memory", TARGET, after, {}, samples, seen)
    verdict = judge(row(before), result(found), WINDOW, SPEC, NOW)
    if verdict.outcome is Outcome.EFFECTIVE:
        assert after < before
        assert samples is not None and samples >= SPEC.minimum_samples
        assert seen is not None and seen >= WINDOW.start


MINUTE = timedelta(minutes=1)


def test_the_window_starts_after_rollout_and_settling() -> None:
    """Samples of the rollout itself and of the settling time are not looked at."""
    seen = observation(NOW, NOW + 20 * MINUTE, MINUTE, 5 * MINUTE, SPEC)
    assert seen.window == Window(NOW + MINUTE, NOW + 19 * MINUTE)


def test_observation_is_incomplete_before_ten_minutes_of_samples() -> None:
    """Telemetry's lag does not shorten the observation."""
    assert not observation(NOW, NOW + 11 * MINUTE, MINUTE, MINUTE, SPEC).complete
    assert observation(NOW, NOW + 12 * MINUTE, MINUTE, MINUTE, SPEC).complete


def test_observation_covers_two_audit_intervals() -> None:
    """A slow audit is given two of its intervals, however short the policy's time is."""
    short = VerifySpec(settle_seconds=0, observe_seconds=60)
    interval = 10 * MINUTE
    assert not observation(NOW, NOW + 19 * MINUTE, timedelta(), interval, short).complete
    assert observation(NOW, NOW + 20 * MINUTE, timedelta(), interval, short).complete


def test_observation_gives_up_after_the_timeout() -> None:
    """Waiting for samples ends, so that a human hears of it."""
    assert observation(NOW, NOW + 60 * MINUTE, MINUTE, MINUTE, SPEC).expired
    assert not observation(NOW, NOW + 59 * MINUTE, MINUTE, MINUTE, SPEC).expired


@pytest.mark.parametrize(
    ("samples", "seen", "proof"),
    [
        (2, NOW, True),
        (1, NOW, False),
        (None, NOW, False),
        (2, WINDOW.start, True),
        (2, WINDOW.start - timedelta(seconds=1), False),
        (2, None, False),
    ],
)
def test_the_last_sample_that_is_enough(
    samples: int | None, seen: datetime | None, proof: bool
) -> None:
    """As many as are asked for, the newest at the start of the window or later."""
    found = AuditRow("memory", TARGET, Severity.HEALTHY, {}, samples, seen)
    assert (judged(result(found)) is Outcome.EFFECTIVE) is proof


def test_an_unknown_number_of_samples_is_none() -> None:
    """Even where a single one would do."""
    one = VerifySpec(minimum_samples=1)
    found = AuditRow("memory", TARGET, Severity.HEALTHY, {}, None, NOW)
    assert judge(BEFORE, result(found), WINDOW, one, NOW).outcome is Outcome.INCONCLUSIVE


def test_giving_up_leaves_time_for_what_must_be_observed() -> None:
    """A short timeout does not end the proof before its samples can have arrived."""
    hasty = VerifySpec(settle_seconds=0, observe_seconds=600, timeout_seconds=60)
    assert not observation(NOW, NOW + 14 * MINUTE, 5 * MINUTE, MINUTE, hasty).expired
    assert observation(NOW, NOW + 15 * MINUTE, 5 * MINUTE, MINUTE, hasty).expired


def test_only_numbers_on_both_sides_are_told() -> None:
    """Texts, flags and what is missing on one side are no numbers to compare."""
    before = {"kills": 3, "pod": "a", "stable": True, "pct": None, "gone": 2, "mixed": 1, "same": 5}
    after = {"kills": 0, "pod": "b", "stable": False, "pct": 1.5, "gone": None, "mixed": "x"}
    old = replace(BEFORE, values=before)
    new = replace(row(Severity.HEALTHY), values={**after, "same": 5})
    detail = judge(old, result(new), WINDOW, SPEC, NOW).detail
    assert detail.endswith("(kills 3 to 0)")
