"""How far a change of ours is, when a rollout before it got stuck."""

from datetime import UTC, datetime, timedelta

import pytest

from remedyd.cluster.progress import progress
from remedyd.cluster.rollout import RolloutState
from remedyd.model import FieldChange
from support.cluster import ListReader, put, recorded
from support.prechecks import plan

PASSED = datetime(2026, 11, 22, 22, 20, 57, tzinfo=UTC)
"""When the deadline of frontend's bad release passed: 240 s after its last progress."""


def after(seconds: float) -> RolloutState:
    """Return how far a change is that was written so many seconds after the deadline passed."""
    live = recorded("deployment-frontend-deadline")
    since = PASSED + timedelta(seconds=seconds)
    undo = plan(live, "RolloutUndo", [])
    return progress(ListReader(live), undo, live, since, since + timedelta(seconds=1)).state


@pytest.mark.parametrize("seconds", [1, 30, 3_000, -30])
def test_a_deadline_of_the_rollout_before_is_not_ours(seconds: float) -> None:
    """The controller has seen our template and keeps the word until pods move, clocks differ."""
    assert after(seconds) is RolloutState.PROGRESSING


def test_a_deadline_of_our_own_rollout_is() -> None:
    """It passes no sooner than its length after the write."""
    assert after(-240) is RolloutState.DEADLINE_EXCEEDED


def test_without_a_time_the_word_of_the_controller_stands() -> None:
    """Not knowing of when it speaks is no reason to wait."""
    live = recorded("deployment-frontend-deadline")
    for one in live["status"]["conditions"]:
        one.pop("lastUpdateTime")
    found = progress(ListReader(live), plan(live, "RolloutUndo", []), live, PASSED, PASSED)
    assert found.state is RolloutState.DEADLINE_EXCEEDED


def test_an_undone_release_that_crashes_is_rolled_out() -> None:
    """All pods run the template of before: what comes of them is for the audit to say."""
    live = put(recorded("deployment-checkout-oom"), "status.updatedReplicas", 3)
    change = plan(live, "RolloutUndo", [FieldChange("spec.template", {}, {"metadata": {}})])
    late = PASSED + timedelta(minutes=5)
    assert progress(ListReader(live), change, live, PASSED, late).complete
