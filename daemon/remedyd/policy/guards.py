"""What stands between a match and a proposal: memory, one action per workload, limits, guardrails.

The guards are asked in a fixed order; the first that objects names the reason. Those that compare
matches with each other see them in rank order: most severe first, then by policy and workload, so
that the order of rows and policies in the input changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from remedyd.documents import format_duration
from remedyd.model.audit import AuditResult
from remedyd.model.decision import Decision, DecisionKind, Mode
from remedyd.model.state import DecisionState
from remedyd.policy.guardrails import Guardrails, Objection, Snapshot, objection, signs
from remedyd.policy.judging import Match
from remedyd.policy.ladder import Rung, Stopped, rung
from remedyd.policy.policy import Step
from remedyd.policy.reasons import Reason
from remedyd.policy.sustain import Sustained

_HOUR = timedelta(hours=1)
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
        results: Sequence[AuditResult],
        now: datetime,
        guardrails: Guardrails | None,
    ) -> None:
        """Take the remembered state, the sightings with this cycle's, and the usable results."""
        self._state = state
        self._sustained = sustained
        self._now = now
        self._results = tuple(results)
        self._guardrails = guardrails
        self._storms = signs(results, guardrails.storm) if guardrails else {}

    def decide(self, pending: Iterable[Match]) -> dict[int, Decision]:
        """Return the decision for each slot."""
        decided: dict[int, Decision] = {}
        ready: list[tuple[Match, Rung]] = []
        active: dict[tuple[str, Namespace], set[str]] = {}
        for match in sorted(pending, key=_rank):
            answer = self._alone(match)
            if isinstance(answer, Rung):
                ready.append((match, answer))
            else:
                decided[match.slot] = answer
            if isinstance(answer, Rung) or answer.reason == Reason.ALREADY_OPEN:
                reach = (match.policy.name, _namespace(match))
                active.setdefault(reach, set()).add(match.workload)
        decided.update(self._together(ready, active))
        return decided

    def _alone(self, match: Match) -> Decision | Rung:
        """Judge a match by itself: return the rung to propose, or why it is held."""
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
        found = rung(match.steps, match.policy.name, workload, state, self._now)
        if isinstance(found, Stopped):
            return _held(match, found.reason, found.detail)
        if state.paused:
            text = "remedyd is paused: nothing is proposed"
            return _held(match, Reason.PAUSED, text, found.step)
        return found

    def _together(
        self, ready: list[tuple[Match, Rung]], active: Mapping[tuple[str, Namespace], set[str]]
    ) -> dict[int, Decision]:
        """Judge the matches that may be proposed against each other, in rank order."""
        decided: dict[int, Decision] = {}
        first: dict[str, Match] = {}
        claimed: list[str] = []
        proposed: Counter[str] = Counter()
        for match, found in ready:
            step, ahead = found.step, first.setdefault(match.workload, match)
            if ahead is not match:
                detail = f"{ahead.policy.name} comes first for {ahead.target}"
                decided[match.slot] = _held(match, Reason.DUPLICATE_TARGET, detail, step)
            elif against := self._objection(match, found, claimed):
                decided[match.slot] = _held(match, against.reason, against.detail, step)
            elif storm := self._storm(match, active):
                decided[match.slot] = _held(match, Reason.TOO_MANY_TARGETS, storm, step)
            elif limit := self._rate(match, proposed[match.policy.name]):
                decided[match.slot] = _held(match, Reason.HOURLY_LIMIT, limit, step)
            else:
                proposed[match.policy.name] += 1
                if match.policy.mode is not Mode.DRY_RUN:
                    claimed.append(match.workload)
                decided[match.slot] = _proposed(match, found)
        return decided

    def _objection(self, match: Match, found: Rung, claimed: Sequence[str]) -> Objection | None:
        """Return which guardrail stands against it."""
        if self._guardrails is None:
            return None
        return objection(
            Snapshot(
                now=self._now,
                target=match.target,
                state=self._state,
                guardrails=self._guardrails,
                climbing=found.after is not None,
                mode=match.policy.mode,
                workloads=len(self._workloads.get(_namespace(match), ())),
                storms=self._storms,
                claimed=tuple(claimed),
            )
        )

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

    @cached_property
    def _workloads(self) -> dict[Namespace, set[str]]:
        """The workloads that this cycle's rows show, healthy ones included."""
        known: dict[Namespace, set[str]] = {}
        for target in (target for result in self._results for target in result.targets()):
            known.setdefault((target.cluster, target.namespace), set()).add(target.workload)
        return known

    def _rate(self, match: Match, now_proposed: int) -> str:
        """Return why the policy has proposed enough for now; empty when it has not."""
        limit = match.policy.spec.limits.max_per_hour
        past = _recent(self._state.proposed.get(match.policy.name, ()), self._now, _HOUR)
        if past + now_proposed < limit:
            return ""
        return f"{past + now_proposed} proposals within the hour, at most {limit} may be made"


def _proposed(match: Match, found: Rung) -> Decision:
    step, after = found.step, found.after
    evidence = f": {match.evidence}" if match.evidence else ""
    because = f"; {found.because}" if after else ""
    detail = f"{step.action.type} on {match.target}{evidence}{because}"
    before = after.proposal if after else ""
    return match.decide(DecisionKind.PROPOSE, Reason.MATCHED, detail, step, before)


def _held(match: Match, reason: Reason, detail: str, step: Step | None = None) -> Decision:
    return match.decide(DecisionKind.HOLD, reason, detail, step)


def _recent(times: Iterable[datetime], now: datetime, span: timedelta) -> int:
    return sum(1 for time in times if now - span < time <= now)


def _namespace(match: Match) -> Namespace:
    return match.target.cluster, match.target.namespace
