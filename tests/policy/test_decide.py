"""What is decided about a single row, and why."""

import gc
from dataclasses import replace
from datetime import timedelta

import pytest

from remedyd.model import (
    AuditOutcome,
    Decision,
    DecisionKind,
    DecisionState,
    Mode,
    Severity,
)
from remedyd.policy.decide import decide
from remedyd.policy.reasons import OUTCOMES, Reason
from support.policies import NOW, policies, policy_text, result, row

EMPTY = DecisionState()


def _one(text: str, *rows: object, state: DecisionState = EMPTY) -> Decision:
    given = rows or (row(),)
    decided = decide([result(*given)], state, NOW, policies(text))  # type: ignore[arg-type]
    (decision,) = decided.decisions
    return decision


def test_matching_row_is_proposed() -> None:
    """A row for which everything holds leads to a proposal with the step's action and proof."""
    steps = (
        "[{name: raise, action: {type: UpdateResources, updateResources: {memory: {factor: 1.5}}},"
        " verify: {after: 2m, observe: 5m, timeout: 20m}, onFailure: Stop}]"
    )
    decision = _one(policy_text(steps=steps))
    assert decision.kind is DecisionKind.PROPOSE
    assert decision.reason == Reason.MATCHED
    assert decision.step == "raise"
    assert decision.action is not None
    assert decision.action.type == "UpdateResources"
    assert decision.action.params == {"memory": {"factor": 1.5}}
    assert decision.verify.settle_seconds == 120
    assert decision.verify.observe_seconds == 300
    assert decision.verify.timeout_seconds == 1200
    assert decision.verify.rollback is False
    assert decision.row is not None
    assert len(decision.policy_hash) == 64


def test_proposal_shows_its_evidence() -> None:
    """The detail of a proposal names the action and what the conditions read."""
    conditions = "[{name: a, expression: oom_kills > 1}, {name: b, expression: memory_pct == null}]"
    decision = _one(policy_text(matchConditions=conditions), row(oom_kills=2))
    assert decision.detail == (
        "Restart on Deployment/shop/cart[app]: oom_kills = 2, memory_pct = null"
    )


@pytest.mark.parametrize("mode", ["DryRun", "Propose", "Auto"])
def test_mode_is_passed_on(mode: str) -> None:
    """The decision carries the policy's mode; what it permits is judged later."""
    decision = _one(policy_text(mode=mode))
    assert (decision.kind, decision.mode) == (DecisionKind.PROPOSE, Mode(mode))


@pytest.mark.parametrize(
    ("spec", "values", "kind", "reason", "detail"),
    [
        ({"mode": "Disabled"}, {}, "Skip", "Disabled", "the policy is disabled"),
        (
            {},
            {"severity": Severity.WARNING},
            "Skip",
            "Severity",
            "the row is warning; the policy acts on critical",
        ),
        (
            {"audit": "{name: container-memory, severities: [warning, critical]}"},
            {"severity": Severity.HEALTHY},
            "Skip",
            "Severity",
            "the row is healthy; the policy acts on warning and critical",
        ),
        (
            {"match": "{targetKinds: [StatefulSet]}"},
            {},
            "Skip",
            "Kind",
            "the policy acts on StatefulSet, not on a Deployment",
        ),
        (
            {"match": "{namespaces: [prod-*]}"},
            {},
            "Skip",
            "Namespace",
            'the policy does not act in namespace "shop"',
        ),
        (
            {"match": "{excludeNamespaces: [sh*]}"},
            {},
            "Skip",
            "Namespace",
            'the policy does not act in namespace "shop"',
        ),
        (
            {"match": "{names: [checkout]}"},
            {},
            "Skip",
            "Name",
            'the policy does not act on the name "cart"',
        ),
        (
            {"match": "{excludeNames: ['*art']}"},
            {},
            "Skip",
            "Name",
            'the policy does not act on the name "cart"',
        ),
        ({}, {"name": ""}, "Skip", "Name", 'the policy does not act on the name ""'),
        (
            {"matchConditions": "[{name: repeated, expression: oom_kills >= 2}]"},
            {"oom_kills": 1},
            "Skip",
            "Condition",
            'condition "repeated" is false: oom_kills >= 2 (oom_kills = 1)',
        ),
        (
            {"matchConditions": "[{name: hot, expression: memory_pct > 90.0}]"},
            {},
            "Skip",
            "ConditionError",
            (
                'condition "hot" gave no answer: memory_pct is null: '
                "guard it as in `memory_pct != null && ...`"
            ),
        ),
        (
            {
                "matchConditions": "[{name: hot, expression: memory_pct > 90.0}]",
                "failurePolicy": "Error",
            },
            {},
            "Error",
            "ConditionError",
            (
                'condition "hot" gave no answer: memory_pct is null: '
                "guard it as in `memory_pct != null && ...`"
            ),
        ),
        (
            {"matchConditions": "[{name: hot, expression: ratio > 0.1}]"},
            {"ratio": "high"},
            "Skip",
            "ConditionError",
            'condition "hot" gave no answer: ratio is text, but the audit declares double',
        ),
        (
            {"matchConditions": "[{name: hot, expression: ratio > 0.1}]"},
            {"ratio": None},
            "Skip",
            "ConditionError",
            'condition "hot" gave no answer: ratio is null, but the audit declares double',
        ),
        (
            {"steps": "[{name: a, when: oom_kills > 5, action: {type: Restart}}]"},
            {},
            "Skip",
            "NoStep",
            "no step applies to this row: a",
        ),
        (
            {"steps": "[{name: a, when: memory_pct > 5.0, action: {type: Restart}}]"},
            {},
            "Skip",
            "ConditionError",
            (
                'condition "a.when" gave no answer: memory_pct is null: '
                "guard it as in `memory_pct != null && ...`"
            ),
        ),
    ],
)
def test_rows_that_are_left_alone(
    spec: dict[str, str], values: dict[str, object], kind: str, reason: str, detail: str
) -> None:
    """A row that the policy does not act on is skipped with its reason and what was read."""
    decision = _one(policy_text(**spec), row(**values))  # type: ignore[arg-type]
    assert (decision.kind, decision.reason, decision.detail) == (kind, reason, detail)
    assert decision.action is None


