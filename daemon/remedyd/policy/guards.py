"""What stands between a match and a proposal: memory, pause, one action per workload, limits.

The guards are asked in a fixed order; the first that objects names the reason. Those that compare
matches with each other see them in rank order: most severe first, then by policy and workload, so
that the order of rows and policies in the input changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
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
_NONE = timedelta(0)

Namespace = tuple[str, str]
"""Cluster and namespace."""


def _rank(match: Match) -> tuple[bool, int, str, str, int]:
    """Return what orders matches that compete; rehearsals come last."""
    policy, row = match.policy, match.row
    rehearsal = policy.mode is Mode.DRY_RUN
    return rehearsal, -row.severity, policy.name, match.identity, match.slot


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

    def decide(self, pending: Iterable[Match]) -> dict[int, Decision]:
        """Return the decision for each slot."""
        decided: dict[int, Decision] = {}
        ready: list[tuple[Match, Step]] = []
        active: dict[tuple[str, Namespace], set[str]] = {}
        for match in sorted(pending, key=_rank):
            answer = self._alone(match)
            if isinstance(answer, Step):
                ready.append((match, answer))
            else:
                decided[match.slot] = answer
            if isinstance(answer, Step) or answer.reason == Reason.ALREADY_OPEN:
                reach = (match.policy.name, _namespace(match))
                active.setdefault(reach, set()).add(match.workload)
        decided.update(self._together(ready, active))
        return decided

    def _alone(self, match: Match) -> Decision | Step:
        """Judge a match by itself: return the step to propose, or why it is held."""
        state, workload = self._state, match.workload
        if lacking := self._sustained.lacking(match):
            return _held(match, Reason.SUSTAIN, lacking)
        if workload in state.open:
            return _held(match, Reason.ALREADY_OPEN, f"proposal {state.open[workload]} is open")
        ended = state.finished.get((match.policy.name, workload))
        if ended is not None and (left := ended + match.policy.spec.cooldown - self._now) > _NONE:
            when = f"the last proposal ended {ended:%Y-%m-%d %H:%M:%S}Z"
            detail = f"{when}; {format_duration(left)} of cooldown left"
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
            key = (match.policy.name, match.workload, step.name)
            tried = _recent(self._state.attempts.get(key, ()), self._now, _DAY)
            if tried < step.spec.max_attempts:
                return step
            if step.spec.on_failure is not OnFailure.NEXT:
                return None
        return None

    def _together(
        self, ready: list[tuple[Match, Step]], active: Mapping[tuple[str, Namespace], set[str]]
    ) -> dict[int, Decision]:
        """Judge the matches that may be proposed against each other, in rank order."""
        decided: dict[int, Decision] = {}
        claimed: dict[str, Match] = {}
        proposed: Counter[str] = Counter()
        for match, step in ready:
            first = claimed.setdefault(match.workload, match)
            if first is not match:
                detail = f"{first.policy.name} comes first for {first.target}"
                decided[match.slot] = _held(match, Reason.DUPLICATE_TARGET, detail, step)
            elif storm := self._storm(match, active):
                decided[match.slot] = _held(match, Reason.TOO_MANY_TARGETS, storm, step)
            elif limit := self._rate(match, proposed[match.policy.name]):
                decided[match.slot] = _held(match, Reason.HOURLY_LIMIT, limit, step)
            else:
                proposed[match.policy.name] += 1
                evidence = f": {match.evidence}" if match.evidence else ""
                detail = f"{step.action.type} on {match.target}{evidence}"
                decided[match.slot] = match.decide(
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
