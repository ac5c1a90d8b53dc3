"""Times, numbers and fields are said short, and alike on every page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remedyd.model import FieldChange, Principal, Scope, State
from remedyd.server.console import words
from support.proposals import ALICE, PATH, VIC, a_proposal

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (90, "1 min"), (3600, "60 min"), (12000, "3 h 20 min"),
     (7200, "2 h"), (86400, "24 h"), (3 * 86400, "3 d")],
)  # fmt: skip
def test_a_span_has_one_unit_or_two(seconds: int, said: str) -> None:
    """Nobody wants to read 12000 seconds."""
    assert words.span(timedelta(seconds=seconds)) == said


def test_now_ago_and_until() -> None:
    """What lies ahead and what lies behind cannot be mixed up."""
    assert words.ago(NOW, NOW) == "now"
    assert words.ago(NOW - timedelta(minutes=5), NOW) == "5 min ago"
    assert words.until(NOW + timedelta(minutes=5), NOW) == "in 5 min"
    assert words.until(NOW, NOW) == "over"


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        (None, "oom_kills", "–"),
        (True, "stable", "yes"),
        (3, "oom_kills", "3"),
        (97.25, "memory_pct_max", "97.25 %"),
        (134217728, "memory_limit_bytes", "128 MiB"),
        (1536, "working_set_bytes", "1.5 KiB"),
        (1234567, "requests", "1,234,567"),
        (0.5, "p95_seconds", "0.5 s"),
        ("Error", "last_terminated_reason", "Error"),
        (("a", "b"), "pods", "a, b"),
    ],
)
def test_a_cell_has_its_columns_unit(value: Any, name: str, said: str) -> None:
    """The unit comes from the column's name, the null is a dash."""
    assert words.cell(value, name) == said


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["x", "x_bytes", "x_pct"]))
def test_every_number_can_be_said(value: float, name: str) -> None:
    """No number of telemetry breaks a page."""
    assert len(words.number(value, name)) < 330


def test_a_change_in_a_few_words() -> None:
    """What is raised from where to where, limits told from requests; restarts by their sense."""
    requests = PATH.replace("limits", "requests")
    changes = (FieldChange(PATH, "128Mi", "192Mi"), FieldChange(requests, "64Mi", "96Mi"))
    assert words.change(changes) == "memory limit 128Mi → 192Mi, request 64Mi → 96Mi"
    stamp = "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]"
    assert words.change((FieldChange(stamp, None, "2026-11-05T12:00:00Z"),)) == "new pods"
    assert words.change((FieldChange("spec.replicas", 1, 4),)) == "replicas 1 → 4"
    assert words.change(()) == "writes nothing"


def test_every_state_has_a_colour() -> None:
    """A state that is new here is calm, not an error."""
    assert {words.tone(state) for state in State} <= {
        "wait", "busy", "good", "warn", "bad", "calm",
    }  # fmt: skip


def test_what_waits_for_whom() -> None:
    """Only a proposal that is undecided, where the scope reaches, and not given already."""
    proposal = a_proposal()
    assert words.may_approve(ALICE, proposal)
    assert not words.may_approve(VIC, proposal)
    elsewhere = Principal("eve", frozenset({Scope.APPROVER}), frozenset({"other"}))
    assert not words.may_approve(elsewhere, proposal)
    assert not words.may_approve(ALICE, a_proposal(state=State.REJECTED))
    assert not words.may_approve(ALICE, a_proposal(approvers=("bob",)))


@given(st.text())
def test_no_text_can_rearrange_the_page(text: str) -> None:
    """Control and direction characters are shown as escapes."""
    shown = str(words.safe(text))
    assert not set(shown) & set("\x00\x1b\x7f\u200f\u202e\u2066\u2069\ufeff")
