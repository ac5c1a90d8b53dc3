"""What is wrong now is joined with the answer to it; coverage counts what policies made of rows."""

from dataclasses import replace
from typing import Any, cast

import pytest

from remedyd.audits.loader import load_audits
from remedyd.model import (
    AuditOutcome,
    AuditResult,
    AuditRow,
    Decision,
    DecisionKind,
    Severity,
    State,
    Window,
)
from remedyd.paths import shipped
from remedyd.server.console import standing
from remedyd.stages.recent import Judged
from support.proposals import START, a_decision, a_proposal, a_row, a_target

AUDIT = load_audits((shipped("esql"),))["container-memory"]


def _result(*rows: AuditRow) -> AuditResult:
    return AuditResult("container-memory", AuditOutcome.OK, Window(START, START), rows)


def _row(name: str, severity: Severity, **values: Any) -> AuditRow:
    return replace(a_row(a_target(name), **values), severity=severity)


def _judged(*decisions: Decision) -> list[standing.Ruled]:
    return [(cast("Any", None), Judged(START, decisions))]


def _decision(name: str, kind: DecisionKind, reason: str) -> Decision:
    return replace(a_decision(a_target(name)), kind=kind, reason=reason, detail=reason.lower())


def test_healthy_rows_are_no_trouble() -> None:
    """The worst comes first, the healthy not at all."""
    rows = _result(
        _row("a", Severity.HEALTHY), _row("b", Severity.WARNING), _row("c", Severity.CRITICAL)
    )
    found = standing.troubles([(AUDIT, rows)], [], [])
    assert [(t.target.name, t.severity) for t in found] == [
        ("c", Severity.CRITICAL),
        ("b", Severity.WARNING),
    ]


def test_an_open_proposal_is_the_answer() -> None:
    """A workload under change shows its proposal, whatever policies say meanwhile."""
    proposal = a_proposal("p1", "a")
    row = _result(_row("a", Severity.CRITICAL))
    ruled = _judged(_decision("a", DecisionKind.HOLD, "AlreadyOpen"))
    (found,) = standing.troubles([(AUDIT, row)], ruled, [proposal])
    assert found.proposal == proposal
    assert found.answer == ""


def test_without_one_the_most_telling_word_is() -> None:
    """A policy that holds back says more than one that skips."""
    row = _result(_row("a", Severity.CRITICAL))
    ruled = _judged(
        _decision("a", DecisionKind.SKIP, "Severity"), _decision("a", DecisionKind.HOLD, "Cooldown")
    )
    (found,) = standing.troubles([(AUDIT, row)], ruled, [])
    assert found.reason == "Cooldown"
    assert "cooldown" in found.answer


def test_what_no_policy_judges_is_uncovered() -> None:
    """And it is counted."""
    row = _result(_row("a", Severity.CRITICAL), _row("b", Severity.HEALTHY))
    (found,) = standing.troubles([(AUDIT, row)], [], [])
    assert found.reason == "Uncovered"
    assert standing.uncovered([(AUDIT, row)], []) == 1
    judged = _judged(_decision("a", DecisionKind.SKIP, "Severity"))
    assert standing.uncovered([(AUDIT, row)], judged) == 0


def test_facts_are_the_numbers_that_say_something() -> None:
    """Zeros, nulls and names are left out; the audit's order is kept."""
    values = {
        "oom_kills": 3,
        "oom_pods": 0,
        "memory_pct_max": 97.5,
        "hottest_pod": "checkout-5d-x",
        "memory_limit_bytes": 134217728,
    }
    assert standing.facts(AUDIT, values) == (
        ("oom kills", "3"),
        ("memory % max", "97.5 %"),
        ("memory limit", "128 MiB"),
    )


def test_coverage_counts_kinds_and_reasons() -> None:
    """How much of the last cycle was proposed, held, skipped, and why."""
    judged = Judged(
        START,
        (
            _decision("a", DecisionKind.SKIP, "Severity"),
            _decision("b", DecisionKind.SKIP, "Severity"),
            _decision("c", DecisionKind.PROPOSE, "Matched"),
        ),
    )
    found = standing.coverage(judged)
    assert found.rows == 3
    assert dict(found.kinds) == {"Propose": 1, "Hold": 0, "Skip": 2, "Error": 0}
    assert found.reasons[0] == ("Skip", "Severity", "", 2)
    assert standing.coverage(None).rows == 0


@pytest.mark.parametrize(
    ("state", "behind"),
    [(State.PROPOSED, 0), (State.APPROVED, 1), (State.VERIFYING, 4), (State.ROLLING_BACK, 5)],
)
def test_steps_lie_behind(state: State, behind: int) -> None:
    """The bar shows how far a proposal has come."""
    assert standing.step(a_proposal(state=state)) == behind
