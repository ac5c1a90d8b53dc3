"""The daemon's memory between cycles, without a store: what replay and policy tests remember.

Unless a test says otherwise nobody approves anything, so each proposal stays open until it would
have expired, and its cooldown counts from there, as it would in a cluster where nobody answers.
An applied change that gets no verdict ends Inconclusive, as it does without telemetry.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from remedyd.errors import Conflict
from remedyd.model import ESCALATE, Decision, DecisionState, FieldChange, Mode, Outcome, State
from remedyd.model.state import Change

_REMEMBERED = timedelta(days=1)
_UNDONE = frozenset({Outcome.INEFFECTIVE, Outcome.HARMFUL})
_FAILED = frozenset({Outcome.INEFFECTIVE, Outcome.HARMFUL, Outcome.INCONCLUSIVE})


@dataclass(frozen=True, slots=True)
class Pending:
    """An open proposal: it waits for an approver, or once applied for its verdict."""

    decision: Decision
    made_at: datetime
    ends_at: datetime
    applied: bool = False

    @property
    def id(self) -> str:
        """What stands in the place of a proposal's id."""
        return f"made at {self.made_at:%Y-%m-%d %H:%M:%S}Z"

    @property
    def workload(self) -> str:
        """The workload it is about."""
        return self.decision.target.workload

    @property
    def subject(self) -> str:
        """The workload as people write it: `Kind/namespace/name`."""
        return str(replace(self.decision.target, container=""))


class Memory:
    """Carries the decision state from cycle to cycle."""

    def __init__(
        self, approval_life: timedelta = timedelta(minutes=15), *, auto: bool = False
    ) -> None:
        """Take how long a proposal waits, and whether policies in mode Auto approve their own."""
        self._life = approval_life
        self._auto = auto
        self._state = DecisionState()
        self._pending: list[Pending] = []

    def state(self, now: datetime) -> DecisionState:
        """Return what `decide()` may know at `now`, with expired proposals ended."""
        for due in [p for p in self._pending if p.ends_at <= now]:
            self._end(due, due.ends_at, Outcome.INCONCLUSIVE if due.applied else None)
        oldest = now - _REMEMBERED
        return replace(
            self._state,
            open={pending.workload: pending.id for pending in self._pending},
            proposed={
                policy: tuple(at for at in times if at > oldest)
                for policy, times in self._state.proposed.items()
            },
            attempts={
                key: tuple(at for at in times if at > oldest)
                for key, times in self._state.attempts.items()
            },
        )

    def remember(self, state: DecisionState, proposed: tuple[Decision, ...], now: datetime) -> None:
        """Keep the sightings that `decide()` returned and open what it proposed."""
        times = dict(state.proposed)
        for decision in proposed:
            times[decision.policy] = (*times.get(decision.policy, ()), now)
        self._state = replace(state, proposed=times)
        for decision in proposed:
            pending = Pending(decision, now, now + self._life)
            self._pending.append(pending)
            if decision.mode is Mode.DRY_RUN:
                self._end(pending, now)
            elif decision.action is not None and decision.action.type == ESCALATE:
                self._attempted(pending, now)  # told, and over
                self._end(pending, now)
            elif decision.mode is Mode.AUTO and self._auto:
                self._apply(pending, now)

    def waiting(self, subject: str, now: datetime) -> Decision:
        """Return what waits for approval about `Kind/namespace/name`; raise Conflict without."""
        return self._open(subject, now, applied=False).decision

    def approve(
        self, subject: str, now: datetime, fields: tuple[FieldChange, ...] = ()
    ) -> Decision:
        """Approve and apply the proposal about `Kind/namespace/name`; raise Conflict without.

        `fields` are those that its plan changes, where there is one.
        """
        pending = self._open(subject, now, applied=False)
        self._apply(pending, now, fields)
        return pending.decision

    def reject(self, subject: str, now: datetime) -> None:
        """Reject the proposal about `Kind/namespace/name`; raise Conflict when none waits."""
        self._end(self._open(subject, now, applied=False), now)

    def settle(self, subject: str, verdict: Outcome, now: datetime) -> Decision:
        """Give an applied change its verdict; raise Conflict when there is none.

        An undo that is due is over at once.
        """
        pending = self._open(subject, now, applied=True)
        self._end(pending, now, verdict)
        return pending.decision

    def pause(self, paused: bool) -> None:
        """Pause or resume."""
        self._state = replace(self._state, paused=paused)

    def _open(self, subject: str, now: datetime, *, applied: bool) -> Pending:
        self.state(now)
        mine = [pending for pending in self._pending if pending.subject == subject]
        if not mine:
            raise Conflict(f"no proposal about {subject} is open at this time")
        if mine[0].applied is not applied:
            state = "not applied yet" if applied else "applied already"
            raise Conflict(f"the proposal about {subject} is {state}")
        return mine[0]

    def _apply(self, pending: Pending, now: datetime, fields: tuple[FieldChange, ...] = ()) -> None:
        decision = pending.decision
        self._pending.remove(pending)
        proved_by = now + timedelta(seconds=decision.verify.timeout_seconds)
        self._pending.append(Pending(decision, pending.made_at, proved_by, applied=True))
        change = Change(
            proposal=pending.id,
            workload=pending.workload,
            state=State.VERIFYING,
            moved_at=now,
            policy=decision.policy,
            step=decision.step,
            applied_at=now,
            action=decision.action.type if decision.action else "",
            fields=fields,
        )
        self._attempted(pending, now)
        self._state = replace(self._state, changes=(*self._state.changes, change))

    def _attempted(self, pending: Pending, now: datetime) -> None:
        key = (pending.decision.policy, pending.workload, pending.decision.step)
        times = (*self._state.attempts.get(key, ()), now)
        self._state = replace(self._state, attempts={**self._state.attempts, key: times})

    def _end(self, pending: Pending, at: datetime, verdict: Outcome | None = None) -> None:
        self._pending.remove(pending)
        workload = pending.workload
        key = (pending.decision.policy, workload)
        state = replace(self._state, finished={**self._state.finished, key: at})
        if verdict is not None:
            failures = {name: at for name, at in state.failures.items() if name != workload}
            if verdict in _FAILED:
                failures[workload] = (*state.failures.get(workload, ()), at)
            judged = tuple(_judged(one, pending, verdict, at) for one in state.changes)
            state = replace(state, failures=failures, changes=judged)
        self._state = state


def _judged(change: Change, pending: Pending, verdict: Outcome, at: datetime) -> Change:
    """Return the change with its verdict, if it is the one of this proposal."""
    if (change.proposal, change.workload) != (pending.id, pending.workload):
        return change
    undone = pending.decision.verify.rollback and verdict in _UNDONE
    return replace(
        change,
        state=State.ROLLED_BACK if undone else State(verdict.value),
        moved_at=at,
        ended_at=at,
        outcome=verdict if verdict in _FAILED else None,
    )