def test_the_deciding_condition_is_named() -> None:
    """The first condition that does not hold is the one that decided."""
    conditions = (
        "[{name: a, expression: stable}, {name: b, expression: oom_kills > 1}, "
        "{name: c, expression: oom_kills > 2}]"
    )
    assert _one(policy_text(matchConditions=conditions)).condition == "b"


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_unusable_audit_is_an_error(outcome: str) -> None:
    """An audit that did not end Ok gives one Error, named after its outcome, and no proposal."""
    bad = result(row(), outcome=AuditOutcome(outcome), detail="why it failed")
    (decision,) = decide([bad], EMPTY, NOW, policies(policy_text())).decisions
    assert (decision.kind, decision.reason) == (DecisionKind.ERROR, outcome)
    assert decision.detail == "why it failed"
    assert str(decision.target) == "Audit//container-memory"


def test_unusable_audit_of_a_disabled_policy() -> None:
    """A disabled policy does not complain about its audit."""
    bad = result(outcome=AuditOutcome.PARTIAL)
    (decision,) = decide([bad], EMPTY, NOW, policies(policy_text(mode="Disabled"))).decisions
    assert (decision.kind, decision.reason) == (DecisionKind.SKIP, Reason.DISABLED)


def test_rows_that_the_audit_set_aside() -> None:
    """A row without fresh evidence is told as a Skip with the audit's reason, after the others."""
    loaded = policies(policy_text())
    decided = decide([result(row("cart"), aside=(row("ad"),))], EMPTY, NOW, loaded)
    told = [(d.target.name, d.kind, d.reason, d.detail) for d in decided.decisions]
    assert told == [
        ("cart", "Propose", "Matched", "Restart on Deployment/shop/cart[app]"),
        ("ad", "Skip", "Stale", "the newest sample is too old"),
    ]


def test_policies_of_other_audits_are_left_alone() -> None:
    """Only policies whose audit ran in this cycle decide anything."""
    other = policy_text(audit="{name: replica-gap}")
    assert decide([result(row())], EMPTY, NOW, policies(other)).decisions == ()


def test_open_proposal_holds() -> None:
    """A workload with an open proposal, of whatever container or policy, gets no second one."""
    state = DecisionState(open={"/shop/Deployment/cart": "p-1"})
    decision = _one(policy_text(), row(container="sidecar"), state=state)
    assert (decision.kind, decision.reason) == (DecisionKind.HOLD, Reason.ALREADY_OPEN)
    assert decision.detail == "proposal p-1 is open"


@pytest.mark.parametrize(
    ("minutes", "reason"), [(0, "Cooldown"), (59, "Cooldown"), (60, "Matched"), (61, "Matched")]
)
def test_cooldown(minutes: int, reason: str) -> None:
    """Within the cooldown after a proposal's end the workload is left alone, not at its end."""
    ended = NOW - timedelta(minutes=minutes)
    state = DecisionState(finished={("p", "/shop/Deployment/cart"): ended})
    decision = _one(policy_text(cooldown="1h"), state=state)
    assert decision.reason == reason


def test_cooldown_is_per_policy_and_workload() -> None:
    """Another policy's or workload's proposal starts no cooldown."""
    state = DecisionState(
        finished={("q", "/shop/Deployment/cart"): NOW, ("p", "/shop/Deployment/ad"): NOW}
    )
    assert _one(policy_text(cooldown="1h"), state=state).kind is DecisionKind.PROPOSE


