"""Each proposal gets one grade, and what had to come is detected or missed."""

from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.testing.scorecard.card import Card
from remedyd.testing.scorecard.grading import Grade
from support.policytests import POLICY
from support.scorecards import BROKEN, CART, card, told

MUST = f"must: [{{{CART}, actions: [UpdateResources], begins: 1m, by: 5m}}]"
ONCE = BROKEN.replace("20m", "6m")
TELL = POLICY.replace(
    "action: {type: UpdateResources, updateResources: {memory: {factor: 2.0, max: 1Gi}}}",
    "action: {type: Escalate, escalate: {summary: look}}",
)


def grades(found: Card) -> dict[str, int]:
    """Return how often each grade was given."""
    return {str(grade): found.count(grade) for grade in Grade if found.count(grade)}


def test_in_time_is_right(tmp_path: Path) -> None:
    """It is detected, a minute after it began."""
    found = card(tmp_path, MUST, story=ONCE)
    assert (grades(found), found.detected, found.missed) == ({"right": 1}, 1, 0)
    assert found.time_to_detect == (timedelta(minutes=1), timedelta(minutes=1))
    assert (found.recall, found.precision, found.passed) == (1.0, 1.0, True)


@pytest.mark.parametrize("when", ["by: 1m", "begins: 3m, by: 6m"], ids=["too late", "too early"])
def test_at_the_wrong_time_is_wrong_and_missed(tmp_path: Path, when: str) -> None:
    """It helps nobody then, and somebody would have changed what needed no change."""
    must = f"must: [{{{CART}, actions: [UpdateResources], {when}}}]"
    found = card(tmp_path, must, story=ONCE)
    assert (grades(found), found.missed, found.recall) == ({"wrong": 1}, 1, 0.0)


def test_a_late_proposal_is_told_with_its_time(tmp_path: Path) -> None:
    """The reader sees how near it came."""
    must = f"must: [{{{CART}, actions: [UpdateResources], by: 1m}}]"
    found = told(card(tmp_path, must, story=ONCE))
    assert found[0] == "missed: UpdateResources on Deployment/shop/cart by 1m; it came at 2m"


def test_what_was_never_proposed_is_told_with_the_last_reason(tmp_path: Path) -> None:
    """Here the first run is held until the second."""
    must = f"must: [{{{CART}, actions: [UpdateResources], by: 1m}}]"
    found = told(card(tmp_path, must, story=BROKEN.replace("20m", "1m")))
    assert "at 1m more-memory held it (Sustain)" in found[0]


def test_another_action_is_wrong(tmp_path: Path) -> None:
    """The target alone is no answer."""
    found = card(tmp_path, f"must: [{{{CART}, actions: [Restart], by: 5m}}]", story=ONCE)
    assert (grades(found), found.missed) == ({"wrong": 1}, 1)


def test_any_one_of_several_actions_is_right(tmp_path: Path) -> None:
    """Where there is more than one right answer."""
    actions = "actions: [Restart, UpdateResources]"
    assert card(tmp_path, f"must: [{{{CART}, {actions}, by: 5m}}]", story=ONCE).passed


def test_a_target_may_name_the_container(tmp_path: Path) -> None:
    """Another container of the same workload is not meant."""
    one = f"must: [{{target: '{CART[8:]}[app]', actions: [UpdateResources], by: 5m}}]"
    other = f"must: [{{target: '{CART[8:]}[proxy]', actions: [UpdateResources], by: 5m}}]"
    found = card(tmp_path, one, other, story=ONCE)
    assert [scored.result.passed for scored in found.scored] == [True, False]


def test_allowed_counts_neither_way(tmp_path: Path) -> None:
    """Without anything that had to come there is no recall, without a graded one no precision."""
    found = card(tmp_path, f"may: [{{{CART}}}]")
    assert (found.recall, found.precision, found.passed) == (None, None, True)


def test_what_nobody_asked_for_is_wrong(tmp_path: Path) -> None:
    """A scenario without an answer wants nothing."""
    assert grades(card(tmp_path, "may: []", story=ONCE)) == {"wrong": 1}


def test_never_comes_first(tmp_path: Path) -> None:
    """Also where must asks for the same."""
    found = card(tmp_path, f"{MUST}\n    never: [{{{CART}, until: 3m}}]", story=ONCE)
    assert (grades(found), found.missed) == ({"forbidden": 1}, 1)


def test_never_without_actions_means_what_writes(tmp_path: Path) -> None:
    """Telling a person writes nothing; it is merely not asked for."""
    assert grades(card(tmp_path, "never: [{}]", policy=TELL, story=ONCE)) == {"wrong": 1}
    named = card(tmp_path, "never: [{actions: [Escalate]}]", policy=TELL, story=ONCE)
    assert grades(named) == {"forbidden": 1}


def test_others_are_not_graded_where_some_are_named(tmp_path: Path) -> None:
    """Their incidents have scenarios of their own."""
    assert grades(card(tmp_path, "only: [Deployment/shop/other]")) == {}
    assert grades(card(tmp_path, "only: [Deployment/shop/cart]", story=ONCE)) == {"wrong": 1}


def test_what_cannot_be_planned_is_not_proposed(tmp_path: Path) -> None:
    """The live objects decide: here the workload is deleted in between."""
    story = f"fixtures: {{objects: [cart.yaml]}}\n    {BROKEN}"
    gone = "events: [{at: 90s, delete: Deployment/shop/cart}]\n    never: [{}]"
    assert grades(card(tmp_path, "never: [{}]", story=story))
    assert card(tmp_path, gone, story=story).passed


def test_an_event_that_cannot_happen_fails(tmp_path: Path) -> None:
    """Otherwise the story would be another than the one that is written."""
    events = "events: [{at: 1m, approve: Deployment/shop/cart}]"
    found = card(tmp_path, f"may: [{{{CART}}}]\n    {events}")
    assert not found.passed
    assert told(found) == [f"approve at 1m: no proposal about {CART[8:]} is open at this time"]
