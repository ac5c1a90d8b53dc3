"""The next rung is climbed on proven failure only, with the evidence of the last."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remedyd.actions.registry import SCHEMAS
from remedyd.model import (
    Change,
    Decision,
    DecisionKind,
    DecisionState,
    Outcome,
    State,
)
from remedyd.policy.decide import decide
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.loader import parse_policies
from support.policies import AUDITS, NOW, policies, policy_text, result, row

WORKLOAD = "/shop/Deployment/cart"


def ladder(first: str = "Next", second: str = "Next") -> str:
    steps = (
        f"[{{name: one, maxAttempts: 2, onFailure: {first}, action: {{type: Restart}}}}, "
        f"{{name: two, maxAttempts: 1, onFailure: {second}, action: {{type: Scale, "
        "scale: {delta: 1}}}, "
        "{name: three, action: {type: Restart}}]"
    )
    return policy_text(steps=steps)


def tried(step: str, outcome: Outcome | None, *, hours: float = 3, **changes: Any) -> Change:
    at = NOW - timedelta(hours=hours)
    made = Change(
        proposal=f"p-{step}",
        workload=WORKLOAD,
        state=State.ROLLED_BACK if outcome else State.EFFECTIVE,
        moved_at=at,
        policy="p",
        step=step,
        applied_at=at,
        ended_at=at,
        outcome=outcome,
        detail="severity is still 3",
    )
    return replace(made, **changes)


def decision(text: str, *changes: Change, guardrails: Guardrails | None = None) -> Decision:
    attempts: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for one in changes:
        if one.applied_at is None:
            continue
        key = (one.policy, one.workload, one.step)
        attempts[key] = (*attempts.get(key, ()), one.applied_at)
    state = DecisionState(changes=changes, attempts=attempts)
    decided = decide([result(row())], state, NOW, policies(text), guardrails)
    return decided.decisions[0]


INEFFECTIVE = Outcome.INEFFECTIVE


def test_the_first_rung_comes_first() -> None:
    """Without a past the first step is proposed, after nothing."""
    made = decision(ladder())
    assert (made.step, made.after) == ("one", "")


def test_a_rung_that_did_not_help_leads_to_the_next() -> None:
    """Attempts that are left are not used up: what was proved useless is not repeated."""
    made = decision(ladder(), tried("one", INEFFECTIVE))
    assert (made.kind, made.step, made.after) == (DecisionKind.PROPOSE, "two", "p-one")


def test_the_proposal_carries_the_evidence_of_the_last_rung() -> None:
    """An approver reads what was tried before, how it ended, and where."""
    made = decision(ladder(), tried("one", INEFFECTIVE))
    assert made.detail.endswith("one of proposal p-one was Ineffective (severity is still 3)")


def test_the_third_rung_follows_the_second() -> None:
    """The evidence is that of the rung just before."""
    made = decision(ladder(), tried("one", INEFFECTIVE, hours=9), tried("two", INEFFECTIVE))
    assert (made.step, made.after) == ("three", "p-two")


def test_a_rung_without_undo_leads_on_too() -> None:
    """What cannot be undone ends as Ineffective; the ladder goes on from there."""
    kept = tried("one", INEFFECTIVE, state=State.INEFFECTIVE)
    assert decision(ladder(), kept).step == "two"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": Outcome.HARMFUL}, "was Harmful: severity is still 3"),
        ({"outcome": Outcome.INCONCLUSIVE, "state": State.INCONCLUSIVE}, "was Inconclusive"),
        ({"state": State.ROLLBACK_FAILED}, "could not be undone"),
        ({"state": State.SUPERSEDED}, "someone else changed"),
    ],
)
def test_anything_but_a_clean_failure_stops_the_ladder(changes: dict[str, Any], told: str) -> None:
    """Harm, no proof, an undo that failed or somebody else at work: a person decides."""
    made = decision(ladder(), replace(tried("one", INEFFECTIVE), **changes))
    assert (made.kind, made.reason) == (DecisionKind.HOLD, "LadderStopped")
    assert told in made.detail


@pytest.mark.parametrize("outcome", [Outcome.HARMFUL, Outcome.INCONCLUSIVE])
def test_a_stopped_ladder_calls_a_person_at_once(outcome: Outcome) -> None:
    """Past every rung that writes, to the one that calls; once it has called, it is silent."""
    tell = "three, maxAttempts: 1, action: {type: Escalate}"
    text = ladder().replace("three, action: {type: Restart}", tell)
    known = parse_policies(text, "p.yaml", audits=AUDITS, actions=SCHEMAS)
    harm = tried("one", outcome)
    state = DecisionState(changes=(harm,))
    made = decide([result(row())], state, NOW, known).decisions[0]
    assert (made.kind, made.step, made.after) == (DecisionKind.PROPOSE, "three", "p-one")
    assert f"was {outcome}" in made.detail
    told = {("p", WORKLOAD, "three"): (NOW - timedelta(hours=1),)}
    silent = decide([result(row())], replace(state, attempts=told), NOW, known).decisions[0]
    assert (silent.kind, silent.reason) == (DecisionKind.HOLD, "LadderStopped")


def test_stop_ends_the_ladder_at_the_first_failure() -> None:
    """With `Stop` neither another attempt nor another rung follows within a day."""
    made = decision(ladder(first="Stop"), tried("one", INEFFECTIVE))
    assert (made.kind, made.reason) == (DecisionKind.HOLD, "StepsExhausted")


def test_rollback_allows_another_attempt_but_no_other_rung() -> None:
    """With `Rollback` the same step may be tried again while attempts are left."""
    text = ladder(first="Rollback")
    assert decision(text, tried("one", INEFFECTIVE)).step == "one"
    twice = (tried("one", INEFFECTIVE, hours=9), tried("one", INEFFECTIVE))
    assert decision(text, *twice).reason == "StepsExhausted"


def test_a_remedy_that_does_not_last_leads_on() -> None:
    """Applied as often as allowed, helpful each time and needed again: the next rung."""
    helped = (tried("one", None, hours=9), tried("one", None))
    made = decision(ladder(), *helped)
    assert (made.step, made.after) == ("two", "p-one")
    assert "did not last" in made.detail
    assert decision(ladder(), helped[1]).step == "one"


def test_a_ladder_has_an_end() -> None:
    """After the last rung nothing is proposed."""
    gone = (tried("one", INEFFECTIVE), tried("two", INEFFECTIVE), tried("three", INEFFECTIVE))
    text = ladder().replace("three, action", "three, onFailure: Next, action")
    assert decision(text, *gone).reason == "StepsExhausted"


def test_the_past_of_others_does_not_count() -> None:
    """Another policy's or workload's failure, or one of yesterday, leads nowhere."""
    for other in ({"policy": "q"}, {"workload": "/shop/Deployment/ad"}, {"applied_at": None}):
        assert decision(ladder(), tried("one", INEFFECTIVE, **other)).step == "one"
    assert decision(ladder(), tried("one", INEFFECTIVE, hours=24)).step == "one"


def test_the_next_rung_need_not_cool_down() -> None:
    """The cooldown of the target holds a repetition back, not the climb."""
    just_now = tried("one", INEFFECTIVE, hours=0.2)
    assert decision(ladder(), just_now, guardrails=Guardrails()).step == "two"
    again = decision(ladder(first="Rollback"), just_now, guardrails=Guardrails())
    assert (again.kind, again.reason) == (DecisionKind.HOLD, "Cooldown")


@pytest.mark.parametrize(
    ("on_failure", "undone"), [("Stop", False), ("Next", True), ("Rollback", True)]
)
def test_what_failed_is_undone_before_the_next_rung(on_failure: str, undone: bool) -> None:
    """`Next` and `Rollback` take a failed change back, `Stop` keeps it."""
    assert decision(ladder(first=on_failure)).verify.rollback is undone


def test_the_latest_attempt_of_a_rung_decides() -> None:
    """Harm of this morning is outweighed by a clean failure since, and the other way round."""
    harm = tried("one", Outcome.HARMFUL, hours=9)
    clean = tried("one", INEFFECTIVE, hours=3)
    for changes in ((harm, clean), (clean, harm)):
        assert decision(ladder(), *changes).step == "two"
    later = replace(harm, applied_at=NOW - timedelta(hours=1))
    assert decision(ladder(), clean, later).reason == "LadderStopped"


def test_an_attempt_of_this_moment_counts_and_one_of_a_day_ago_does_not() -> None:
    """The day begins after its first moment and ends with this one."""
    assert decision(ladder(), tried("one", INEFFECTIVE, hours=0)).step == "two"
    assert decision(ladder(), tried("one", INEFFECTIVE, hours=24)).step == "one"
    spent = tuple(tried("one", None, hours=24) for _ in range(2))
    assert decision(ladder(), *spent).step == "one"


def test_a_rung_that_left_no_record_keeps_the_evidence_of_the_one_before() -> None:
    """Attempts are counted longer than they are described: the last description stays."""
    first = tried("one", INEFFECTIVE)
    state = DecisionState(
        changes=(first,),
        attempts={("p", WORKLOAD, "one"): (first.moved_at,), ("p", WORKLOAD, "two"): (NOW,)},
    )
    (made,) = decide([result(row())], state, NOW, policies(ladder())).decisions
    assert (made.step, made.after) == ("three", "p-one")
