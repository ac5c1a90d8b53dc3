"""What stands between a match and a proposal: memory, one action per workload, limits, guardrails.

The guards are asked in a fixed order; the first that objects names the reason. Those that compare
matches with each other see them in rank order: most severe first, then by policy and workload, so
that the order of rows and policies in the input changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from operator import attrgetter

from remedyd.documents import format_duration
from remedyd.model.audit import AuditResult
from remedyd.model.decision import Decision, Mode
from remedyd.model.state import DecisionState
from remedyd.policy.guardrails import (
    COUNTED_LATER,
    RULES,
    Guardrails,
    Objection,
    Snapshot,
    objection,
    others_under_change,
    signs,
)
from remedyd.policy.judging import Match
from remedyd.policy.ladder import Rung, Stopped, rung
from remedyd.policy.leaks import answered, concerned
from remedyd.policy.reasons import Reason
from remedyd.policy.sustain import Sustained

_HOUR = timedelta(hours=1)
_NONE = timedelta(0)
_OPEN, _DUPLICATE = Reason.ALREADY_OPEN, Reason.DUPLICATE_TARGET

Namespace = tuple[str, str]
"""Cluster and namespace."""


def _ranked(pending: Iterable[Match]) -> Iterator[Match]:
    """Yield matches that compete: most severe, then by policy, workload and slot; rehearsals last.

    `pending` is in the order of slots.
    """
    alike: dict[tuple[bool, int, str], list[Match]] = {}
    for policy, matches in groupby(pending, attrgetter("policy")):
        for severity, found in groupby(matches, attrgetter("row.severity")):
            rank = (policy.mode is Mode.DRY_RUN, -severity, policy.name)
            alike.setdefault(rank, []).extend(found)
    for rank in sorted(alike):
        yield from sorted(alike[rank], key=attrgetter("identity"))


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
        self._tried = {workload for _, workload, _ in state.attempts}
        self._tried |= {change.workload for change in state.changes}
        self._raising: dict[str, bool] = {}
        """By policy, whether it raises memory."""

    def decide(self, pending: Iterable[Match], answers: list[Decision | Match]) -> None:
        """Put the decision about each match in its slot of `answers`."""
        ready: list[tuple[Match, Rung]] = []
        active: dict[tuple[str, Namespace], set[str]] = defaultdict(set)
        for match in _ranked(pending):
            answer = self._alone(match)
            if isinstance(answer, Rung):
                ready.append((match, answer))
            else:
                answers[match.slot] = answer
                if answer.reason is not _OPEN:
                    continue
            active[match.policy.name, match.namespace].add(match.workload)
        self._together(ready, active, answers)

    def _alone(self, match: Match) -> Decision | Rung:
        """Judge a match by itself: return the rung to propose, or why it is held."""
        state, workload = self._state, match.workload
        if lacking := self._sustained.lacking(match):
            return match.hold(Reason.SUSTAIN, lacking)
        if workload in state.open:
            return match.hold(_OPEN, f"proposal {state.open[workload]} is open")
        name = match.policy.name
        ended = state.finished.get((name, workload)) if state.finished else None
        left = ended + match.policy.spec.cooldown - self._now if ended else _NONE
        if left > _NONE and not self._tells_of(match, ended):
            when = f"the last proposal ended {ended:%Y-%m-%d %H:%M:%S}Z"
            detail = f"{when}; {format_duration(left)} of cooldown left"
            return match.hold(Reason.COOLDOWN, detail)
        found = self._rung(match)
        if isinstance(found, Stopped):
            return match.hold(found.reason, found.detail)
        if state.paused:
            text = "remedyd is paused: nothing is proposed"
            return match.hold(Reason.PAUSED, text, found.step)
        return found

    def _rung(self, match: Match) -> Rung | Stopped:
        """Return the rung to propose; more memory for a leak becomes a call for a person."""
        name, steps, state = match.policy.name, match.steps, self._state
        found: Rung | Stopped = Rung(steps[0])
        if match.workload in self._tried:
            found = rung(steps, name, match.workload, state, self._now)
        if name not in self._raising:
            self._raising[name] = concerned(match.policy.steps)
        if not self._raising[name]:
            return found
        return answered(found, steps, match.row, name, state, self._now)

    def _tells_of(self, match: Match, ended: datetime | None) -> bool:
        """Whether a person is to be told what the proposal that ended then came to.

        For that nothing has to cool down, unless it was itself such a call.
        """
        found = self._rung(match)
        if not isinstance(found, Rung) or not found.tells or found.after is None:
            return False
        key = (match.policy.name, match.workload, found.step.name)
        return ended not in self._state.attempts.get(key, ())

    def _together(
        self,
        ready: Iterable[tuple[Match, Rung]],
        active: Mapping[tuple[str, Namespace], set[str]],
        answers: list[Decision | Match],
    ) -> None:
        """Judge the matches that may be proposed against each other, in rank order."""
        first: dict[str, str] = {}
        claimed: list[str] = []
        proposed: Counter[str] = Counter()
        for match, found in ready:
            step, workload = found.step, match.workload
            if workload in first:
                answers[match.slot] = match.hold(_DUPLICATE, first[workload], step)
                continue
            first[workload] = f"{match.policy.name} comes first for {match.target}"
            if against := self._objection(match, found, claimed):
                answers[match.slot] = match.hold(against.reason, against.detail, step)
            elif storm := self._storm(match, active):
                answers[match.slot] = match.hold(Reason.TOO_MANY_TARGETS, storm, step)
            elif limit := self._rate(match, proposed[match.policy.name]):
                answers[match.slot] = match.hold(Reason.HOURLY_LIMIT, limit, step)
            else:
                proposed[match.policy.name] += 1
                if match.policy.mode is not Mode.DRY_RUN and not found.tells:
                    claimed.append(workload)
                answers[match.slot] = _proposed(match, found)

    def _objection(self, match: Match, found: Rung, claimed: Sequence[str]) -> Objection | None:
        """Return which guardrail stands against it."""
        if self._guardrails is None:
            return None
        shown = self._workloads.get(match.namespace, set())
        about = Snapshot(
            now=self._now,
            target=match.target,
            state=self._state,
            guardrails=self._guardrails,
            climbing=found.after is not None,
            tells=found.tells,
            mode=match.policy.mode,
            workloads=len(shown),
            storms=self._storms,
            claimed=tuple(claimed),
        )
        # Rows that miss a workload known to be under change do not show how large the namespace
        # is: the share is then judged with the cluster's own count, when planning and at the door.
        return objection(about, RULES if others_under_change(about) <= shown else COUNTED_LATER)

    def _storm(self, match: Match, active: Mapping[tuple[str, Namespace], set[str]]) -> str:
        """Return why the namespace has too many targets at once; empty when it has not."""
        namespace = match.namespace
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
    because = "".join(f"; {text}" for text in (found.evidence, found.because) if text)
    detail = f"{step.action.type} on {match.target}{evidence}{because}"
    before = after.proposal if after else ""
    return match.propose(found.reason, detail, step, before)


def _recent(times: Iterable[datetime], now: datetime, span: timedelta) -> int:
    return sum(1 for time in times if time > now - span)
