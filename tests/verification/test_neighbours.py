"""A change that hurts a neighbour is harmful, whatever it did for its target."""

from dataclasses import replace
from typing import Any

import pytest

from remedyd.model import AuditOutcome, AuditResult, Outcome, Severity, Target, Verdict
from remedyd.verification.neighbours import harmed, with_neighbours
from support.policies import NOW, result, row

TARGET = Target("", "shop", "Deployment", "cart", "app")
HELPED = Verdict(Outcome.EFFECTIVE, NOW, "SeverityFell", "severity fell from 3 to 1")


def seen(**severities: Severity) -> AuditResult:
    return result(*(row(name, severity=grade) for name, grade in severities.items()))


@pytest.mark.parametrize(
    ("before", "after", "hurt"),
    [
        (Severity.HEALTHY, Severity.CRITICAL, True),
        (Severity.HEALTHY, Severity.WARNING, False),
        (Severity.HEALTHY, Severity.HEALTHY, False),
        (Severity.WARNING, Severity.CRITICAL, False),
        (Severity.CRITICAL, Severity.CRITICAL, False),
    ],
)
def test_only_who_was_well_and_is_critical_was_harmed(
    before: Severity, after: Severity, hurt: bool
) -> None:
    """Somebody unwell before the change is not its doing, a warning not yet harm."""
    assert bool(harmed(seen(ad=before), seen(ad=after), TARGET)) is hurt


def test_who_had_an_open_proposal_was_not_well() -> None:
    """This audit saw nothing wrong with it, but another one had: it is not this change's doing."""
    before, after = seen(ad=Severity.HEALTHY), seen(ad=Severity.CRITICAL)
    (hurt,) = harmed(before, after, TARGET)
    assert harmed(before, after, TARGET, {hurt.target.workload}) == ()
    assert harmed(before, after, TARGET, {TARGET.workload}) == (hurt,)


def test_the_target_is_not_its_own_neighbour() -> None:
    """Another container of the target is judged by the verdict itself."""
    sidecar = row("cart", container="proxy")
    before = result(replace(sidecar, severity=Severity.HEALTHY))
    assert harmed(before, result(sidecar), TARGET) == ()


def test_other_namespaces_are_no_neighbours() -> None:
    """Only the target's namespace is watched."""
    away = row("ad", namespace="other")
    before = result(replace(away, severity=Severity.HEALTHY))
    assert harmed(before, result(away), TARGET) == ()


def test_a_workload_that_is_new_was_not_well_before() -> None:
    """Whoever was not there before cannot have been harmed."""
    assert harmed(seen(cart=Severity.CRITICAL), seen(ad=Severity.CRITICAL), TARGET) == ()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_harm_outweighs_every_verdict(outcome: Outcome) -> None:
    """A harmed neighbour makes the change Harmful, and is named."""
    verdict = with_neighbours(
        replace(HELPED, outcome=outcome),
        seen(ad=Severity.HEALTHY),
        seen(ad=Severity.CRITICAL),
        TARGET,
    )
    assert (verdict.outcome, verdict.reason) == (Outcome.HARMFUL, "NeighbourHarmed")
    assert "Deployment/shop/ad" in verdict.detail
    assert "severity fell from 3 to 1" in verdict.detail


def test_well_neighbours_leave_the_verdict_as_it_is() -> None:
    """Nothing is added where nobody was harmed."""
    well = seen(ad=Severity.HEALTHY)
    assert with_neighbours(HELPED, well, well, TARGET) == HELPED


@pytest.mark.parametrize("missing", ["before", "after"])
@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(Outcome.EFFECTIVE, Outcome.INCONCLUSIVE), (Outcome.INEFFECTIVE, Outcome.INEFFECTIVE)],
)
def test_unseen_neighbours_make_no_success(
    missing: str, outcome: Outcome, expected: Outcome
) -> None:
    """Where the neighbours could not be seen, a success is not proved; a failure stays one."""
    silent = result(outcome=AuditOutcome.UNAVAILABLE, detail="no answer")
    both: dict[str, Any] = {"before": seen(ad=Severity.HEALTHY), "after": seen(ad=Severity.HEALTHY)}
    both[missing] = silent
    verdict = with_neighbours(replace(HELPED, outcome=outcome), **both, target=TARGET)
    assert verdict.outcome is expected


def test_three_of_the_harmed_are_named_and_the_rest_counted() -> None:
    """A page of names helps nobody."""
    names = ["a", "b", "c", "d", "e"]

    def told(count: int) -> str:
        well = seen(**dict.fromkeys(names[:count], Severity.HEALTHY))
        sick = seen(**dict.fromkeys(names[:count], Severity.CRITICAL))
        return with_neighbours(HELPED, well, sick, TARGET).detail

    assert "more" not in told(3)
    assert "shop/c[app] became critical" in told(3)
    assert "shop/c[app] and 2 more became critical" in told(5)
