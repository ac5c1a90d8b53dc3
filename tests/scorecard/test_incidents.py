"""How the shipped policies answer the recorded incidents."""

from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.testing.policytest.loading import load_suites
from remedyd.testing.scorecard.card import Card, run
from remedyd.testing.scorecard.grading import Grade
from remedyd.testing.scorecard.scenarios import SCORECARDS


@pytest.fixture(scope="module")
def card() -> Card:
    """The card of the recorded incidents."""
    return Card(tuple(run(load_suites([Path(__file__).parent / "incidents"], SCORECARDS))))


def of(card: Card, *, detected: bool) -> set[str]:
    """Return the workloads whose incidents were detected, or missed."""
    every = [found for one in card.scored for found in one.detections]
    return {f.wanted.spec.target.split("/")[2] for f in every if (f.at is not None) is detected}


def test_what_is_found(card: Card) -> None:
    """Want of memory, a leak, a crash for another reason, and two releases that are stuck."""
    assert of(card, detected=True) == {"checkout", "ad", "payment", "frontend", "batch"}


def test_what_is_missed(card: Card) -> None:
    """A dead node holds everything."""
    assert of(card, detected=False) == {"cart"}
    assert any("(Storm)" in f.problem.message for one in card.scored for f in one.result.failures)


def test_nothing_is_wrong_or_forbidden(card: Card) -> None:
    """Twelve stories without one proposal that should not be."""
    assert (card.count(Grade.WRONG), card.count(Grade.FORBIDDEN)) == (0, 0)


def test_it_is_found_in_time(card: Card) -> None:
    """From the beginning of the incident, not from its first row."""
    assert card.delays[-1] <= timedelta(minutes=10)
