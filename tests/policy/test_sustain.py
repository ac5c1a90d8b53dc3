"""A row has to match for a while before it counts."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from remedyd.model import AuditOutcome, DecisionState
from remedyd.policy.decide import decide
from support.policies import NOW, policies, policy_text, result, row

MINUTE = timedelta(minutes=1)


def _reasons(sustain: str, story: Sequence[str], state: DecisionState | None = None) -> list[str]:
    """Run one cycle a minute.

    `x`: the row matches, `.`: it does not, `-`: it is absent, `?`: set aside, `!`: the audit fails.
    """
    condition = "[{name: hot, expression: oom_kills > 0}]"
    loaded = policies(policy_text(sustain=sustain, matchConditions=condition))
    state = state or DecisionState()
    reasons = []
    for minute, what in enumerate(story):
        at = NOW + minute * MINUTE
        rows = [row(oom_kills=int(what == "x"))] if what in "x." else []
        aside = (row(),) if what == "?" else ()
        outcome = AuditOutcome.STALE if what == "!" else AuditOutcome.OK
        decided = decide([result(*rows, at=at, outcome=outcome, aside=aside)], state, at, loaded)
        state = decided.state
        reasons.append("".join(d.reason for d in decided.decisions))
    return reasons


@pytest.mark.parametrize(
    ("sustain", "story", "reasons"),
    [
        ("{cycles: 1}", "x", ["Matched"]),
        ("{cycles: 2}", "xx", ["Sustain", "Matched"]),
        ("{cycles: 3}", "xxxx", ["Sustain", "Sustain", "Matched", "Matched"]),
        ("{cycles: 2}", "x.x", ["Sustain", "Condition", "Sustain"]),
        ("{cycles: 2}", "x-x", ["Sustain", "", "Sustain"]),
        ("{cycles: 2}", "x!x", ["Sustain", "Stale", "Matched"]),
        ("{cycles: 2}", "x?x", ["Sustain", "Stale", "Matched"]),
        ("{cycles: 2, window: 3m}", "x.x", ["Sustain", "Condition", "Matched"]),
        ("{cycles: 2, window: 2m}", "x.x", ["Sustain", "Condition", "Sustain"]),
        ("{cycles: 2, window: 3m}", "x--x", ["Sustain", "", "", "Sustain"]),
    ],
)
def test_stories(sustain: str, story: str, reasons: list[str]) -> None:
    """Matches count one after the other, or within the window; a failed audit counts nothing."""
    assert _reasons(sustain, story) == reasons


def test_survives_a_restart() -> None:
    """The count goes on from the remembered state of an earlier process."""
    state = DecisionState(sightings={("p", "/shop/Deployment/cart/app"): (NOW - MINUTE,)})
    assert _reasons("{cycles: 2}", "x", state) == ["Matched"]


def test_the_same_window_counts_once() -> None:
    """Judging one result twice is one sighting."""
    loaded = policies(policy_text(sustain="{cycles: 2}"))
    first = decide([result(row())], DecisionState(), NOW, loaded)
    again = decide([result(row())], first.state, NOW + MINUTE, loaded)
    assert [d.reason for d in again.decisions] == ["Sustain"]
    assert again.state == first.state


def test_identity_is_the_container() -> None:
    """Two containers of a workload are counted apart."""
    loaded = policies(policy_text(sustain="{cycles: 2}"))
    first = decide([result(row(container="a"))], DecisionState(), NOW, loaded)
    at = NOW + MINUTE
    second = decide([result(row(container="b"), at=at)], first.state, at, loaded)
    assert [d.reason for d in second.decisions] == ["Sustain"]
    assert set(second.state.sightings) == {("p", "/shop/Deployment/cart/b")}


def test_detail() -> None:
    """The detail says how often it matched and what is asked for."""
    loaded = policies(policy_text(sustain="{cycles: 3, window: 15m}"))
    (decision,) = decide([result(row())], DecisionState(), NOW, loaded).decisions
    assert decision.detail == "matched in 1 of 3 runs within 15m"


def test_other_policies_sightings_are_kept() -> None:
    """A cycle of one audit does not touch what was remembered for policies of another."""
    other = {("q", "/shop/Deployment/cart"): (NOW - MINUTE,)}
    loaded = policies(policy_text(sustain="{cycles: 2}"))
    decided = decide([result()], DecisionState(sightings=other), NOW, loaded)
    assert decided.state.sightings == other


def test_sightings_are_each_policys_own() -> None:
    """A row that another policy matched is not half a finding for this one."""
    hot = "[{name: hot, expression: oom_kills > 0}]"
    hotter = "[{name: hotter, expression: oom_kills > 5}]"
    loaded = policies(
        policy_text("a", sustain="{cycles: 2}", matchConditions=hot),
        policy_text("b", sustain="{cycles: 2}", matchConditions=hotter),
    )
    first = decide([result(row(oom_kills=1))], DecisionState(), NOW, loaded)
    at = NOW + MINUTE
    second = decide([result(row(oom_kills=9), at=at)], first.state, at, loaded)
    assert [d.reason for d in second.decisions] == ["Matched", "Sustain"]


def test_another_audit_forgets_nothing() -> None:
    """A cycle in which only another audit ran says nothing about the row."""
    loaded = policies(policy_text(sustain="{cycles: 2}"))
    first = decide([result(row())], DecisionState(), NOW, loaded)
    between = decide([result(audit="replica-gap", at=NOW + MINUTE)], first.state, NOW, loaded)
    at = NOW + 2 * MINUTE
    last = decide([result(row(), at=at)], between.state, at, loaded)
    assert [d.reason for d in last.decisions] == ["Matched"]


def test_an_older_window_takes_nothing_back() -> None:
    """A run that ends late, about a time before the match, does not undo it."""
    loaded = policies(policy_text(sustain="{cycles: 2}"))
    first = decide([result(row())], DecisionState(), NOW, loaded)
    late = decide([result(at=NOW - MINUTE)], first.state, NOW, loaded)
    assert late.state == first.state
    now_gone = decide([result(at=NOW + MINUTE)], first.state, NOW, loaded)
    assert now_gone.state.sightings == {}


@pytest.mark.parametrize("sustain", ["{cycles: 3}", "{cycles: 3, window: 1h}"])
@pytest.mark.parametrize("back", [MINUTE, 4 * MINUTE, 60 * MINUTE])
def test_what_is_dated_later_than_now_was_not_seen(sustain: str, back: timedelta) -> None:
    """The clock was set back: of unknown age is not sustained, however little it is ahead."""
    key = ("p", "/shop/Deployment/cart/app")
    seen = DecisionState(sightings={key: (NOW + back - MINUTE / 2, NOW + back)})
    assert _reasons(sustain, "xxx", seen) == ["Sustain", "Sustain", "Matched"]


def test_a_run_without_a_match_ends_the_row_although_the_clock_was_set_back() -> None:
    """A match of before the clock was set does not outlast what was seen since."""
    ahead = DecisionState(sightings={("p", "/shop/Deployment/cart/app"): (NOW + 3 * MINUTE,)})
    assert _reasons("{cycles: 2}", ".---x", ahead)[-1] == "Sustain"


def test_the_same_window_takes_nothing_back() -> None:
    """A row that is missing from a second look at one time is not over yet."""
    loaded = policies(policy_text(sustain="{cycles: 2}"))
    seen = DecisionState(sightings={("p", "/shop/Deployment/cart/app"): (NOW - MINUTE, NOW)})
    assert decide([result(at=NOW)], seen, NOW, loaded).state == seen


def test_what_has_left_the_window_is_forgotten() -> None:
    """Of a row that does not match any more nothing is kept for ever."""
    loaded = policies(policy_text(sustain="{cycles: 2, window: 2m}"))
    first = decide([result(row())], DecisionState(), NOW, loaded)
    within = decide([result(at=NOW + MINUTE)], first.state, NOW + MINUTE, loaded)
    assert within.state == first.state
    later = decide([result(at=NOW + 2 * MINUTE)], within.state, NOW + 2 * MINUTE, loaded)
    assert later.state.sightings == {}


def test_only_what_is_dated_later_than_now_is_dropped() -> None:
    """What was seen before counts on, in order."""
    key = ("p", "/shop/Deployment/cart/app")
    seen = DecisionState(sightings={key: (NOW - 2 * MINUTE, NOW - MINUTE, NOW + MINUTE)})
    loaded = policies(policy_text(sustain="{cycles: 3}"))
    decided = decide([result(row())], seen, NOW, loaded)
    assert decided.state.sightings == {key: (NOW - 2 * MINUTE, NOW - MINUTE, NOW)}
