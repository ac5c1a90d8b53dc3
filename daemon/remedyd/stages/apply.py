"""From approval to a rollout that is done: the write, and waiting for it to take effect."""

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
from remedyd.model import Clock, Proposal, State
from remedyd.observability import logs
from remedyd.stages.moves import Moves

log = logs.get(__name__)


class StartApply:
    """Records the intent to write before anything is written."""

    def __init__(self, moves: Moves, clock: Clock, approval_life: timedelta) -> None:
        """Take how long an approval may wait to be acted upon."""
        self._moves = moves
        self._clock = clock
        self._life = approval_life

    def advance(self, proposal: Proposal) -> Proposal:
        """Move Approved to Applying, or to Expired when the approval is too old."""
        assert proposal.approval is not None
        if self._clock.now() > proposal.approval.at + self._life:
            return self._moves.to(
                proposal, State.EXPIRED, "approval-expired", "the approval was not used in time"
            )
        return self._moves.to(proposal, State.APPLYING, "apply-started", "about to write")


class Apply:
    """Writes through the door. The same code resumes after a crash: the door reads back first."""

    def __init__(self, door: Door, moves: Moves) -> None:
        """Take the one door for writes."""
        self._door = door
        self._moves = moves

    def advance(self, proposal: Proposal) -> Proposal:
        """Write, or find out that it was written; every refusal ends in a named state."""
        try:
            applied = self._door.write(proposal.id, proposal.plan)
        except (OutcomeUnknown, ClusterUnavailable) as error:
            # stays in Applying: the next pass reads back before it writes
            log.warning("outcome not known yet", proposal=proposal.id, detail=error.message)
            return proposal
        except Conflict as error:
            return self._moves.to(proposal, State.STALE, "apply-refused", error.message)
        except NotFound as error:
            return self._moves.to(proposal, State.STALE, "apply-refused", error.message)
        except (Refused, ClusterRejected) as error:
            return self._moves.to(proposal, State.FAILED, "apply-failed", error.message)
        if applied.recorded:
            return self._moves.to(
                proposal, State.DRY_RUN, "recorded", "dry run: nothing is written"
            )
        detail = "found applied after a restart" if applied.replayed else "written and read back"
        return self._moves.to(proposal, State.APPLIED, "applied", detail, applied=applied)


class AwaitRollout:
    """Waits until the controllers have replaced the pods."""

    def __init__(self, cluster: Reader, moves: Moves, clock: Clock) -> None:
        """Take the cluster to look at."""
        self._cluster = cluster
        self._moves = moves
        self._clock = clock

    def advance(self, proposal: Proposal) -> Proposal:
        """Move Applied to Verifying once the rollout is complete, failed, or out of time."""
        assert proposal.applied is not None
        target = proposal.plan.target
        try:
            live = self._cluster.get(target.kind, target.namespace, target.name)
        except NotFound:
            return self._moves.to(proposal, State.VERIFYING, "rollout-lost", "the object is gone")
        except ClusterUnavailable as error:
            log.warning("rollout not readable", proposal=proposal.id, detail=error.message)
            return proposal
        status = rollout_status(live)
        if status.state is RolloutState.COMPLETE:
            return self._moves.to(
                proposal,
                State.VERIFYING,
                "rolled-out",
                status.evidence,
                rolled_out_at=self._clock.now(),
            )
        limit = proposal.applied.at + timedelta(seconds=proposal.verify.timeout_seconds)
        if status.state is RolloutState.DEADLINE_EXCEEDED or self._clock.now() >= limit:
            return self._moves.to(proposal, State.VERIFYING, "rollout-failed", status.evidence)
        return proposal
