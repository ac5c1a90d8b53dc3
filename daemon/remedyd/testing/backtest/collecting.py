"""Gathers the figures of a backtest while its cycles go by, so that none has to be kept."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from remedyd.model import AuditResult, Decision, DecisionKind, Target
from remedyd.policy.reasons import Reason
from remedyd.testing.backtest.figures import Fate, Phase, Proposed, Report, Side, Stretch, Track
from remedyd.testing.replay import Cycle

FLAPS, WITHIN = 3, timedelta(days=1)
"""Episodes, and the time in which so many of them begin, from which a target flaps."""

PATIENCE = timedelta(minutes=5)
"""How much later than the approval a reading may come and still tell what it would have met."""

_HELD = {
    Reason.SUSTAIN: Phase.SUSTAIN,
    Reason.ALREADY_OPEN: Phase.OPEN,
    Reason.COOLDOWN: Phase.COOLDOWN,
}
_UNSURE = frozenset({Reason.STALE, Reason.TOO_FEW_SAMPLES, Reason.CONDITION_ERROR})

Key = tuple[str, str]
"""Policy and row identity."""


def phase_of(decision: Decision) -> Phase | None:
    """Return where the target stands; None for a row that simply does not match."""
    if decision.kind is DecisionKind.PROPOSE:
        return Phase.PROPOSED
    if decision.kind is DecisionKind.HOLD:
        known = _HELD.get(Reason(decision.reason))
        return known or (Phase.COOLDOWN if "Cooldown" in decision.reason else Phase.LIMIT)
    if decision.kind is DecisionKind.ERROR or decision.reason in _UNSURE:
        return Phase.UNSURE
    return None


@dataclass(slots=True)
class _Line:
    """A track being written."""

    target: str
    stretches: list[Stretch] = field(default_factory=list)
    begun: list[datetime] = field(default_factory=list)
    matching: bool = False

    def add(self, phase: Phase, number: int, at: datetime) -> None:
        if phase is not Phase.UNSURE and not self.matching:
            self.matching = True
            self.begun.append(at)
        last = self.stretches[-1] if self.stretches else None
        if last and last.phase is phase and last.last == number - 1:
            self.stretches[-1] = replace(last, last=number)
        else:
            self.stretches.append(Stretch(phase, number, number))

    @property
    def flapping(self) -> bool:
        pairs = zip(self.begun, self.begun[FLAPS - 1 :], strict=False)
        return any(third - first <= WITHIN for first, third in pairs)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A proposal whose approval has not come yet; `place` is that in the list of proposals.

    It is judged by the first trustworthy reading from `due` on, up to `latest`: what is read
    hours later, after a gap, does not tell what an approver would have met.
    """

    place: int
    key: Key
    target: Target
    audit: str
    due: datetime
    latest: datetime


