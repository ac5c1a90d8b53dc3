"""Replay: the daemon's own audits and `decide()`, cycle by cycle, over recorded telemetry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.documents import format_duration
from remedyd.errors import InvalidInput, QueryError
from remedyd.model import (
    AuditOutcome,
    AuditResult,
    Decision,
    DecisionKind,
    ManualClock,
    QuerySource,
)
from remedyd.policy.decide import decide
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.policy import PolicySet
from remedyd.testing.memory import Memory
from remedyd.testing.storms import Storms


@dataclass(frozen=True, slots=True)
class ReplayCycle:
    """One point in time: what the audits returned and what was decided."""

    at: datetime
    results: tuple[AuditResult, ...]
    decisions: tuple[Decision, ...]

    @property
    def proposed(self) -> tuple[Decision, ...]:
        """Return what would have become proposals."""
        return proposed(self.decisions)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One point in time under several sets of policies, one entry in `decided` for each."""

    at: datetime
    results: tuple[AuditResult, ...]
    decided: tuple[tuple[Decision, ...], ...]


class Judge:
    """One set of policies with what it remembers from cycle to cycle."""

    def __init__(self, policies: PolicySet, guardrails: Guardrails | None = None) -> None:
        """Take the policies; without guardrails only their own limits count."""
        self.policies = policies
        self._guardrails = guardrails
        self._memory = Memory()
        self._storms = Storms(guardrails) if guardrails else None

    def decide(self, results: Sequence[AuditResult], at: datetime) -> tuple[Decision, ...]:
        """Return the decisions about the results of one time, and remember them.

        Results of audits that these policies do not need are not looked at.
        """
        state = self._memory.state(at)
        own = [result for result in results if result.audit in self.policies.audits]
        if self._storms is not None:
            state = replace(state, storm=self._storms.look(own, at))
        decided = decide(own, state, at, self.policies, self._guardrails)
        self._memory.remember(decided.state, proposed(decided.decisions), at)
        return decided.decisions


def judge(
    run: Callable[[AuditDefinition], AuditResult],
    clock: ManualClock,
    definitions: Sequence[AuditDefinition],
    judges: Sequence[Judge],
    times: Sequence[datetime],
) -> Iterator[Cycle]:
    """Run the audits at each of `times` and let every judge decide on the results."""
    for at in times:
        clock.current = at
        results = tuple(map(run, definitions))
        yield Cycle(at, results, tuple(judge.decide(results, at) for judge in judges))


def replay(
    runner: AuditRunner,
    clock: ManualClock,
    audits: Mapping[str, AuditDefinition],
    policies: PolicySet,
    times: Sequence[datetime],
    guardrails: Guardrails | None = None,
) -> Iterator[ReplayCycle]:
    """Run every policy's audit at each of `times` and decide, remembering as the daemon does.

    `clock` is the clock of `runner` and of the recording: it is set to each time in turn.
    """
    definitions = [audits[name] for name in sorted(policies.audits)]
    judges = [Judge(policies, guardrails)]
    for cycle in judge(runner.run, clock, definitions, judges, times):
        yield ReplayCycle(cycle.at, cycle.results, cycle.decided[0])


def proposed(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Return the decisions that would have become proposals."""
    return tuple(d for d in decisions if d.kind is DecisionKind.PROPOSE)


def span(source: QuerySource) -> tuple[datetime, datetime]:
    """Return the times of the oldest and the newest metric; raise InvalidInput without any."""
    query = "FROM metrics-* | STATS oldest = MIN(@timestamp), newest = MAX(@timestamp) | LIMIT 1"
    try:
        ((first, last),) = source.query(query, {}).rows
    except QueryError as error:
        if error.outcome != AuditOutcome.NO_DATA:
            raise
        first = last = None
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise InvalidInput(
            "the recording holds no metrics: no document of metrics-* has a time",
            hint="Name the directory that `remedyd record` wrote.",
        )
    return first, last


def times(
    source: QuerySource,
    interval: timedelta,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[datetime]:
    """Return the times of the cycles in a recording, from `since` to `until` where they are given.

    The first one is an interval after the oldest metric. Raises InvalidInput when there is none.
    """
    first, last = span(source)
    begin = max(first + interval, since or first)
    found = every(begin, min(last, until or last), interval)
    if found:
        return found
    told = f"The recording reaches from {first:%Y-%m-%d %H:%M:%S}Z to {last:%Y-%m-%d %H:%M:%S}Z."
    if since is None and until is None:
        length = format_duration(last - first)
        raise InvalidInput(
            f"the recording is shorter than --every: it lasts {length}", hint="Take a shorter time."
        )
    raise InvalidInput("no cycle lies between --from and --to", hint=told)


def every(start: datetime, end: datetime, interval: timedelta) -> list[datetime]:
    """Return the times from `start` to `end` inclusive, `interval` apart."""
    count = (end - start) // interval
    return [start + interval * i for i in range(count + 1)]
