"""What stands between a match and a proposal: memory, pause, one action per workload, limits.

The guards are asked in a fixed order; the first that objects names the reason. Those that compare
matches with each other see them in rank order: most severe first, then by policy and workload, so
that the order of rows and policies in the input changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from remedyd.documents import format_duration
from remedyd.model.audit import AuditResult
from remedyd.model.decision import Decision, DecisionKind, Mode
from remedyd.model.state import DecisionState
from remedyd.policy.judging import Match
from remedyd.policy.policy import Step
from remedyd.policy.reasons import Reason
from remedyd.policy.schema import OnFailure
from remedyd.policy.sustain import Sustained

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

Namespace = tuple[str, str]
"""Cluster and namespace."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A match with its place in the answer."""

    slot: int
    match: Match

    @property
    def rank(self) -> tuple[bool, int, str, str, int]:
        """Return what orders matches that compete."""
        match = self.match
        rehearsal = match.policy.mode is Mode.DRY_RUN
        target = match.target.identity
        return rehearsal, -int(match.row.severity), match.policy.name, target, self.slot


class Guards:
    """Turns the matches of one cycle into decisions."""

    def __init__(
        self,
        state: DecisionState,
        sustained: Sustained,
        results: Iterable[AuditResult],
        now: datetime,
    ) -> None:
        """Take the remembered state, the sightings with this cycle's, and the usable results."""
        self._state = state
        self._sustained = sustained
        self._now = now
        self._workloads = _workloads(results)

    def decide(self, pending: Iterable[Pending]) -> dict[int, Decision]:
        """Return the decision for each slot."""
        decided: dict[int, Decision] = {}
        ready: list[tuple[Pending, Step]] = []
        active: dict[tuple[str, Namespace], set[str]] = {}
        for item in sorted(pending, key=lambda p: p.rank):
            answer = self._alone(item)
            if isinstance(answer, Step):
                ready.append((item, answer))
            else:
                decided[item.slot] = answer
            if isinstance(answer, Step) or answer.reason == Reason.ALREADY_OPEN:
                reach = (item.match.policy.name, _namespace(item.match))
                active.setdefault(reach, set()).add(item.match.target.workload)
        decided.update(self._together(ready, active))
        return decided

    def _alone(self, item: Pending) -> Decision | Step:
        """Judge a match by itself: return the step to propose, or why it is held."""
        match, state = item.match, self._state
        workload, name = match.target.workload, match.policy.name
        if lacking := self._sustained.lacking(match):
            return _held(match, Reason.SUSTAIN, lacking)
        if workload in state.open:
            return _held(match, Reason.ALREADY_OPEN, f"proposal {state.open[workload]} is open")
        ended = state.finished.get((name, workload))
        cooldown = match.policy.spec.cooldown
        if ended is not None and self._now < ended + cooldown:
            left = format_duration(ended + cooldown - self._now)
            detail = f"the last proposal ended {ended:%Y-%m-%d %H:%M:%S}Z; {left} of cooldown left"
            return _held(match, Reason.COOLDOWN, detail)
        step = self._step(match)
        if step is None:
            tried = ", ".join(f"{s.name} ({s.spec.max_attempts})" for s in match.steps)
            detail = f"tried as often as allowed within a day: {tried}"
            return _held(match, Reason.STEPS_EXHAUSTED, detail)
        if state.paused:
            return _held(match, Reason.PAUSED, "remedyd is paused: nothing is proposed", step)
        return step

    def _step(self, match: Match) -> Step | None:
        """Return the first step with attempts left; a spent one is passed only by `Next`."""
        for step in match.steps:
            key = (match.policy.name, match.target.workload, step.name)
            tried = _recent(self._state.attempts.get(key, ()), self._now, _DAY)
            if tried < step.spec.max_attempts:
                return step
            if step.spec.on_failure is not OnFailure.NEXT:
                return None
        return None

    def _together(
        self, ready: list[tuple[Pending, Step]], active: Mapping[tuple[str, Namespace], set[str]]
    ) -> dict[int, Decision]:
        """Judge the matches that may be proposed against each other, in rank order."""
        decided: dict[int, Decision] = {}
        claimed: dict[str, Match] = {}
        proposed: Counter[str] = Counter()
        for item, step in ready:
            match = item.match
            first = claimed.setdefault(match.target.workload, match)
            if first is not match:
                detail = f"{first.policy.name} comes first for {first.target}"
                decided[item.slot] = _held(match, Reason.DUPLICATE_TARGET, detail, step)
            elif storm := self._storm(match, active):
                decided[item.slot] = _held(match, Reason.TOO_MANY_TARGETS, storm, step)
            elif limit := self._rate(match, proposed[match.policy.name]):
                decided[item.slot] = _held(match, Reason.HOURLY_LIMIT, limit, step)
            else:
                proposed[match.policy.name] += 1
                evidence = f": {match.evidence}" if match.evidence else ""
                detail = f"{step.action.type} on {match.target}{evidence}"
                decided[item.slot] = match.decide(
                    DecisionKind.PROPOSE, Reason.MATCHED, detail, step
                )
        return decided

    def _storm(self, match: Match, active: Mapping[tuple[str, Namespace], set[str]]) -> str:
        """Return why the namespace has too many targets at once; empty when it has not."""
        namespace = _namespace(match)
        targets = len(active[match.policy.name, namespace])
        known = len(self._workloads.get(namespace, ()))
        share = match.policy.spec.limits.max_targets_percent
        allowed = max(1, int(known * share / 100))
        if targets <= allowed:
            return ""
        return (
            f"{targets} of {known} workloads in {namespace[1]} match at once, "
            f"at most {allowed} may ({share:g} %)"
        )

    def _rate(self, match: Match, now_proposed: int) -> str:
        """Return why the policy has proposed enough for now; empty when it has not."""
        limit = match.policy.spec.limits.max_per_hour
        past = _recent(self._state.proposed.get(match.policy.name, ()), self._now, _HOUR)
        if past + now_proposed < limit:
            return ""
        return f"{past + now_proposed} proposals within the hour, at most {limit} may be made"


def _held(match: Match, reason: Reason, detail: str, step: Step | None = None) -> Decision:
    return match.decide(DecisionKind.HOLD, reason, detail, step)


def _recent(times: Iterable[datetime], now: datetime, span: timedelta) -> int:
    return sum(1 for time in times if now - span < time <= now)


def _namespace(match: Match) -> Namespace:
    return match.target.cluster, match.target.namespace


def _workloads(results: Iterable[AuditResult]) -> dict[Namespace, set[str]]:
    """Return the workloads that this cycle's rows show, healthy ones included."""
    known: dict[Namespace, set[str]] = {}
    for result in results:
        for row in (*result.rows, *(aside.row for aside in result.set_aside)):
            target = row.target
            known.setdefault((target.cluster, target.namespace), set()).add(target.workload)
    return known
