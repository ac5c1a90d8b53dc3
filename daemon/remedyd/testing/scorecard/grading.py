"""What was proposed against what is right: each proposal gets one grade.

A proposal that comes before its incident, or after the time in which it helps, is as wrong as one
about a healthy workload: somebody would have changed what needed no change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from remedyd.documents import format_duration
from remedyd.model import ESCALATE
from remedyd.testing.policytest.matching import Failure
from remedyd.testing.policytest.schema import Came
from remedyd.testing.policytest.seen import Seen
from remedyd.testing.scorecard.scenarios import Scenario, Wanted
from remedyd.testing.scorecard.schema import MaySpec, NeverSpec


class Grade(StrEnum):
    """What a proposal is worth."""

    RIGHT = "right"
    """It had to come, and came in time."""
    ALLOWED = "allowed"
    """It may come; it counts neither for nor against the policies."""
    WRONG = "wrong"
    """Nobody asked for it, or it came at the wrong time."""
    FORBIDDEN = "forbidden"
    """It must never come."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One proposal; `at` counts from the scenario's beginning."""

    seen: Seen
    at: timedelta
    grade: Grade

    @property
    def action(self) -> str:
        """The type of its action."""
        return _action(self.seen)

    def __str__(self) -> str:
        """Return it as a line: when, what, to whom, by which policy."""
        decision = self.seen.decision
        at = format_duration(self.at)
        return f"{self.action} on {decision.target} at {at} by {decision.policy}"


@dataclass(frozen=True, slots=True)
class Detection:
    """What became of something that had to be proposed; `at` is None where it was missed."""

    wanted: Wanted
    at: timedelta | None

    @property
    def delay(self) -> timedelta | None:
        """How long after its beginning the incident was answered."""
        return None if self.at is None else self.at - self.wanted.spec.begins


def graded(scenario: Scenario, seen: Sequence[Seen]) -> tuple[Graded, ...]:
    """Return every proposal that the scenario looks at, with its grade."""
    return tuple(
        Graded(one, scenario.offset(one.at), _grade(scenario, one))
        for one in seen
        if one.came is Came.PROPOSED and _looked_at(scenario, one)
    )


def detections(scenario: Scenario, proposals: Sequence[Graded]) -> tuple[Detection, ...]:
    """Return for everything that had to be proposed when it first was."""
    right = [one for one in proposals if one.grade is Grade.RIGHT]
    return tuple(
        Detection(wanted, next((p.at for p in right if _answers(wanted, p.seen, p.at)), None))
        for wanted in scenario.must
    )


def failures(
    scenario: Scenario,
    seen: Sequence[Seen],
    proposals: Sequence[Graded],
    found: Sequence[Detection],
) -> Iterator[Failure]:
    """Yield what is wrong with the answer, each with the place that asked for something else."""
    for one in found:
        if one.at is None:
            yield Failure(one.wanted.place.problem(_missed(scenario, one.wanted, seen)))
    for proposal in proposals:
        if proposal.grade in (Grade.WRONG, Grade.FORBIDDEN):
            text = f"{proposal.grade}: {proposal}: {proposal.seen.detail}"
            yield Failure(scenario.place.problem(text))


def _grade(scenario: Scenario, one: Seen) -> Grade:
    at = scenario.offset(one.at)
    if any(_concerns(entry, one, at) for entry in scenario.never):
        return Grade.FORBIDDEN
    if any(_answers(wanted, one, at) for wanted in scenario.must):
        return Grade.RIGHT
    allowed = any(_concerns(entry, one, at) for entry in scenario.may)
    return Grade.ALLOWED if allowed else Grade.WRONG


def _answers(wanted: Wanted, one: Seen, at: timedelta) -> bool:
    spec = wanted.spec
    in_time = spec.begins <= at <= spec.by
    return in_time and _about(spec.target, one) and _action(one) in spec.actions


def _concerns(entry: MaySpec | NeverSpec, one: Seen, at: timedelta) -> bool:
    if entry.target is not None and not _about(entry.target, one):
        return False
    if at < entry.since or (entry.until is not None and at > entry.until):
        return False
    if entry.actions:
        return _action(one) in entry.actions
    return isinstance(entry, MaySpec) or _action(one) != ESCALATE


def _looked_at(scenario: Scenario, one: Seen) -> bool:
    return not scenario.only or any(_about(target, one) for target in scenario.only)


def _about(target: str, one: Seen) -> bool:
    shown = str(one.decision.target)
    return target in (shown, shown.partition("[")[0])


def _action(one: Seen) -> str:
    return one.decision.action.type if one.decision.action else ""


def _missed(scenario: Scenario, wanted: Wanted, seen: Sequence[Seen]) -> str:
    """Say how near the policies came."""
    spec = wanted.spec
    text = f"missed: {' or '.join(spec.actions)} on {spec.target} by {format_duration(spec.by)}"
    about = [one for one in seen if _about(spec.target, one)]
    in_time = [one for one in about if scenario.offset(one.at) <= spec.by]
    near = [one for one in about if one.came is Came.PROPOSED and _action(one) in spec.actions]
    if near:
        return f"{text}; it came at {format_duration(scenario.offset(near[0].at))}"
    if not in_time:
        return f"{text}; no policy looked at it until then"
    last = max(in_time, key=lambda one: (one.came is not Came.SKIPPED, one.at))
    said = f"{last.decision.policy} {last.came.lower()} it"
    at = format_duration(scenario.offset(last.at))
    return f"{text}; at {at} {said} ({last.reason}): {last.detail}"