class SideCollector:
    """The findings under one set of policies."""

    def __init__(
        self,
        name: str,
        policies: Iterable[str],
        approval_after: timedelta,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Take the set's name, its policies, how long an approval takes, and the patience."""
        self._name = name
        self._policies = tuple(policies)
        self._after = approval_after
        self._patience = patience
        self._proposals: list[Proposed] = []
        self._waiting: list[_Waiting] = []
        self._lines: dict[Key, _Line] = {}
        self._held: dict[str, Counter[str]] = defaultdict(Counter)
        self._errors: dict[str, Counter[str]] = defaultdict(Counter)

    def add(
        self,
        number: int,
        at: datetime,
        decisions: Sequence[Decision],
        results: Mapping[str, AuditResult],
    ) -> None:
        """Take one cycle's decisions and the results they are about."""
        phases: dict[Key, Phase | None] = {}
        silent: set[str] = set()
        for decision in decisions:
            phase = phase_of(decision)
            key = (decision.policy, decision.target.identity)
            phases[key] = phase
            if phase is None:
                continue
            if decision.kind is DecisionKind.ERROR:
                self._errors[decision.policy][decision.reason] += 1
                if not results[decision.audit].ok:
                    silent.add(decision.policy)
            elif decision.kind is DecisionKind.HOLD:
                self._held[decision.policy][decision.reason] += 1
            line = self._lines.setdefault(key, _Line(str(decision.target)))
            line.add(phase, number, at)
        self._settle(at, phases, results)
        self._propose(at, decisions)
        for key, line in self._lines.items():
            if line.matching and key[0] not in silent and phases.get(key) is None:
                line.matching = False

    def side(self) -> Side:
        """Return the findings; what still waits for its approval stays unknown."""
        tracks = [
            Track(policy, line.target, tuple(line.stretches), len(line.begun), line.flapping)
            for (policy, _), line in self._lines.items()
        ]
        tracks.sort(key=lambda t: (t.policy, -t.proposals, -t.matched, t.target))
        held = {policy: dict(counts) for policy, counts in sorted(self._held.items())}
        errors = {policy: dict(counts) for policy, counts in sorted(self._errors.items())}
        return Side(self._name, self._policies, tuple(self._proposals), tuple(tracks), held, errors)

    def _propose(self, at: datetime, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if decision.kind is not DecisionKind.PROPOSE or decision.action is None:
                continue
            key = (decision.policy, decision.target.identity)
            due = at + self._after
            place = len(self._proposals)
            about = (decision.target, decision.audit)
            self._waiting.append(_Waiting(place, key, *about, due, due + self._patience))
            self._proposals.append(
                Proposed(
                    at,
                    decision.policy,
                    str(decision.target),
                    decision.action.type,
                    decision.step,
                    decision.detail,
                )
            )

    def _settle(
        self,
        at: datetime,
        phases: Mapping[Key, Phase | None],
        results: Mapping[str, AuditResult],
    ) -> None:
        """Say what had become of the causes of the proposals that are due."""
        left = []
        for waiting in self._waiting:
            if at > waiting.latest:
                continue
            fate = _fate(waiting, phases, results) if waiting.due <= at else Fate.UNKNOWN
            if fate is Fate.UNKNOWN:
                left.append(waiting)
            else:
                place = waiting.place
                self._proposals[place] = replace(self._proposals[place], fate=fate)
        self._waiting = left


def _fate(
    waiting: _Waiting, phases: Mapping[Key, Phase | None], results: Mapping[str, AuditResult]
) -> Fate:
    result = results.get(waiting.audit)
    if result is None or not result.ok:
        return Fate.UNKNOWN
    if waiting.key in phases:
        phase = phases[waiting.key]
        if phase is Phase.UNSURE:
            return Fate.UNKNOWN
        return Fate.RECOVERED if phase is None else Fate.PERSISTED
    return Fate.RECOVERED if waiting.target in result.others else Fate.GONE


class Collector:
    """The figures of a backtest."""

    def __init__(
        self, sides: Sequence[SideCollector], interval: timedelta, approval_after: timedelta
    ) -> None:
        """Take one collector for each set of policies, in the order of the judges."""
        self._sides = sides
        self._interval = interval
        self._after = approval_after
        self._times: list[datetime] = []
        self._audits: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, cycle: Cycle) -> None:
        """Take one cycle."""
        results = {result.audit: result for result in cycle.results}
        for result in cycle.results:
            self._audits[result.audit][result.outcome.value] += 1
        for side, decisions in zip(self._sides, cycle.decided, strict=True):
            side.add(len(self._times), cycle.at, decisions, results)
        self._times.append(cycle.at)

    def report(self, recording: str, notices: Sequence[str] = ()) -> Report:
        """Return everything that was found."""
        return Report(
            recording=recording,
            times=tuple(self._times),
            interval=self._interval,
            approval_after=self._after,
            sides=tuple(side.side() for side in self._sides),
            audits={name: dict(counts) for name, counts in sorted(self._audits.items())},
            notices=tuple(notices),
        )
