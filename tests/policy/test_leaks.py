"""More memory feeds a leak: the third raise of a day, and growth in a line, call a person."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remedyd.audits.loader import load_audits
from remedyd.model import (
    ActionRequest,
    Change,
    Decision,
    DecisionKind,
    DecisionState,
    FieldChange,
    State,
)
from remedyd.paths import shipped
from remedyd.policy.decide import decide
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.leaks import concerned
from support.policies import NOW, policies, policy_text, result, row

LIMIT = "spec.template.spec.containers[app].resources.limits.memory"
RAISE = (
    "[{name: more, maxAttempts: 9, onFailure: Stop, action: {type: UpdateResources, "
    "updateResources: {memory: {factor: 1.5}}}}]"
)


def raised(old: str, new: str, hours: float, **changes: Any) -> Change:
    at = NOW - timedelta(hours=hours)
    made = Change(
        proposal=f"p-{new}",
        workload="/shop/Deployment/cart",
        state=State.EFFECTIVE,
        moved_at=at,
        policy="another",
        step="more",
        applied_at=at,
        ended_at=at,
        action="UpdateResources",
        fields=(FieldChange(LIMIT, old, new),),
    )
    return replace(made, **changes)


TWICE = (raised("128Mi", "256Mi", 9), raised("256Mi", "384Mi", 5))


def decision(
    *changes: Change,
    values: Mapping[str, Any] | None = None,
    steps: str = RAISE,
    attempts: Mapping[Any, Any] | None = None,
    guardrails: Guardrails | None = None,
) -> Decision:
    state = DecisionState(changes=changes, attempts=dict(attempts or {}))
    about = row()
    about = replace(
        about,
        target=replace(about.target, container="app"),
        values={**about.values, **(values or {})},
    )
    decided = decide([result(about)], state, NOW, policies(policy_text(steps=steps)), guardrails)
    return decided.decisions[0]


def test_the_third_raise_of_a_day_is_a_call_for_a_person() -> None:
    """Whatever `maxAttempts` says, and whichever policies raised before; the evidence is told."""
    made = decision(*TWICE)
    assert (made.kind, made.reason, made.step) == (
        DecisionKind.PROPOSE,
        "SuspectedLeak",
        "suspected-leak",
    )
    assert made.action is not None
    assert made.action.type == "Escalate"
    assert "raised 2 times within a day (128Mi to 256Mi, 256Mi to 384Mi)" in made.detail
    assert made.action.params["summary"].startswith("Suspected leak: memory was raised 2 times")
    assert made.after == "p-384Mi"


@pytest.mark.parametrize(
    "changes",
    [
        TWICE[:1],
        (TWICE[0], replace(TWICE[1], applied_at=NOW - timedelta(hours=24))),
        (TWICE[0], replace(TWICE[1], workload="/shop/Deployment/ad")),
        (TWICE[0], raised("512Mi", "384Mi", 5)),
        (
            TWICE[0],
            replace(TWICE[1], fields=(FieldChange(LIMIT.replace("app", "proxy"), "1", "2"),)),
        ),
        (
            TWICE[0],
            replace(TWICE[1], fields=(FieldChange(LIMIT.replace("memory", "cpu"), "1", "2"),)),
        ),
        (TWICE[0], replace(TWICE[1], action="Restart", fields=())),
        (TWICE[0], replace(TWICE[1], applied_at=None)),
    ],
    ids=[
        "one",
        "a-day-ago",
        "another-workload",
        "lowered",
        "another-container",
        "cpu",
        "restarted",
        "not-written",
    ],
)
def test_what_is_no_second_raise(changes: tuple[Change, ...]) -> None:
    """Only raises of this container's memory that were written within a day count."""
    made = decision(*changes)
    assert made.action is not None
    assert made.action.type == "UpdateResources"


def test_memory_that_grows_in_a_line_is_not_raised_even_once() -> None:
    """Another limit's worth within a day: more memory only lasts a little longer."""
    made = decision(values={"memory_growth_mib_per_minute": 3.0, "memory_limit_bytes": 134217728})
    assert (made.reason, made.after) == ("SuspectedLeak", "")
    assert "grows in a line by 3 MiB a minute, at a limit of 128 MiB" in made.detail


@pytest.mark.parametrize(
    "values",
    [
        {"memory_growth_mib_per_minute": 0.08, "memory_limit_bytes": 134217728},
        {"memory_growth_mib_per_minute": None, "memory_limit_bytes": 134217728},
        {"memory_growth_mib_per_minute": 3.0, "memory_limit_bytes": None},
        {},
    ],
    ids=["slow", "no-line", "no-limit", "another-audit"],
)
def test_what_is_no_growth_to_speak_of(values: dict[str, Any]) -> None:
    """Slower than that, no line, or nothing measured: a raise is a raise."""
    assert decision(values=values).reason == "Matched"


def test_other_actions_are_no_raise() -> None:
    """A policy that restarts is not concerned."""
    assert decision(*TWICE, steps="[{name: r, action: {type: Restart}}]").reason == "Matched"


