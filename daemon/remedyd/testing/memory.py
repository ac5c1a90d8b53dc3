"""The daemon's memory between cycles, without a store: what replay remembers in its place.

Nobody approves anything in a replay, so each proposal stays open until it would have expired,
and its cooldown counts from there, as it would in a cluster where nobody answers.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from remedyd.model import Decision, DecisionState

_REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pending:
    """A would-be proposal that waits for an approver who never comes."""

    policy: str
    workload: str
    expires_at: datetime


class Memory:
    """Carries the decision state from cycle to cycle."""

    def __init__(self, approval_life: timedelta = timedelta(minutes=15)) -> None:
        """Take how long a proposal waits before it expires."""
        self._life = approval_life
        self._state = DecisionState()
        self._pending: list[Pending] = []

    def state(self, now: datetime) -> DecisionState:
        """Return what `decide()` may know at `now`, with expired proposals ended."""
        for ended in [p for p in self._pending if p.expires_at <= now]:
            self._pending.remove(ended)
            finished = {
                **self._state.finished,
                (ended.policy, ended.workload): ended.expires_at,
            }
            self._state = replace(self._state, finished=finished)
        oldest = now - _REMEMBERED
        proposed = {
            policy: tuple(at for at in times if at > oldest)
            for policy, times in self._state.proposed.items()
        }
        return replace(
            self._state,
            open={pending.workload: "replay" for pending in self._pending},
            proposed=proposed,
        )

    def remember(self, state: DecisionState, proposed: tuple[Decision, ...], now: datetime) -> None:
        """Keep the sightings that `decide()` returned and open what it proposed."""
        times = dict(state.proposed)
        for decision in proposed:
            times[decision.policy] = (*times.get(decision.policy, ()), now)
            self._pending.append(
                Pending(decision.policy, decision.target.workload, now + self._life)
            )
        self._state = replace(state, proposed=times)
