"""Clocks that disagree are told before windows and expiries go wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from remedyd.doctor.clocks import skew
from remedyd.doctor.finding import Health, Part

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "health", "words"),
    [
        (0, Health.OK, "agrees"),
        (-5, Health.OK, "agrees"),
        (6, Health.WARN, "6 s ahead"),
        (-30, Health.WARN, "30 s behind"),
        (31, Health.FAIL, "31 s ahead"),
    ],
)
def test_a_difference_is_judged(seconds: int, health: Health, words: str) -> None:
    """A few seconds are fine, half a minute is not."""
    finding = skew(Part("kubernetes"), NOW + timedelta(seconds=seconds), NOW)
    assert finding.health is health
    assert words in finding.detail
