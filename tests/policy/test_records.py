"""Records that are made by the hundred thousand are frozen records like any other."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from remedyd.model import Decision, DecisionKind, Mode, Target, VerifySpec

TARGET = Target("c", "shop", "Deployment", "cart")


def made() -> Decision:
    return Decision(DecisionKind.SKIP, "p", "a", TARGET, "Severity", detail="healthy")


def test_they_are_frozen() -> None:
    """Nothing can be changed afterwards."""
    with pytest.raises(FrozenInstanceError):
        made().detail = "other"  # type: ignore[misc]
    with pytest.raises((FrozenInstanceError, TypeError)):
        made().unknown = 1  # type: ignore[attr-defined]


def test_they_have_their_defaults() -> None:
    """What is not given is what the class says."""
    one = made()
    assert (one.mode, one.verify, one.approvals, one.row) == (Mode.PROPOSE, VerifySpec(), 1, None)


def test_equal_fields_make_equal_records() -> None:
    """Also after copying, replacing and pickling."""
    one = made()
    assert type(one) is Decision
    again = (made(), copy.copy(one), replace(one), pickle.loads(pickle.dumps(one)))
    assert all(other == one and hash(other) == hash(one) for other in again)
    assert replace(one, step="s") != one


def test_a_field_too_few_or_too_many_is_refused() -> None:
    """As the dataclass would."""
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'reason'"):
        Decision(DecisionKind.SKIP, "p", "a", TARGET)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'reasn'"):
        Decision(DecisionKind.SKIP, "p", "a", TARGET, reasn="x")  # type: ignore[call-arg]
