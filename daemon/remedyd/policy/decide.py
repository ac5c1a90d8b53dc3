"""The decision itself: pure, so that the daemon, policy tests and replay cannot differ.

For every policy and every row of its audit there is exactly one decision; nothing disappears.
Rows that the audit set aside for want of fresh evidence come after the others, as Skip.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from remedyd.model.audit import AuditResult
from remedyd.model.decision import Decision
from remedyd.model.state import DecisionState
from remedyd.policy.frame import Frame
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.guards import Guards
from remedyd.policy.judging import Match, judge, set_aside, unusable
from remedyd.policy.policy import Policy, PolicySet
from remedyd.policy.sustain import Sustained


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions of one cycle, by policy name and then row order, and the state after it.

    `state` differs from the one given in its sightings alone.
    """

    decisions: tuple[Decision, ...]
    state: DecisionState


def decide(
    results: Sequence[AuditResult],
    state: DecisionState,
    now: datetime,
    policies: PolicySet,
    guardrails: Guardrails | None = None,
) -> Decided:
    """Judge the rows of `results` under every policy that names their audit.

    `now` is aware, in UTC. Without `guardrails` only the policies' own limits count. A result that
    is not Ok gives one Error per policy, with the outcome as its reason. Policies whose audit is
    not among the results are left alone.
    """
    # The cycle collector finds nothing among so many new records, and takes a third of the time.
    # Whoever switched it off switches it on again, so threads that overlap leave it on.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _decide(results, state, now, policies, guardrails)
    finally:
        if collecting:
            gc.enable()


def _decide(
    results: Sequence[AuditResult],
    state: DecisionState,
    now: datetime,
    policies: PolicySet,
    guardrails: Guardrails | None,
) -> Decided:
    sustained = Sustained(state.sightings)
    answers: list[Decision | Match] = []
    pending: list[Match] = []
    frames: list[Frame | None] = [None] * len(results)
    for policy in policies.values():
        start = len(pending)
        for index, result in enumerate(results):
            if result.audit == policy.audit:
                frame = frames[index] = frames[index] or Frame(result, policy.columns, now)
                pending.extend(_judge(policy, frame, answers))
        _remember(sustained, policy, results, pending[start:], now)
    usable = [result for result in results if result.ok]
    Guards(state, sustained, usable, now, guardrails).decide(pending, answers)
    decisions = cast("tuple[Decision, ...]", tuple(answers))  # every match has its slot decided
    return Decided(decisions, replace(state, sightings=sustained.sightings))


def _judge(policy: Policy, frame: Frame, answers: list[Decision | Match]) -> list[Match]:
    """Append an answer for every row; return the matches."""
    if not frame.result.ok:
        answers.append(unusable(policy, frame))
        return []
    judged = judge(policy, frame, len(answers))
    answers.extend(judged)
    answers.extend(set_aside(policy, frame))
    return [answer for answer in judged if type(answer) is Match]


def _remember(
    sustained: Sustained,
    policy: Policy,
    results: Sequence[AuditResult],
    found: Sequence[Match],
    now: datetime,
) -> None:
    """Note the policy's matches, unless its audit said nothing in this cycle."""
    heard = [result for result in results if result.ok and result.audit == policy.audit]
    if heard:
        unknown = {aside.row.target.identity for result in heard for aside in result.set_aside}
        matched = dict.fromkeys(match.identity for match in found)
        at = max(result.window.end for result in heard)
        sustained.note(policy, matched, unknown - matched.keys(), at, now)
