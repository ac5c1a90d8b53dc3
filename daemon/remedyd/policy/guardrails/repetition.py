"""Repeat detection: what was tried and did not help is not tried again in the same size.

A change repeats an earlier one if it is the same action on the same target and none of its
fields goes further than it went then. Raising memory to 512Mi after 384Mi did not help is
another attempt; 384Mi once more, or 320Mi, is not.
"""

from decimal import Decimal

from remedyd.cluster import quantities
from remedyd.errors import InvalidInput
from remedyd.model.plan import FieldChange, Plan
from remedyd.model.state import Change
from remedyd.model.values import Json
from remedyd.model.verdict import Outcome
from remedyd.policy.guardrails.snapshot import Snapshot

_DID_NOT_HELP = frozenset({Outcome.INEFFECTIVE, Outcome.HARMFUL})
_SIZELESS = frozenset({"Restart", "DeletePod"})
"""Actions that do the same however often: what they write is only a time or a pod's name."""


def repeated(s: Snapshot) -> str:
    """Return which earlier change this one repeats."""
    if s.plan is None:
        return ""
    earliest = s.now - s.guardrails.repeat
    for change in reversed(s.state.changes):
        tried = change.workload == s.target.workload and change.outcome in _DID_NOT_HELP
        if not tried or change.applied_at is None or change.applied_at < earliest:
            continue
        if repeats(s.plan, change):
            return (
                f"{change.action} was tried by proposal {change.proposal} and was "
                f"{change.outcome}: {change.detail}"
            )
    return ""


def repeats(plan: Plan, tried: Change) -> bool:
    """Whether the plan does no more than what was tried."""
    if plan.action != tried.action:
        return False
    if plan.action in _SIZELESS:
        return True
    before = {field.path: field for field in tried.fields}
    return bool(plan.changes) and all(
        field.path in before and _no_further(field, before[field.path]) for field in plan.changes
    )


def falls_short(plan: Plan, earlier: Plan) -> bool:
    """Whether a field has less of what the earlier plan gave it, and `plan` changes it again."""
    given = {field.path: field for field in earlier.changes}
    return plan.action == earlier.action and any(
        field.path in given and _taken_away(field.old, given[field.path]) for field in plan.changes
    )


def _taken_away(now: Json, given: FieldChange) -> bool:
    amount, start, end = _amount(now), _amount(given.old), _amount(given.new)
    if amount is None or start is None or end is None:
        return now == given.old
    return amount < end if end > start else amount > end


def _no_further(now: FieldChange, then: FieldChange) -> bool:
    wanted, reached, start = _amount(now.new), _amount(then.new), _amount(now.old)
    if wanted is None or reached is None or start is None:
        return now.new == then.new
    return wanted <= reached if wanted > start else wanted >= reached


def _amount(value: Json) -> Decimal | None:
    if value is None or isinstance(value, bool | list | dict):
        return None
    try:
        return quantities.parse(value)
    except InvalidInput:
        return None
