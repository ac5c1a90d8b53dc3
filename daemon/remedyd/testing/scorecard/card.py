"""A whole scorecard: scenarios run through the daemon's own decisions, and what they add up to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from remedyd.model import monotonic
from remedyd.testing.policytest.runner import CaseResult, live
from remedyd.testing.policytest.sources import Sources
from remedyd.testing.policytest.suite import Suite
from remedyd.testing.scorecard.grading import (
    Detection,
    Grade,
    Graded,
    detections,
    failures,
    graded,
)
from remedyd.testing.scorecard.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Scored:
    """One scenario after it ran."""

    result: CaseResult
    proposals: tuple[Graded, ...]
    detections: tuple[Detection, ...]

    @property
    def name(self) -> str:
        """The file's name and the scenario's."""
        return f"{self.result.suite.name}/{self.result.case.name}"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a card has to reach. A forbidden proposal fails whatever is asked for."""

    recall: float = 1.0
    precision: float = 1.0


@dataclass(frozen=True, slots=True)
class Card:
    """All scenarios and what is demanded of them."""

    scored: tuple[Scored, ...]
    demand: Demand = Demand()

    def count(self, grade: Grade) -> int:
        """Return the number of proposals with this grade."""
        return sum(p.grade is grade for one in self.scored for p in one.proposals)

    @property
    def delays(self) -> tuple[timedelta, ...]:
        """The times to detect, of all that was detected."""
        every = (found.delay for one in self.scored for found in one.detections)
        return tuple(sorted(delay for delay in every if delay is not None))

    @property
    def detected(self) -> int:
        """How much of what had to be proposed was proposed in time."""
        return len(self.delays)

    @property
    def missed(self) -> int:
        """How much of it was not."""
        return sum(len(one.detections) for one in self.scored) - self.detected

    @property
    def recall(self) -> float | None:
        """The detected share of what had to be proposed; None where nothing had to be."""
        return _share(self.detected, self.missed)

    @property
    def precision(self) -> float | None:
        """The right share of the proposals that are not merely allowed; None without any."""
        bad = self.count(Grade.WRONG) + self.count(Grade.FORBIDDEN)
        return _share(self.count(Grade.RIGHT), bad)

    @property
    def time_to_detect(self) -> tuple[timedelta, timedelta] | None:
        """The median and the longest; None where nothing was detected."""
        delays = self.delays
        if not delays:
            return None
        middle = median(delay.total_seconds() for delay in delays)
        return timedelta(seconds=middle), delays[-1]

    @property
    def failed(self) -> int:
        """The number of scenarios that were not answered rightly."""
        return sum(not one.result.passed for one in self.scored)

    @property
    def passed(self) -> bool:
        """Whether the card is as good as demanded, every event happened, nothing is forbidden."""
        enough = (
            _reaches(self.recall, self.demand.recall),
            _reaches(self.precision, self.demand.precision),
        )
        broken = any(one.result.refused for one in self.scored)
        return all(enough) and not broken and not self.count(Grade.FORBIDDEN)


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


def _reaches(share: float | None, demanded: float) -> bool:
    return share is None or share >= demanded


def run(suites: Iterable[Suite], chosen: str = "") -> Iterator[Scored]:
    """Run every scenario whose `file name/scenario name` matches the expression `chosen`.

    Raises InvalidInput for a recording that cannot be read.
    """
    pattern = re.compile(chosen)
    sources = Sources()
    for suite in suites:
        for case in suite.cases:
            if isinstance(case, Scenario) and pattern.search(f"{suite.name}/{case.name}"):
                yield score(suite, case, sources)


def score(suite: Suite, scenario: Scenario, sources: Sources) -> Scored:
    """Run one scenario and grade what was proposed."""
    started = monotonic()
    seen, refused = live(suite, scenario, sources)
    proposals = graded(scenario, seen)
    found = detections(scenario, proposals)
    result = CaseResult(
        suite=suite,
        case=scenario,
        failures=(*refused, *failures(scenario, seen, proposals, found)),
        covered=frozenset(),
        seen=tuple(seen),
        seconds=monotonic() - started,
        refused=bool(refused),
    )
    return Scored(result, proposals, found)
