"""Runs cases: cycle by cycle through virtual time, as the daemon would."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from remedyd.documents import format_duration
from remedyd.errors import Conflict
from remedyd.model import Decision, Mode, Outcome, Plan, monotonic
from remedyd.policy.decide import decide
from remedyd.testing.memory import Memory
from remedyd.testing.policytest.coverage import Branch, branch_of
from remedyd.testing.policytest.fixtures import FixtureCluster
from remedyd.testing.policytest.matching import Failure, judged
from remedyd.testing.policytest.schema import Came
from remedyd.testing.policytest.seen import Seen, seen
from remedyd.testing.policytest.sources import Audits, Sources
from remedyd.testing.policytest.suite import Case, Event, Suite

APPROVAL_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case ended; it passed when there is no failure. `seconds` is real time."""

    suite: Suite
    case: Case
    failures: tuple[Failure, ...]
    covered: frozenset[Branch]
    seen: tuple[Seen, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything came as expected, and nothing else."""
        return not self.failures


def run(suites: Iterable[Suite], chosen: str = "") -> Iterator[CaseResult]:
    """Run every case whose `file name/case name` matches the regular expression `chosen`.

    Raises InvalidInput for a recording that cannot be read.
    """
    pattern = re.compile(chosen)
    sources = Sources()
    for suite in suites:
        for case in suite.cases:
            if pattern.search(f"{suite.name}/{case.name}"):
                yield run_case(suite, case, sources)


def run_case(suite: Suite, case: Case, sources: Sources) -> CaseResult:
    """Run one case."""
    started = monotonic()
    story = _Story(suite, case, Audits(suite, case, sources))
    found = [one for at in case.cycles for one in story.cycle(at)]
    pairs, failures = judged(case, found)
    covered = {(one.decision.policy, branch_of(one)) for _, one in pairs}
    return CaseResult(
        suite=suite,
        case=case,
        failures=(*story.failures, *failures),
        covered=frozenset(covered),
        seen=tuple(found),
        seconds=monotonic() - started,
    )


class _Story:
    """One case on its way through time."""

    def __init__(self, suite: Suite, case: Case, audits: Audits) -> None:
        self.failures: list[Failure] = []
        self._suite = suite
        self._case = case
        self._audits = audits
        self._events = list(case.events)
        self._memory = Memory(APPROVAL_LIFE, auto=True)
        self._cluster = FixtureCluster(case.objects, case.now)
        self._plans: dict[str, Plan] = {}

    def cycle(self, at: datetime) -> Sequence[Seen]:
        """Let happen what comes before, then run the audits and decide."""
        while self._events and self._events[0].at <= at:
            self._happen(self._events.pop(0))
        results = self._audits.run(at)
        decided = decide(results, self._memory.state(at), at, self._suite.policies)
        found = [seen(decision, self._cluster, at) for decision in decided.decisions]
        proposed = [one for one in found if one.came is Came.PROPOSED]
        self._memory.remember(decided.state, tuple(one.decision for one in proposed), at)
        for one in proposed:
            if one.plan is not None:
                self._plans[one.decision.target.workload] = one.plan
            if one.decision.mode is Mode.AUTO:
                self._applied(one.decision, at)
        return found

    def _happen(self, event: Event) -> None:
        subject = event.target.partition("[")[0]
        try:
            if event.does == "approve":
                self._applied(self._memory.approve(subject, event.at), event.at)
            elif event.does == "reject":
                self._memory.reject(subject, event.at)
            elif event.does == "pause":
                self._memory.pause(event.paused)
            else:
                self._cluster.put(event.objects, event.at)
            if event.verdict is not None:
                self._settled(subject, event.verdict, event.at)
        except Conflict as error:
            at = format_duration(self._case.offset(event.at))
            text = f"{event.does} at {at}: {error.message}"
            self.failures.append(Failure(event.place.problem(text)))

    def _applied(self, decision: Decision, at: datetime) -> None:
        plan = self._plans.get(decision.target.workload)
        if plan is not None:
            self._cluster.apply(plan, at)

    def _settled(self, subject: str, verdict: Outcome, at: datetime) -> None:
        decision = self._memory.settle(subject, verdict, at)
        plan = self._plans.get(decision.target.workload)
        failed = verdict in (Outcome.INEFFECTIVE, Outcome.HARMFUL)
        if plan is not None and plan.undo is not None and failed and decision.verify.rollback:
            self._cluster.undo(plan, at)
