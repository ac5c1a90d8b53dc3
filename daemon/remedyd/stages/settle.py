"""After the verdict: take back what did not help, and make sure that this took effect too."""

from datetime import timedelta

from remedyd.cluster.client import Reader
from remedyd.cluster.door import Door
from remedyd.cluster.rollout import RolloutState, rollout_status
from remedyd.errors import (
    ClusterRejected,
    ClusterUnavailable,
    Conflict,
    NotFound,
    OutcomeUnknown,
    Refused,
)
from remedyd.model import Clock, KubeObject, Proposal, State
from remedyd.observability import logs
from remedyd.proposals.lifecycle import undo_is_due
from remedyd.stages.moves import Moves

log = logs.get(__name__)

_PAUSED = "Paused"


def _live(cluster: Reader, proposal: Proposal) -> KubeObject:
    target = proposal.plan.target
    return cluster.get(target.kind, target.namespace, target.name)


def _replaced(live: KubeObject) -> bool:
    """Whether every pod runs the restored template, ready or not: it was broken before, too."""
    status = live.get("status") or {}
    seen = int(status.get("observedGeneration") or 0) >= int(live["metadata"]["generation"])
    updated = int(status.get("updatedReplicas") or 0)
    return seen and updated > 0 and updated == int(status.get("replicas") or 0)


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
    """Restores our own fields where they are still ours, then waits for that rollout."""

    def __init__(self, door: Door, cluster: Reader, moves: Moves, clock: Clock) -> None:
        """Take the one door for writes and the cluster to look at."""
        self._door = door
        self._cluster = cluster
        self._moves = moves
        self._clock = clock

    def advance(self, proposal: Proposal) -> Proposal:
        """Undo once, then move to RolledBack when the old values are rolled out again."""
        if proposal.rollback is None:
            return self._undo(proposal)
        return self._confirm(proposal)

    def _undo(self, proposal: Proposal) -> Proposal:
        assert proposal.applied is not None
        try:
            undone = self._door.undo(proposal.id, proposal.plan, proposal.applied)
        except (OutcomeUnknown, ClusterUnavailable) as error:
            log.warning("undo not confirmed yet", proposal=proposal.id, detail=error.message)
            return proposal
        except Conflict as error:
            return self._moves.to(proposal, State.SUPERSEDED, "rollback-refused", error.message)
        except Refused as error:
            if error.reason == _PAUSED:
                log.info("undo waits", proposal=proposal.id, detail=error.message)
                return proposal
            return self._moves.to(proposal, State.ROLLBACK_FAILED, "rollback-failed", error.message)
        except (NotFound, ClusterRejected) as error:
            return self._moves.to(proposal, State.ROLLBACK_FAILED, "rollback-failed", error.message)
        if undone.recorded:
            return self._moves.to(
                proposal,
                State.ROLLBACK_FAILED,
                "rollback-recorded",
                "dry run: the change is still there, its undo was only recorded",
            )
        return self._moves.note(
            proposal, "rollback-written", "old values restored", rollback=undone
        )

    def _confirm(self, proposal: Proposal) -> Proposal:
        assert proposal.rollback is not None
        try:
            live = _live(self._cluster, proposal)
        except NotFound as error:
            return self._moves.to(proposal, State.ROLLBACK_FAILED, "rollback-failed", error.message)
        except ClusterUnavailable as error:
            log.warning("rollback not readable", proposal=proposal.id, detail=error.message)
            return proposal
        status = rollout_status(live)
        if status.complete or _replaced(live):
            return self._moves.to(proposal, State.ROLLED_BACK, "rolled-back", status.evidence)
        limit = proposal.rollback.at + timedelta(seconds=proposal.verify.timeout_seconds)
        if status.state is RolloutState.DEADLINE_EXCEEDED or self._clock.now() >= limit:
            return self._moves.to(
                proposal, State.ROLLBACK_FAILED, "rollback-failed", status.evidence
            )
        return proposal
