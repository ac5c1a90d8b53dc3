"""Replay: the daemon's own audits and `decide()`, cycle by cycle, over recorded telemetry."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.errors import InvalidInput
from remedyd.model import AuditResult, Decision, DecisionKind, ManualClock, QuerySource
from remedyd.policy.decide import decide
from remedyd.policy.policy import PolicySet
from remedyd.testing.memory import Memory


@dataclass(frozen=True, slots=True)
class ReplayCycle:
    """One point in time: what the audits returned and what was decided."""

    at: datetime
    results: tuple[AuditResult, ...]
    decisions: tuple[Decision, ...]

    @property
    def proposed(self) -> tuple[Decision, ...]:
        """Return what would have become proposals."""
        return tuple(d for d in self.decisions if d.kind is DecisionKind.PROPOSE)


def replay(
    runner: AuditRunner,
    clock: ManualClock,
    audits: Mapping[str, AuditDefinition],
    policies: PolicySet,
    times: Sequence[datetime],
) -> Iterator[ReplayCycle]:
    """Run every policy's audit at each of `times` and decide, remembering as the daemon does.

    `clock` is the clock of `runner` and of the recording: it is set to each time in turn.
    """
    memory = Memory()
    names = sorted(policies.audits)
    for at in times:
        clock.current = at
        results = tuple(runner.run(audits[name]) for name in names)
        decided = decide(results, memory.state(at), at, policies)
        cycle = ReplayCycle(at, results, decided.decisions)
        memory.remember(decided.state, cycle.proposed, at)
        yield cycle


def span(source: QuerySource) -> tuple[datetime, datetime]:
    """Return the times of the oldest and the newest metric; raise InvalidInput without any."""
    query = "FROM metrics-* | STATS oldest = MIN(@timestamp), newest = MAX(@timestamp) | LIMIT 1"
    ((first, last),) = source.query(query, {}).rows
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise InvalidInput("the recording holds no metrics", hint="name a recording's directory")
    return first, last


def every(start: datetime, end: datetime, interval: timedelta) -> list[datetime]:
    """Return the times from `start` to `end` inclusive, `interval` apart."""
    count = int((end - start) / interval)
    return [start + interval * i for i in range(count + 1)]
