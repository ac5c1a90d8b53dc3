"""Where each guardrail begins and ends: which changes count, and from when on."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from remedyd.errors import InvalidInput
from remedyd.model import DecisionState, FieldChange, Json, Mode, Outcome, Plan, State
from remedyd.policy.guardrails import Guardrails, objection
from remedyd.policy.guardrails.repetition import falls_short
from support.guardrails import (
    CART,
    MEMORY,
    NOW,
    change,
    failed,
    guardrails,
    minutes,
    reason,
    snapshot,
)

PAGE = Path(__file__).parents[2] / "docs" / "guardrails.md"


def state(*changes: Any) -> DecisionState:
    return DecisionState(changes=changes)


def test_every_default_is_the_documented_one() -> None:
    """The example of the page shows the defaults, its windows apart."""
    text = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    shown = yaml.safe_load(text)["spec"]
    del shown["windows"]
    assert guardrails(yaml.safe_dump(shown, default_flow_style=True, width=9999)) == Guardrails()


def test_the_longest_cooldown_may_be_the_first() -> None:
    """A cooldown that does not grow is written with both the same."""
    same = guardrails("{cooldown: {initial: 2h, longest: 2h}}")
    assert same.cooldown.after(9) == timedelta(hours=2)


def test_a_namespace_is_protected_once() -> None:
    """No name adds none, and one that is listed already changes nothing."""
    usual = Guardrails()
    assert usual.protecting("") is usual
    assert usual.protecting("kube-system") is usual
    assert usual.protecting("remedyd").protected_namespaces[-1] == "remedyd"


def test_a_window_that_ends_when_it_starts_is_refused() -> None:
    """A moment without length freezes nothing."""
    with pytest.raises(InvalidInput):
        guardrails(
            "{windows: [{name: w, kind: Freeze, start: 2026-11-27T00:00, end: 2026-11-27T00:00}]}"
        )


def test_one_of_several_namespaces_is_enough() -> None:
    """A window is about every namespace that one of its patterns fits."""
    spec = '{windows: [{name: w, kind: Freeze, start: "00:00", end: "00:00", namespaces: [a, s*]}]}'
    assert reason(snapshot(spec)) == "Frozen"


# cooldown


def test_what_was_never_written_needs_no_cooldown() -> None:
    """A proposal that was rejected or refused left nothing to settle."""
    never = change(ago=10, lasted=5, applied_at=None, state=State.REJECTED)
    assert reason(snapshot(state=state(never))) == ""


def test_the_latest_change_starts_the_cooldown() -> None:
    """An earlier one is over, whatever their order."""
    early, late = change("p1", ago=300), change("p2", ago=30)
    assert reason(snapshot(state=state(early, late))) == "Cooldown"
    assert reason(snapshot(state=state(late, early))) == "Cooldown"


def test_the_cooldown_tells_how_often_it_failed() -> None:
    """Who waits longer reads why."""
    helped = objection(snapshot(state=state(change(ago=30))))
    assert helped is not None
    assert "did not help" not in helped.detail
    twice = {CART.workload: (NOW - minutes(90), NOW - minutes(30))}
    found = objection(snapshot(state=DecisionState(changes=(change(ago=30),), failures=twice)))
    assert found is not None
    assert "cooldown after 2 that did not help" in found.detail


def test_a_change_under_way_has_no_end_to_cool_down_from() -> None:
    """It holds its workload in another way: by being open."""
    assert reason(snapshot(state=state(change(ago=30, lasted=None)))) == ""


# reach


def test_changes_that_ended_do_not_count_for_the_share() -> None:
    """Only what is under change now."""
    ended = tuple(change(f"p{n}", f"w{n}", ago=120) for n in range(5))
    assert reason(snapshot(state=state(*ended), workloads=10)) == ""


def test_the_own_workload_counts_once() -> None:
    """Another change of the same workload is no second workload."""
    own = change("p1", "cart", ago=120, lasted=None)
    assert reason(snapshot(state=state(own), workloads=2)) == ""


def test_a_request_is_not_held_by_what_policies_do() -> None:
    """Three under way and a namespace in work: a person may still ask."""
    busy = tuple(change(f"p{n}", f"w{n}", ago=120, lasted=None) for n in range(4))
    assert reason(snapshot(state=state(*busy))) == "Concurrency"
    assert reason(snapshot(state=state(*busy), requested=True)) == ""
    few = state(*busy[:2])
    assert reason(snapshot(state=few, workloads=5)) == "NamespaceShare"
    assert reason(snapshot(state=few, workloads=5, requested=True)) == ""


def test_a_write_of_this_moment_counts_for_the_rate() -> None:
    """The hour is up to and including now."""
    spec = "{rate: {perHour: 1}}"
    assert reason(snapshot(spec, state=state(change("p1", "w", ago=0, lasted=0)))) == "RateLimit"


def test_the_rate_of_a_namespace_does_not_count_its_neighbours() -> None:
    """What was decided before it in the same cycle counts where it is."""
    spec = "{rate: {perNamespace: 1}}"
    assert reason(snapshot(spec, claimed=("prod/else/Deployment/x",))) == ""
    assert reason(snapshot(spec, claimed=("prod/shop/Deployment/x",))) == "RateLimit"


def test_what_is_written_and_what_is_decided_add_up() -> None:
    """Nine within the hour and one in this cycle are ten."""
    recent = tuple(change(f"p{n}", f"w{n}", namespace=f"n{n}", ago=50, lasted=1) for n in range(9))
    assert reason(snapshot(state=state(*recent))) == ""
    claimed = ("prod/n9/Deployment/x",)
    assert reason(snapshot(state=state(*recent), claimed=claimed)) == "RateLimit"


def test_what_is_written_comes_before_what_waits() -> None:
    """A change that landed counts against one that was approved earlier and still waits."""
    written = tuple(change(f"p{n}", f"w{n}", ago=5, lasted=None) for n in range(3))
    waiting = change("p9", "cart", ago=60, lasted=None, applied_at=None)
    asked = snapshot(state=state(*written, waiting), proposal="p9")
    assert reason(asked) == "Concurrency"


def test_it_does_not_count_against_itself() -> None:
    """At the door the proposal's own record is not one more."""
    spec = "{concurrency: 1, rate: {perHour: 1}}"
    own = change("p1", "cart", ago=1, lasted=None, applied_at=None)
    assert reason(snapshot(spec, state=state(own), proposal="p1")) == ""


