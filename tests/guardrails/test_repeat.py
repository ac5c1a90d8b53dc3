"""What was tried and did not help is not tried again in the same size."""

from dataclasses import replace

import pytest

from remedyd.model import DecisionState, FieldChange, Outcome, Plan
from remedyd.policy.guardrails import objection
from support.guardrails import CART, MEMORY, change, failed, reason, snapshot

REPLICAS = "spec.replicas"


def plan(*changes: FieldChange, action: str = "UpdateResources") -> Plan:
    return Plan(CART, action, {}, changes, None, None, "", "")


def raised(new: str, old: str = "256Mi") -> Plan:
    return plan(FieldChange(MEMORY, old, new))


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("384Mi", "Repeat"),
        ("0.375Gi", "Repeat"),
        ("320Mi", "Repeat"),
        ("385Mi", ""),
        ("512Mi", ""),
    ],
)
def test_only_a_larger_raise_is_another_attempt(new: str, expected: str) -> None:
    """The same amount in another spelling and a smaller one repeat what failed."""
    state = DecisionState(changes=(failed(new="384Mi"),))
    assert reason(snapshot(state=state, plan=raised(new))) == expected


def test_the_earlier_proposal_is_named() -> None:
    """A person finds what was tried, and how it ended."""
    found = objection(snapshot(state=DecisionState(changes=(failed("p7"),)), plan=raised("384Mi")))
    assert found is not None
    assert "proposal p7" in found.detail
    assert "severity is still 3" in found.detail


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(Outcome.INEFFECTIVE, "Repeat"), (Outcome.HARMFUL, "Repeat"), (Outcome.INCONCLUSIVE, "")],
)
def test_only_a_proven_failure_forbids_another_try(outcome: Outcome, expected: str) -> None:
    """Where proof was lacking nothing is known about the remedy."""
    state = DecisionState(changes=(failed(outcome=outcome),))
    assert reason(snapshot(state=state, plan=raised("384Mi"))) == expected


def test_what_helped_may_be_done_again() -> None:
    """An effective change is no reason against the next."""
    helped = change(action="UpdateResources", fields=(FieldChange(MEMORY, "256Mi", "384Mi"),))
    assert reason(snapshot(state=DecisionState(changes=(helped,)), plan=raised("384Mi"))) == ""


def test_a_smaller_cut_repeats_a_cut() -> None:
    """Downwards the same holds the other way round."""
    state = DecisionState(changes=(failed(action="Scale", fields=(FieldChange(REPLICAS, 5, 3),)),))
    for new, expected in ((3, "Repeat"), (4, "Repeat"), (2, "")):
        asked = plan(FieldChange(REPLICAS, 5, new), action="Scale")
        assert reason(snapshot(state=state, plan=asked)) == expected


def test_a_restart_repeats_a_restart() -> None:
    """What it writes is a time, which is always another; the effect is the same."""
    path = "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]"
    tried = failed(action="Restart", fields=(FieldChange(path, None, "2026-11-05T02:00:00Z"),))
    again = plan(FieldChange(path, None, "2026-11-05T12:00:00Z"), action="Restart")
    assert reason(snapshot(state=DecisionState(changes=(tried,)), plan=again)) == "Repeat"


def test_another_action_field_or_target_is_no_repetition() -> None:
    """Only the same action on the same fields of the same workload counts."""
    state = DecisionState(changes=(failed(),))
    other = MEMORY.replace("[app]", "[proxy]")
    assert (
        reason(snapshot(state=state, plan=plan(FieldChange(REPLICAS, 1, 2), action="Scale"))) == ""
    )
    assert reason(snapshot(state=state, plan=plan(FieldChange(other, "1Mi", "2Mi")))) == ""
    both = plan(FieldChange(MEMORY, "256Mi", "320Mi"), FieldChange(other, "1Mi", "2Mi"))
    assert reason(snapshot(state=state, plan=both)) == ""
    elsewhere = replace(CART, name="ad")
    assert reason(snapshot(state=state, plan=raised("384Mi"), target=elsewhere)) == ""


def test_text_values_repeat_when_they_are_equal() -> None:
    """An image is the same or another, never larger."""
    image = "spec.template.spec.containers[app].image"
    tried = failed(action="RolloutUndo", fields=(FieldChange(image, "a:2", "a:1"),))
    state = DecisionState(changes=(tried,))
    for new, expected in (("a:1", "Repeat"), ("a:0", "")):
        asked = plan(FieldChange(image, "a:2", new), action="RolloutUndo")
        assert reason(snapshot(state=state, plan=asked)) == expected


def test_after_a_while_it_may_be_tried_again() -> None:
    """The memory of a failure ends with `repeat`."""
    state = DecisionState(changes=(failed(ago=36 * 60),))
    assert reason(snapshot("{repeat: 1d}", state=state, plan=raised("384Mi"))) == ""
    assert reason(snapshot("{repeat: 36h}", state=state, plan=raised("384Mi"))) == "Repeat"


def test_a_request_may_repeat() -> None:
    """A principal who asks for the same again is not stopped by what policies tried."""
    state = DecisionState(changes=(failed(),))
    assert reason(snapshot(state=state, plan=raised("384Mi"), requested=True)) == ""