def test_cooldown_says_how_long() -> None:
    """The detail names when the last proposal ended and how long is left."""
    ended = NOW - timedelta(minutes=20)
    state = DecisionState(finished={("p", "/shop/Deployment/cart"): ended})
    decision = _one(policy_text(cooldown="1h"), state=state)
    assert decision.detail == ("the last proposal ended 2026-01-01 11:40:00Z; 40m of cooldown left")


def test_pause_holds_everything() -> None:
    """While remedyd is paused nothing is proposed, but the match is still shown with its step."""
    decision = _one(policy_text(), state=DecisionState(paused=True))
    assert (decision.kind, decision.reason) == (DecisionKind.HOLD, Reason.PAUSED)
    assert (decision.step, decision.action) == ("restart", None)


LADDER = (
    "[{name: one, maxAttempts: 1, onFailure: Next, action: {type: Restart}}, "
    "{name: two, maxAttempts: 2, action: {type: Scale, scale: {delta: 1}}}]"
)


@pytest.mark.parametrize(
    ("one", "two", "reason", "step"),
    [
        ((), (), "Matched", "one"),
        ((1,), (), "Matched", "two"),
        ((1,), (1,), "Matched", "two"),
        ((1,), (1, 2), "StepsExhausted", ""),
        ((25,), (1, 2), "Matched", "one"),
        ((25,), (25, 26), "Matched", "one"),
    ],
)
def test_ladder(one: tuple[int, ...], two: tuple[int, ...], reason: str, step: str) -> None:
    """A step tried as often as it may be within a day gives way to the next one."""
    workload = "/shop/Deployment/cart"
    attempts = {
        ("p", workload, "one"): tuple(NOW - timedelta(hours=h) for h in one),
        ("p", workload, "two"): tuple(NOW - timedelta(hours=h) for h in two),
    }
    decision = _one(policy_text(steps=LADDER), state=DecisionState(attempts=attempts))
    assert (decision.reason, decision.step) == (reason, step)


def test_spent_step_without_next_ends_the_ladder() -> None:
    """Only `onFailure: Next` leads on to the next step."""
    steps = LADDER.replace("onFailure: Next", "onFailure: Stop")
    attempts = {("p", "/shop/Deployment/cart", "one"): (NOW,)}
    decision = _one(policy_text(steps=steps), state=DecisionState(attempts=attempts))
    assert decision.reason == Reason.STEPS_EXHAUSTED
    assert decision.detail == "tried as often as allowed within a day: one (1), two (2)"


def test_first_step_whose_when_is_true() -> None:
    """A step whose `when` is false is passed over."""
    steps = (
        "[{name: a, when: oom_kills > 5, action: {type: Restart}}, "
        "{name: b, when: oom_kills > 1, action: {type: Restart}}]"
    )
    assert _one(policy_text(steps=steps), row(oom_kills=3)).step == "b"


def test_parameters_and_target_in_conditions() -> None:
    """Conditions read the policy's parameters, the target and the time."""
    text = policy_text(
        audit="{name: container-memory, parameters: {least: 2}}",
        matchConditions=(
            "[{name: c, expression: \"oom_kills >= params.least && target.namespace == 'shop' "
            "&& now - last_seen < duration('1m')\"}]"
        ),
    )
    assert _one(text, row(oom_kills=2)).kind is DecisionKind.PROPOSE
    assert _one(text, row(oom_kills=1)).kind is DecisionKind.SKIP
    assert _one(text, row(oom_kills=2, namespace="tight")).kind is DecisionKind.SKIP
    late = row(oom_kills=2, last_seen=NOW - timedelta(minutes=5))
    assert _one(text, late).kind is DecisionKind.SKIP


def test_state_keeps_what_is_not_ours() -> None:
    """Only sightings change in the state that is handed back."""
    state = DecisionState(open={"w": "1"}, proposed={"p": (NOW,)}, paused=True)
    decided = decide([result(row())], state, NOW, policies(policy_text(sustain="{cycles: 2}")))
    assert replace(decided.state, sightings={}) == state
    assert decided.state.sightings == {("p", "/shop/Deployment/cart/app"): (NOW,)}


