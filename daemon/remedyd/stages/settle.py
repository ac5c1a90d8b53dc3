"""After the verdict: take back what did not help, and make sure that this took effect too."""

from datetime import datetime, timedelta

from remedyd.cluster.client import Reader
from remedyd.cluster.door import Door
from remedyd.cluster.progress import progress
from remedyd.cluster.readback import undo_lost
from remedyd.cluster.rollout import RolloutState, observed
from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    Conflict,
    NotFound,
    OutcomeUnknown,
    Refused,
)
from remedyd.model import Applied, Clock, KubeObject, Proposal, State
from remedyd.proposals.lifecycle import undo_is_due
from remedyd.stages.moves import Moves
from remedyd.stages.patience import Patience, waits


def _replaced(live: KubeObject) -> bool:
    """Whether every pod runs the restored template, ready or not: it was broken before, too."""
    status = live.get("status") or {}
    updated = int(status.get("updatedReplicas") or 0)
    return observed(live) and updated > 0 and updated == int(status.get("replicas") or 0)


class StartRollback:
    """Records the intent to undo an Ineffective or Harmful change."""

    def __init__(self, moves: Moves) -> None:
        """Take the mover."""
        self._moves = moves

    def advance(self, proposal: Proposal) -> Proposal:
        """Move to RollingBack when an undo is due; otherwise the verdict stands as the end."""
        if not undo_is_due(proposal):
            return proposal
        return self._moves.to(
            proposal, State.ROLLING_BACK, "rollback-started", "the change did not help"
        )


class Rollback:
    """Restores our own fields where they are still ours, then waits for that rollout.

    Tried for as long as the policy gives the proof; then a person is called.
    """

    def __init__(self, door: Door, cluster: Reader, moves: Moves, clock: Clock) -> None:
        """Take the one door for writes and the cluster to look at."""
        self._door = door
        self._cluster = cluster
        self._moves = moves
        self._clock = clock
        self._patience = Patience(clock)

    def advance(self, proposal: Proposal) -> Proposal:
        """Undo once, then move to RolledBack when the old values are rolled out again."""
        if proposal.rollback is None:
            if not self._patience.over(proposal.id):
                return proposal
            proposal = self._undo(proposal)
        if proposal.state is State.ROLLING_BACK and proposal.rollback is not None:
            return self._confirm(proposal, proposal.rollback)
        return proposal

    def _undo(self, proposal: Proposal) -> Proposal:
        assert proposal.applied is not None
        try:
            undone = self._door.undo(proposal.id, proposal.plan, proposal.applied)
        except (OutcomeUnknown, ClusterUnavailable) as error:
            self._patience.asked(proposal.id, error)
            return self._again(proposal, error, self._moves.since(proposal))
        except Conflict as error:
            return self._moves.to(proposal, State.SUPERSEDED, "rollback-refused", error.message)
        except Refused as error:
            if waits(error):
                return self._moves.waits(proposal, error)
            return self._failed(proposal, error.message)
        except (NotFound, ClusterRejected) as error:
            return self._failed(proposal, error.message)
        if undone.recorded:
            told = "dry run: the change is still there, its undo was only recorded"
            return self._failed(proposal, told, "rollback-recorded")
        return self._moves.note(
            proposal, "rollback-written", "old values restored", rollback=undone
        )

    def _confirm(self, proposal: Proposal, undone: Applied) -> Proposal:
        now, plan, target = self._clock.now(), proposal.plan, proposal.plan.target
        try:
            live = self._cluster.get(target.kind, target.namespace, target.name)
            if live["metadata"]["uid"] != target.uid:
                raise NotFound(f"{target} was deleted and made anew since the undo")
            status = progress(self._cluster, plan, live, undone.at, now, undo=True)
            lost = undo_lost(self._cluster, plan, live)
        except NotFound as error:
            return self._failed(proposal, error.message)
        except ClusterError as error:
            return self._again(proposal, error, undone.at)
        if lost:
            return self._failed(proposal, f"the undo did not last: {lost}")
        if status.complete or (not plan.pods and _replaced(live)):
            return self._moves.to(proposal, State.ROLLED_BACK, "rolled-back", status.evidence)
        if status.state is RolloutState.DEADLINE_EXCEEDED or self._late(proposal, undone.at):
            return self._failed(proposal, status.evidence)
        return proposal

    def _again(self, proposal: Proposal, error: ClusterError, since: datetime) -> Proposal:
        """Wait for the next pass, but not for ever."""
        if self._late(proposal, since):
            return self._failed(proposal, f"given up: {error.message}")
        return self._moves.waits(proposal, error)

    def _late(self, proposal: Proposal, since: datetime) -> bool:
        return self._clock.now() >= since + timedelta(seconds=proposal.verify.timeout_seconds)

    def _failed(self, proposal: Proposal, detail: str, action: str = "rollback-failed") -> Proposal:
        return self._moves.to(proposal, State.ROLLBACK_FAILED, action, detail)
