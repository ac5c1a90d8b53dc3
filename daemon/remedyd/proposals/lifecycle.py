"""Which state may follow which: the one table that store, gate and loop obey.

The table is data so that a reader, a test and the documentation see the same thing. Whether a
proposal still holds its workload (`is_open`) depends on more than the state: an Ineffective or
Harmful change keeps it until the undo that is due has been made.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from remedyd.errors import Conflict
from remedyd.model import Proposal, State

S = State

MOVES: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        S.PROPOSED: frozenset(
            {S.APPROVED, S.REJECTED, S.EXPIRED, S.SUPERSEDED, S.STALE, S.DRY_RUN}
        ),
        S.APPROVED: frozenset({S.APPLYING, S.STALE, S.EXPIRED, S.FAILED, S.ESCALATED}),
        S.APPLYING: frozenset({S.APPLIED, S.STALE, S.FAILED, S.DRY_RUN, S.EXPIRED, S.INCONCLUSIVE}),
        S.APPLIED: frozenset(
            {S.VERIFYING, S.INEFFECTIVE, S.INCONCLUSIVE, S.SUPERSEDED, S.ROLLING_BACK}
        ),
        S.VERIFYING: frozenset(
            {
                S.EFFECTIVE,
                S.INEFFECTIVE,
                S.HARMFUL,
                S.INCONCLUSIVE,
                S.SUPERSEDED,
                S.ROLLING_BACK,
            }
        ),
        S.EFFECTIVE: frozenset({S.ROLLING_BACK}),
        S.INEFFECTIVE: frozenset({S.ROLLING_BACK}),
        S.HARMFUL: frozenset({S.ROLLING_BACK}),
        S.INCONCLUSIVE: frozenset({S.VERIFYING, S.ROLLING_BACK}),
        S.ROLLING_BACK: frozenset({S.ROLLED_BACK, S.ROLLBACK_FAILED, S.SUPERSEDED}),
        S.ROLLBACK_FAILED: frozenset({S.ROLLING_BACK}),
        S.ROLLED_BACK: frozenset(),
        S.FAILED: frozenset({S.INCONCLUSIVE}),
        S.STALE: frozenset(),
        S.EXPIRED: frozenset(),
        S.REJECTED: frozenset(),
        S.SUPERSEDED: frozenset(),
        S.DRY_RUN: frozenset(),
        S.ESCALATED: frozenset(),
    }
)
"""From each state the states that may follow.

Beyond the straight road: a write that a dry run only recorded ends as DryRun, one that found no
moment while its approval was good as Expired, one of which nobody knows whether it landed as
Inconclusive; so does one that landed although another daemon had just given it up (Failed);
what somebody else reverted before it was proved is Superseded; Effective may be
undone by hand; Inconclusive may be verified again; Approved becomes Escalated where an earlier
version asked for an approval that nothing needed; an undo that finds the fields changed by
someone else ends as Superseded.
"""

BIRTHS: Final = frozenset({S.PROPOSED, S.DRY_RUN, S.ESCALATED})
"""The states in which a proposal may be created; a call for a person is over once it is made."""

IN_FLIGHT: Final = frozenset(
    {S.PROPOSED, S.APPROVED, S.APPLYING, S.APPLIED, S.VERIFYING, S.ROLLING_BACK}
)
"""States in which something is still to happen by itself or by an approver."""

NOT_EFFECTIVE: Final = frozenset({S.INEFFECTIVE, S.HARMFUL, S.INCONCLUSIVE})
"""Verdicts that count as a failure of an applied change: no proof is not success."""


def allowed(source: State, to: State) -> bool:
    """Whether `to` may follow `source`."""
    return to in MOVES[source]


def check(proposal: Proposal, to: State) -> None:
    """Raise `Conflict` unless `to` may follow the proposal's state."""
    if allowed(proposal.state, to):
        return
    onward = ", ".join(sorted(MOVES[proposal.state])) or "nothing"
    raise Conflict(
        f"proposal {proposal.id} is {proposal.state} and cannot become {to}",
        hint=f"from {proposal.state} follows: {onward}",
    )


def undo_is_due(proposal: Proposal) -> bool:
    """Whether a verdict stands that the proposal's own rules answer with an undo."""
    judged = proposal.state in (S.INEFFECTIVE, S.HARMFUL)
    return judged and proposal.verify.rollback and proposal.plan.undo is not None


def is_open(proposal: Proposal) -> bool:
    """Whether the proposal holds its workload, so that no other may be made for it."""
    return proposal.state in IN_FLIGHT or undo_is_due(proposal)