def test_a_person_is_told_once_a_day() -> None:
    """Told already: held, with the reason; a day later told again."""
    key = ("p", "/shop/Deployment/cart", "suspected-leak")
    told = decision(*TWICE, attempts={key: (NOW - timedelta(hours=23),)})
    assert (told.kind, told.reason) == (DecisionKind.HOLD, "SuspectedLeak")
    again = decision(*TWICE, attempts={key: (NOW - timedelta(hours=24),)})
    assert again.kind is DecisionKind.PROPOSE


def test_a_spent_ladder_that_ends_with_a_raise_tells_as_well() -> None:
    """Two attempts a day, both used, and the row is back: not just silence."""
    steps = RAISE.replace("maxAttempts: 9", "maxAttempts: 2")
    mine = tuple(replace(change, policy="p") for change in TWICE)
    times = tuple(change.applied_at for change in mine)
    made = decision(*mine, steps=steps, attempts={("p", "/shop/Deployment/cart", "more"): times})
    assert (made.kind, made.reason) == (DecisionKind.PROPOSE, "SuspectedLeak")


def test_guardrails_of_writes_do_not_hold_the_call() -> None:
    """Cooldown, quarantine and rates are about writes; a call for a person is none."""
    recent = (raised("128Mi", "256Mi", 0.3), raised("256Mi", "384Mi", 0.2))
    assert decision(*recent, guardrails=Guardrails()).reason == "SuspectedLeak"
    assert decision(recent[1], guardrails=Guardrails()).reason == "Cooldown"


def test_the_columns_it_reads_are_those_of_the_shipped_audit() -> None:
    """A renamed column would switch the rule off without a word."""
    names = {column.name for column in load_audits(shipped("esql"))["container-memory"].columns}
    assert {"memory_growth_mib_per_minute", "memory_limit_bytes"} <= names


@pytest.mark.parametrize(
    ("action", "params", "expected"),
    [
        ("UpdateResources", {"memory": {"factor": 1.5}}, True),
        ("UpdateResources", {"memory": {"absolute": "1Gi"}}, True),
        ("UpdateResources", {"memory": {"factor": 1.0}}, False),
        ("UpdateResources", {"memory": {"factor": 0.5}}, False),
        ("UpdateResources", {"cpu": {"factor": 2.0}}, False),
        ("UpdateResources", {"memory": None}, False),
        ("ResizePods", {"memory": {"factor": 2.0}}, True),
        ("Restart", {"memory": {"factor": 2.0}}, False),
    ],
)
def test_a_raise_is_what_gives_more_memory(
    action: str, params: dict[str, Any], expected: bool
) -> None:
    """By either action; among several steps one is enough."""
    (step,) = policies(policy_text())["p"].steps
    other = replace(step, action=ActionRequest("Restart"))
    raising = replace(step, action=ActionRequest(action, params))
    assert concerned([raising]) is expected
    assert concerned([other, raising, other]) is expected


@pytest.mark.parametrize(
    ("growth", "limit", "suspected"),
    [
        (1.0, 1440 * 2**20, True),
        (1.0, 1440 * 2**20 + 1, False),
        (1, 1440 * 2**20, True),
        (5.0, 0, False),
        (5.0, 1, True),
        (None, 1440 * 2**20, False),
        (5.0, None, False),
        ("5", 1440 * 2**20, False),
    ],
)
def test_growth_counts_that_fills_another_limit_within_a_day(
    growth: Any, limit: Any, suspected: bool
) -> None:
    """Exactly a day is within it; without both numbers nothing is suspected."""
    found = decision(values={"memory_growth_mib_per_minute": growth, "memory_limit_bytes": limit})
    assert (found.reason == "SuspectedLeak") is suspected


def test_the_day_begins_after_its_first_moment() -> None:
    """A raise of this moment counts, one of exactly a day ago does not."""
    recent = raised("256Mi", "384Mi", 0)
    assert decision(raised("128Mi", "256Mi", 9), recent).reason == "SuspectedLeak"
    assert decision(raised("128Mi", "256Mi", 24), recent).reason == "Matched"


def test_only_more_for_the_same_container_is_a_raise() -> None:
    """A lower or equal amount and another container do not count; an unknown change does."""
    first = raised("128Mi", "256Mi", 9)
    other = FieldChange(LIMIT.replace("[app]", "[proxy]"), "1Mi", "2Mi")
    for fields in (
        (FieldChange(LIMIT, "256Mi", "256Mi"),),
        (FieldChange(LIMIT, "256Mi", "128Mi"),),
        (FieldChange(LIMIT.replace("memory", "cpu"), "1", "2"),),
        (other,),
    ):
        assert decision(first, raised("", "", 5, fields=fields)).reason == "Matched"
    unknown = raised("", "x", 5, fields=())
    assert "128Mi to 256Mi, proposal p-x" in decision(first, unknown).detail


def test_whoever_is_told_at_this_moment_is_told() -> None:
    """Told at this very moment is told; a day ago is long enough."""
    key = ("p", "/shop/Deployment/cart", "suspected-leak")
    told = decision(*TWICE, attempts={key: (NOW,)})
    assert (told.kind, told.reason) == (DecisionKind.HOLD, "SuspectedLeak")
    day = timedelta(days=1)
    assert decision(*TWICE, attempts={key: (NOW - day,)}).kind is DecisionKind.PROPOSE