@pytest.mark.parametrize(
    ("expression", "values", "detail"),
    [
        ("ratio > 2.5", {"ratio": 2}, "(ratio = 2.0)"),
        ("reason.exists(r, r == 'c')", {"reason": ("a", "b")}, '(reason = ["a", "b"])'),
        ("stable == false", {}, "(stable = true)"),
        ("last_seen > now", {}, "(last_seen = 2026-01-01T12:00:00+00:00)"),
        ("reason == 'x'", {"reason": "y"}, '(reason = "y")'),
        ("1 > 2", {}, "1 > 2"),
        (
            "reason == 'x'",
            {"reason": ("a", 5)},
            "reason is a whole number, but the audit declares keyword",
        ),
        ("stable", {"stable": ("a",)}, "stable is several values, but the audit declares boolean"),
        ("oom_kills > 5", {"oom_kills": 1.5}, "a decimal number, but the audit declares long"),
        ("ratio > 5.0", {"ratio": True}, "true or false, but the audit declares double"),
    ],
)
def test_values_are_shown_and_checked(
    expression: str, values: dict[str, object], detail: str
) -> None:
    """A detail shows the values that were read; one of an undeclared type is named."""
    conditions = f'[{{name: c, expression: "{expression}"}}]'
    decision = _one(policy_text(matchConditions=conditions), row(**values))  # type: ignore[arg-type]
    assert decision.kind is DecisionKind.SKIP
    assert decision.detail.endswith(detail)


def test_rows_are_judged_one_by_one() -> None:
    """What is decided about a row does not end the others' turn."""
    text = policy_text(matchConditions="[{name: hot, expression: oom_kills > 0}]")
    rows = [row("a", oom_kills=1), row("b"), row("c", oom_kills=1), row("d")]
    decided = decide([result(*rows)], EMPTY, NOW, policies(text))
    assert [d.reason for d in decided.decisions] == ["Matched", "Condition", "Matched", "Condition"]


def test_an_audit_that_gives_no_reason_is_told_by_its_outcome() -> None:
    """An Error always has a sentence."""
    bad = result(outcome=AuditOutcome.NO_DATA)
    (decision,) = decide([bad], EMPTY, NOW, policies(policy_text())).decisions
    assert decision.detail == "the audit ended with NoData"


def test_a_disabled_policy_says_so_of_rows_without_evidence_too() -> None:
    """The reason is the policy, not the row."""
    given = result(aside=(row(),))
    (decision,) = decide([given], EMPTY, NOW, policies(policy_text(mode="Disabled"))).decisions
    assert decision.reason == Reason.DISABLED


@pytest.mark.parametrize(
    ("failure", "kind"), [("Skip", DecisionKind.SKIP), ("Error", DecisionKind.ERROR)]
)
def test_a_step_that_cannot_be_judged_stops_the_row(failure: str, kind: DecisionKind) -> None:
    """A `when` without an answer never lets the next step act instead."""
    steps = (
        "[{name: a, when: 'memory_pct > 90.0', action: {type: Restart}},"
        " {name: b, action: {type: Restart}}]"
    )
    decision = _one(policy_text(steps=steps, failurePolicy=failure), row(memory_pct=None))
    assert (decision.kind, decision.reason) == (kind, Reason.CONDITION_ERROR)
    assert decision.action is None


def test_a_row_that_is_skipped_is_no_error() -> None:
    """`failurePolicy: Error` is about answers that could not be had, not about other reasons."""
    text = policy_text(failurePolicy="Error", match="{targetKinds: [Deployment], names: [ad]}")
    decision = _one(text)
    assert (decision.kind, decision.reason) == (DecisionKind.SKIP, Reason.NAME)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{targetKinds: [Deployment], names: [ad, ca*]}", "Matched"),
        ("{targetKinds: [Deployment], names: [ad]}", "Name"),
        ("{targetKinds: [Deployment], excludeNames: [ca*]}", "Name"),
        ("{targetKinds: [Deployment], excludeNames: [ad]}", "Matched"),
        ("{targetKinds: [Deployment], names: [c*], excludeNames: [cart]}", "Name"),
        ("{targetKinds: [Deployment], namespaces: [bank, sh*]}", "Matched"),
        ("{targetKinds: [Deployment], namespaces: [bank]}", "Namespace"),
        ("{targetKinds: [Deployment], excludeNamespaces: [sh*]}", "Namespace"),
        ("{targetKinds: [StatefulSet]}", "Kind"),
    ],
)
def test_a_policy_acts_where_its_match_says(match: str, expected: str) -> None:
    """Any pattern of a list is enough, an exclusion outweighs it, and an empty list selects all."""
    assert _one(policy_text(match=match)).reason == expected


def test_a_row_without_a_name_is_about_nobody() -> None:
    """Where a query groups by a field that a pod lacks, the name is empty: it is not acted upon."""
    decision = _one(policy_text(), row(name=""))
    assert (decision.kind, decision.reason) == (DecisionKind.SKIP, Reason.NAME)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_it_was(enabled: bool) -> None:
    """Deciding leaves Python's garbage collector on or off as it found it."""
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        decide([result(row())], EMPTY, NOW, policies(policy_text()))
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()
