"""Runs cases: cycle by cycle through virtual time, as the daemon would."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from remedyd.documents import format_duration
from remedyd.errors import Conflict
from remedyd.model import DecisionState, Hold, Mode, Outcome, Plan, monotonic, strictest
from remedyd.policy.decide import decide
from remedyd.testing.memory import Memory
from remedyd.testing.policytest.coverage import Branch, branch_of
from remedyd.testing.policytest.fixtures import FixtureCluster
from remedyd.testing.policytest.guard import Guard
from remedyd.testing.policytest.matching import Failure, judged
from remedyd.testing.policytest.schema import Came
from remedyd.testing.policytest.seen import Seen, seen
from remedyd.testing.policytest.sources import Audits, Sources
from remedyd.testing.policytest.suite import Case, Event, Suite
from remedyd.testing.storms import Storms

APPROVAL_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case ended; it passed when there is no failure. `seconds` is real time.

    `refused` tells that an event did not happen as written.
    """

    suite: Suite
    case: Case
    failures: tuple[Failure, ...]
    covered: frozenset[Branch]
    seen: tuple[Seen, ...]
    seconds: float
    refused: bool = False

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
    found, refused = live(suite, case, sources)
    pairs, failures = judged(case, found)
    covered = {(one.decision.policy, branch_of(one)) for _, one in pairs}
    return CaseResult(
        suite=suite,
        case=case,
        failures=(*refused, *failures),
        covered=frozenset(covered),
        seen=tuple(found),
        seconds=monotonic() - started,
        refused=bool(refused),
    )


def live(suite: Suite, case: Case, sources: Sources) -> tuple[list[Seen], list[Failure]]:
    """Return what came of every row, and the events that did not happen as written."""
    story = _Story(suite, case, Audits(suite, case, sources))
    return [one for at in case.cycles for one in story.cycle(at)], story.failures


class _Story:
    """One case on its way through time."""

    def __init__(self, suite: Suite, case: Case, audits: Audits) -> None:
        self.failures: list[Failure] = []
        self._suite = suite
        self._case = case
        self._audits = audits
        self._events = list(case.events)
        self._memory = Memory(APPROVAL_LIFE)
        self._storms = Storms(case.guardrails)
        self._cluster = FixtureCluster(case.objects, case.now)
        self._guard = Guard(case.guardrails, self._cluster)
        self._plans: dict[str, Plan] = {}
        self._storm: Hold | None = None

    def cycle(self, at: datetime) -> Sequence[Seen]:
        """Let happen what comes before, then run the audits and decide."""
        while self._events and self._events[0].at <= at:
            self._happen(self._events.pop(0))
        results = self._audits.run(at)
        self._guard.hear(results)
        self._storm = self._storms.look(results, at, self._guard.nodes)
        state, rails = self._state(at), self._case.guardrails
        decided = decide(results, state, at, self._suite.policies, rails)
        found = [seen(decision, self._guard, state, at) for decision in decided.decisions]
        proposed = [one for one in found if one.came is Came.PROPOSED]
        self._memory.remember(decided.state, tuple(one.decision for one in proposed), at)
        for one in proposed:
            if one.plan is not None:
                self._plans[one.decision.target.workload] = one.plan
            if one.decision.mode is Mode.AUTO:
                self._approved_by_policy(one, at)
        return found

    def _state(self, at: datetime) -> DecisionState:
        return replace(self._memory.state(at), storm=self._storm)

    def _approved_by_policy(self, one: Seen, at: datetime) -> None:
        decision = one.decision
        if self._guard.against(decision, one.plan, self._state(at), at) is None:
            subject = str(decision.target).partition("[")[0]
            self._apply(subject, one.plan, at)

    def _happen(self, event: Event) -> None:
        subject = event.target.partition("[")[0]
        try:
            if event.does == "approve":
                if not self._approved(subject, event):
                    return
            elif event.does == "reject":
                self._memory.reject(subject, event.at)
            elif event.does == "delete":
                self._cluster.delete(subject)
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

    def _approved(self, subject: str, event: Event) -> bool:
        """Approve and apply, unless a guardrail stands against it; report the unexpected."""
        decision = self._memory.waiting(subject, event.at)
        plan = self._plans.get(decision.target.workload)
        asked = replace(decision, mode=strictest(decision.mode, Mode.PROPOSE))
        against = self._guard.against(asked, plan, self._state(event.at), event.at)
        came = str(against.reason) if against else ""
        if came != event.refused:
            wanted = f", not by {event.refused}" if event.refused else ""
            text = (
                f"is refused by {came}{wanted}: {against.detail}"
                if against
                else (f"went through, and was to be refused by {event.refused}")
            )
            at = format_duration(self._case.offset(event.at))
            self.failures.append(Failure(event.place.problem(f"approve at {at}: {text}")))
        if not came:
            self._apply(subject, plan, event.at)
        return not came

    def _apply(self, subject: str, plan: Plan | None, at: datetime) -> None:
        self._memory.approve(subject, at, plan.changes if plan else ())
        if plan is not None:
            self._cluster.apply(plan, at)

    def _settled(self, subject: str, verdict: Outcome, at: datetime) -> None:
        decision = self._memory.settle(subject, verdict, at)
        plan = self._plans.get(decision.target.workload)
        failed = verdict in (Outcome.INEFFECTIVE, Outcome.HARMFUL)
        if plan is not None and plan.undo is not None and failed and decision.verify.rollback:
            self._cluster.undo(plan, at)
