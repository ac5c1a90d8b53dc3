"""Which rung comes next: the first step with attempts left, or the one after a proven failure.

A rung leads on (`onFailure: Next`) once it was verified Ineffective and, where it has an undo,
taken back; or once it was applied as often as allowed and the row is back. Harm, a verdict that
could not be had and an undo that failed stop the ladder: what the next rung would do is then a
guess, and a person decides. If a later rung calls one, it is taken at once: it can do no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from remedyd.model.plan import ESCALATE
from remedyd.model.proposal import State
from remedyd.model.quick import quick
from remedyd.model.state import Change, DecisionState
from remedyd.model.verdict import Outcome
from remedyd.policy.policy import Step
from remedyd.policy.reasons import Reason
from remedyd.policy.schema import OnFailure

_DAY = timedelta(days=1)


@quick
@dataclass(frozen=True, slots=True)
class Rung:
    """The step to propose; `after` is the change of the rung before, if there was one.

    `reason` and `evidence` are why, where there is more to say than that everything holds.
    """

    step: Step
    after: Change | None = None
    reason: Reason = Reason.MATCHED
    evidence: str = ""

    @property
    def tells(self) -> bool:
        """Whether it writes nothing and calls a person."""
        return self.step.action.type == ESCALATE

    @property
    def because(self) -> str:
        """Say what the rung before came to; empty on the first rung."""
        if self.after is None:
            return ""
        change = self.after
        came = f"was {change.outcome}" if change.outcome else "did not last"
        told = f" ({change.detail})" if change.detail else ""
        return f"{change.step} of proposal {change.proposal} {came}{told}"


@dataclass(frozen=True, slots=True)
class Stopped:
    """No rung is left, or none may be climbed."""

    reason: Reason
    detail: str


def rung(
    steps: Sequence[Step], policy: str, workload: str, state: DecisionState, now: datetime
) -> Rung | Stopped:
    """Return the step to propose now, or why there is none."""
    after: Change | None = None
    for step in steps:
        key = (policy, workload, step.name)
        last = _last(state, key, now)
        failed = last is not None and last.outcome is not None
        spent = _recent(state.attempts.get(key, ()), now) >= step.spec.max_attempts
        if not failed and not spent:
            return Rung(step, after)
        if step.spec.on_failure is OnFailure.NEXT:
            if last is not None and (stop := _stops(last)):
                return _call(steps, policy, workload, state, now, last) or Stopped(
                    Reason.LADDER_STOPPED, stop
                )
            after = last or after
            continue
        if not spent and step.spec.on_failure is OnFailure.ROLLBACK:
            return Rung(step, after)
        break
    return _exhausted(steps)


def _call(
    steps: Sequence[Step],
    policy: str,
    workload: str,
    state: DecisionState,
    now: datetime,
    last: Change,
) -> Rung | None:
    """Return the rung that calls a person about a change, None where there is none to take."""
    for step in steps:
        told = state.attempts.get((policy, workload, step.name), ())
        if step.action.type == ESCALATE and _recent(told, now) < step.spec.max_attempts:
            return Rung(step, last)
    return None


def _stops(last: Change) -> str:
    """Return why the last attempt of a rung forbids the next one."""
    if last.outcome in (Outcome.HARMFUL, Outcome.INCONCLUSIVE):
        told = f": {last.detail}" if last.detail else ""
        return f"{last.step} of proposal {last.proposal} was {last.outcome}{told}"
    if last.state is State.ROLLBACK_FAILED:
        return f"{last.step} of proposal {last.proposal} could not be undone"
    if last.state is State.SUPERSEDED:
        return f"someone else changed what {last.step} of proposal {last.proposal} had set"
    return ""


def _exhausted(steps: Sequence[Step]) -> Stopped:
    tried = ", ".join(f"{step.name} ({step.spec.max_attempts})" for step in steps)
    return Stopped(Reason.STEPS_EXHAUSTED, f"tried as often as allowed within a day: {tried}")


def _last(state: DecisionState, key: tuple[str, str, str], now: datetime) -> Change | None:
    """Return the last change that the step made to the workload within a day."""
    made = [
        change
        for change in state.changes
        if (change.policy, change.workload, change.step) == key
        and change.applied_at is not None
        and change.applied_at > now - _DAY
    ]
    return max(made, key=_applied, default=None)


def _applied(change: Change) -> datetime:
    assert change.applied_at is not None
    return change.applied_at


def _recent(times: Sequence[datetime], now: datetime) -> int:
    return sum(1 for time in times if time > now - _DAY)