# repetition


def plan(new: Json, old: Json = "256Mi", path: str = MEMORY, action: str = "Scale") -> Plan:
    return Plan(CART, action, {}, (FieldChange(path, old, new),), None, None, "", "")


def past(new: Json, old: Json = "256Mi", path: str = MEMORY, **changes: Any) -> Any:
    return failed(action="Scale", fields=(FieldChange(path, old, new),), **changes)


def repeated(asked: Plan, *tried: Any) -> bool:
    return reason(snapshot(state=state(*tried), plan=asked)) == "Repeat"


def test_any_of_the_earlier_changes_counts() -> None:
    """Later ones of another kind or size do not hide it."""
    helped = change(ago=400, outcome=Outcome.EFFECTIVE, action="Scale")
    assert repeated(plan("384Mi"), past("384Mi", ago=500), helped, past("300Mi", ago=300))


def test_what_never_was_written_was_never_tried() -> None:
    """A verdict needs a write before it."""
    assert not repeated(plan("384Mi"), past("384Mi", applied_at=None))


def test_a_plan_without_changes_repeats_nothing() -> None:
    """A call for a person may come again."""
    empty = Plan(CART, "Scale", {}, (), None, None, "", "")
    assert not repeated(empty, past("384Mi"))


@pytest.mark.parametrize(
    ("old", "tried", "new", "expected"),
    [
        ("256Mi", None, None, True),  # the limit was removed, and is removed again
        ("256Mi", None, "384Mi", False),
        (None, "384Mi", "384Mi", True),
        (None, "384Mi", "320Mi", False),  # from nothing there is no direction
        ("256Mi", "384Mi", None, False),
        ("256Mi", True, True, True),
        (1, True, 2, False),  # a switch is no amount
        ("256Mi", ["a"], ["a"], True),
        ("256Mi", ["a"], ["b"], False),
        ("256Mi", {"a": 1}, {"a": 2}, False),
        (3, 3, 3, True),
    ],
)
def test_what_has_no_size_repeats_when_equal(
    old: Json, tried: Json, new: Json, expected: bool
) -> None:
    """Amounts have an order; absence, switches, lists and objects are the same or another."""
    assert repeated(plan(new, old), past(tried, old)) is expected


