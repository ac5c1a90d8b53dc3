"""More memory feeds a leak: when a raise becomes a call for a person instead.

Two signs, either is enough. Memory was raised twice within a day and the row is back; or the
audit saw the working set grow in a line while a container lived, fast enough to fill another
limit within a day. Pure, and above all policies: no `maxAttempts` raises memory a third time.
The price is that a workload that truly needs three raises in a day has to wait for a person.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from remedyd.cluster import quantities
from remedyd.errors import InvalidInput
from remedyd.model.audit import AuditRow
from remedyd.model.decision import ActionRequest
from remedyd.model.plan import ESCALATE, FieldChange
from remedyd.model.state import Change, DecisionState
from remedyd.policy.ladder import Rung, Stopped
from remedyd.policy.policy import Step
from remedyd.policy.reasons import Reason

STEP: Final = "suspected-leak"
"""The name of the step that stands in for the raise."""
GROWTH: Final = "memory_growth_mib_per_minute"
"""The column with the growth of the working set; null where it is no line."""
LIMIT: Final = "memory_limit_bytes"

_RAISES: Final = frozenset({"UpdateResources", "ResizePods"})
_MOST: Final = 2
_DAY: Final = timedelta(days=1)
_DAY_MINUTES: Final = 1440
_MEBI: Final = 1024 * 1024


def answered(
    found: Rung | Stopped,
    steps: Sequence[Step],
    row: AuditRow,
    policy: str,
    state: DecisionState,
    now: datetime,
) -> Rung | Stopped:
    """Return the rung, or the call for a person that stands in for one more raise of memory."""
    step = _raise_meant(found, steps)
    if step is None:
        return found
    raised = _raised(row, state, now)
    told = _repeated(row, raised) or _growing(row)
    if not told:
        return found
    workload = row.target.workload
    times = state.attempts.get((policy, workload, STEP), ())
    if any(at > now - _DAY for at in times):
        return Stopped(Reason.SUSPECTED_LEAK, f"a person was told within the last day: {told}")
    summary = f"Suspected leak: {told}"
    action = ActionRequest(ESCALATE, {"severity": "critical", "summary": _short(summary)})
    instead = replace(step, spec=step.spec.model_copy(update={"name": STEP}), action=action)
    return Rung(instead, raised[-1] if raised else None, Reason.SUSPECTED_LEAK, summary)


def _raise_meant(found: Rung | Stopped, steps: Sequence[Step]) -> Step | None:
    """Return the step that raises memory: the one to propose, or the last of a spent ladder."""
    if isinstance(found, Rung):
        return found.step if _raises(found.step.action) else None
    if found.reason is not Reason.STEPS_EXHAUSTED or not _raises(steps[-1].action):
        return None
    return steps[-1]


def concerned(steps: Sequence[Step]) -> bool:
    """Whether any of the steps raises memory: without one `answered` has nothing to say."""
    return any(_raises(step.action) for step in steps)


def _raises(action: ActionRequest) -> bool:
    memory = action.params.get("memory")
    if action.type not in _RAISES or not isinstance(memory, dict):
        return False
    factor = memory.get("factor")
    return factor is None or factor > 1


def _raised(row: AuditRow, state: DecisionState, now: datetime) -> list[Change]:
    """Return the raises of the container's memory that were written within a day."""
    workload = row.target.workload
    return [
        change
        for change in state.changes
        if change.workload == workload
        and change.action in _RAISES
        and change.applied_at is not None
        and change.applied_at > now - _DAY
        and (not change.fields or _bigger(change.fields, row.target.container))
    ]


def _bigger(fields: Sequence[FieldChange], container: str) -> FieldChange | None:
    """Return the field that gave the container more memory, its limit before its request."""
    for field in fields:
        mine = not container or f"[{container}]" in field.path
        if mine and field.path.endswith(".memory") and _amount(field.new) > _amount(field.old):
            return field
    return None


def _amount(value: Any) -> Decimal:
    try:
        return quantities.parse(value)
    except InvalidInput:
        return Decimal(0)  # absent before


def _repeated(row: AuditRow, raised: Sequence[Change]) -> str:
    if len(raised) < _MOST:
        return ""
    came = ", ".join(_told(change, row.target.container) for change in raised)
    return f"memory was raised {len(raised)} times within a day ({came}) and it is back"


def _told(change: Change, container: str) -> str:
    field = _bigger(change.fields, container)
    return f"{field.old} to {field.new}" if field else f"proposal {change.proposal}"


def _growing(row: AuditRow) -> str:
    """Return the growth that would fill another limit within a day; empty where it would not."""
    growth, limit = row.values.get(GROWTH), row.values.get(LIMIT)
    if not isinstance(growth, int | float) or not isinstance(limit, int | float) or limit <= 0:
        return ""
    if growth * _MEBI * _DAY_MINUTES < limit:
        return ""
    return (
        f"the working set grows in a line by {growth:.3g} MiB a minute, at a limit of "
        f"{limit / _MEBI:.0f} MiB: more would only last longer"
    )


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
