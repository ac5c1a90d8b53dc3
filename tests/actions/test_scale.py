"""Scale: the number of replicas, within limits."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remedyd.actions.action import Live, validated
from remedyd.actions.registry import ACTIONS
from remedyd.errors import InvalidInput, Refused
from remedyd.model import FieldChange, KubeObject, Plan
from support.cluster import put, recorded, target_of

NOW = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)


def plan(params: dict[str, Any], live: KubeObject | None = None) -> Plan:
    """Plan Scale; checkout has 3 replicas."""
    action = ACTIONS["Scale"]
    live = live or recorded("deployment-checkout-healthy")
    checked = validated(action.params, params, action.type)
    return action.plan(target_of(live), checked, Live(live), NOW)


@pytest.mark.parametrize(
    ("params", "replicas"),
    [
        ({"absolute": 4}, 4),
        ({"delta": 2}, 5),
        ({"delta": -1}, 2),
        ({"absolute": 0}, 0),
        ({"delta": 9, "max": 5}, 5),
        ({"delta": -3, "min": 1}, 1),
        ({"absolute": 9, "max": 6}, 6),
    ],
)
def test_the_number_is_absolute_or_relative_and_bounded(
    params: dict[str, Any], replicas: int
) -> None:
    """Absolute and delta both end within min and max."""
    found = plan(params)
    assert found.changes == (FieldChange("spec.replicas", 3, replicas),)


def test_patch_and_undo_are_writes_of_the_workload() -> None:
    """One write can carry number, precondition and annotation; the subresource could not."""
    found = plan({"absolute": 4})
    assert found.patch is not None and found.undo is not None
    assert (found.patch.body, found.patch.subresource) == ({"spec": {"replicas": 4}}, "")
    assert found.undo.body == {"spec": {"replicas": 3}}


def test_below_zero_is_refused() -> None:
    """Minus four of three pods is a mistake and not zero."""
    with pytest.raises(Refused) as caught:
        plan({"delta": -4})
    assert caught.value.reason == "BelowZero"


def test_the_same_number_is_no_change() -> None:
    """Nobody is asked about nothing."""
    with pytest.raises(Refused) as caught:
        plan({"absolute": 3})
    assert caught.value.reason == "NoChange"


@pytest.mark.parametrize("most", [2, 3])
def test_at_or_above_the_maximum_nothing_is_added_or_taken(most: int) -> None:
    """A policy that adds pods never takes pods away because its maximum was passed by hand."""
    with pytest.raises(Refused) as caught:
        plan({"delta": 1, "max": most})
    assert caught.value.reason == "AtLimit"


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"absolute": 5}, "2 more pods start (3 -> 5); running pods are not touched."),
        ({"absolute": 4}, "1 more pod starts (3 -> 4); running pods are not touched."),
        ({"absolute": 1}, "2 of 3 pods stop (3 -> 1)."),
        ({"absolute": 0}, "Downtime: 3 of 3 pods stop (3 -> 0); nothing serves any more."),
    ],
)
def test_the_consequence_counts_pods(params: dict[str, Any], sentence: str) -> None:
    """The approver reads how many pods start or stop."""
    assert plan(params).consequence == sentence


def test_a_stateful_set_scales_too() -> None:
    """Scale is not for Deployments alone."""
    assert plan({"delta": 1}, recorded("statefulset-orders-db")).changes[0].new == 4


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "exactly one"),
        ({"absolute": 1, "delta": 1}, "exactly one"),
        ({"delta": 0}, "delta must not be 0"),
        ({"absolute": -1}, "greater than or equal to 0"),
        ({"absolute": 2**31}, "less than or equal to"),
        ({"absolute": "4"}, "valid integer"),
        ({"absolute": 4.0}, "valid integer"),
        ({"delta": 1, "min": 3, "max": 2}, "max must not be below min"),
        ({"delta": 1, "skipIfHPA": False}, "skipIfHPA cannot be false"),
    ],
)
def test_bad_parameters_are_named(params: dict[str, Any], message: str) -> None:
    """A number that the API server would wrap round or refuse is refused here."""
    with pytest.raises(InvalidInput, match=message):
        plan(params)


@given(
    st.integers(0, 500),
    st.integers(-600, 600).filter(bool),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_a_plan_stays_within_its_limits(old: int, delta: int, low: int, more: int) -> None:
    """Whatever was there, what is planned lies between min and max, in the direction asked."""
    live = put(recorded("deployment-checkout-healthy"), "spec.replicas", old)
    try:
        new = plan({"delta": delta, "min": low, "max": low + more}, live).changes[0].new
    except Refused:
        return
    assert isinstance(new, int)
    assert low <= new <= low + more