def test_an_amount_that_stays_goes_no_further_than_a_cut() -> None:
    """Leaving a field as it is does less than what was tried."""
    assert repeated(plan("200Mi", "200Mi"), past("100Mi"))


# what was taken away


@pytest.mark.parametrize(
    ("given", "now", "short"),
    [
        (("256Mi", "384Mi"), "256Mi", True),
        (("256Mi", "384Mi"), "300Mi", True),
        (("256Mi", "384Mi"), "384Mi", False),
        (("256Mi", "384Mi"), "0.375Gi", False),
        (("256Mi", "384Mi"), "512Mi", False),
        ((5, 3), 5, True),
        ((5, 3), 3, False),
        ((5, 3), 2, False),
        (("256Mi", "256Mi"), "300Mi", True),
        (("256Mi", "256Mi"), "256Mi", False),
        ((None, "384Mi"), None, True),
        ((None, "384Mi"), "384Mi", False),
        (("256Mi", None), "256Mi", True),
        (("256Mi", None), None, False),
        (("256Mi", "384Mi"), None, False),
        (("a:1", "a:2"), "a:1", True),
        (("a:1", "a:2"), "a:3", False),
    ],
)
def test_what_has_less_than_it_was_given_falls_short(
    given: tuple[Json, Json], now: Json, short: bool
) -> None:
    """Upwards less, downwards more; what has no size, exactly what it was before."""
    earlier, again = plan(given[1], given[0]), plan("9Gi", now)
    assert falls_short(again, earlier) is short


def test_only_the_same_field_of_the_same_action_falls_short() -> None:
    """One such field of several is enough."""
    earlier = plan("384Mi", "256Mi")
    less = FieldChange(MEMORY, "256Mi", "512Mi")
    other = FieldChange("spec.replicas", 1, 2)
    assert not falls_short(plan("512Mi", "256Mi", action="UpdateResources"), earlier)
    assert not falls_short(replace(earlier, changes=(other,)), earlier)
    assert falls_short(replace(earlier, changes=(other, less)), earlier)
    assert falls_short(replace(earlier, changes=(less, other)), earlier)


# calls for a person

TELLS = Plan(CART, "Escalate", {}, (), None, None, "", "")


@pytest.mark.parametrize("changes", [{"tells": True}, {"plan": TELLS}])
def test_a_call_for_a_person_is_not_held_by_rules_about_writes(changes: dict[str, Any]) -> None:
    """A cooldown, a freeze and spent rates keep writes back, and nobody from being told."""
    busy = tuple(change(f"p{n}", f"w{n}", ago=5, lasted=None) for n in range(12))
    lost = {CART.workload: (NOW, NOW, NOW)}
    past = DecisionState(changes=(*busy, change("p1", ago=10)), failures=lost)
    freeze = '{windows: [{name: f, kind: Freeze, start: "00:00", end: "00:00"}]}'
    held = snapshot(freeze, state=past, workloads=None)
    assert reason(held) == "Frozen"
    assert reason(replace(held, **changes)) == ""
    kube = replace(held, **changes, target=replace(CART, namespace="kube-system"))
    assert reason(kube) == ""


@pytest.mark.parametrize("changes", [{"tells": True}, {"plan": TELLS}])
def test_some_rules_hold_calls_too(changes: dict[str, Any]) -> None:
    """A pause is silence, `off` is respected, and a storm is told as one."""
    assert reason(snapshot(**changes, state=DecisionState(paused=True))) == "Paused"
    assert reason(snapshot(**changes, ceiling=Mode.DISABLED, said="off")) == "OptedOut"
    assert reason(snapshot(**changes, storms={"a/prod/shop": "5 of 9"})) == "Storm"


def test_the_windows_to_wait_for_are_named() -> None:
    """Who waits reads until when."""
    spec = '{windows: [{name: w, kind: Maintenance, start: "01:00", end: "05:00"}]}'
    found = objection(snapshot(spec))
    assert found is not None
    assert found.detail.endswith("w (01:00 to 05:00 UTC)")


def test_a_hold_of_a_workload_is_told_with_its_target() -> None:
    """A target set aside by its failures alone is told with how many there were."""
    lost = {CART.workload: tuple(NOW - minutes(m) for m in range(3))}
    found = objection(snapshot(state=DecisionState(failures=lost)))
    assert found is not None
    assert found.detail == "3 changes in a row did not help"
    away = replace(CART, name="ad")
    assert reason(snapshot(state=DecisionState(failures=lost), target=away)) == ""
