"""From approval to a rollout that is done: the write, and waiting for it to take effect.

Nothing here waits for ever. A write is tried for as long as its approval is good, then the
cluster is read once more: what is found there decides, and where even that gets no answer the
change counts as made and a person is called.
"""

from collections.abc import Callable
from datetime import timedelta

from remedyd.cluster.client import Reader
from remedyd.cluster.door import Door
from remedyd.cluster.progress import progress
from remedyd.cluster.readback import Finding
from remedyd.cluster.rollout import RolloutState
from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    Conflict,
    NotFound,
    OutcomeUnknown,
    Refused,
)
from remedyd.model import Applied, Clock, Proposal, State
from remedyd.observability import logs
from remedyd.proposals import approvals
from remedyd.stages.lookback import LookBack
from remedyd.stages.moves import Moves
from remedyd.stages.patience import Patience, waits
from remedyd.verification.verdict import no_proof

log = logs.get(__name__)

_GRACE = timedelta(minutes=5)
"""Longer than the door can be at one write: after it no request is under way any more."""


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
        if proposal.plan.tells:
            return self._moves.to(proposal, State.ESCALATED, "escalate", proposal.reason)
        if approvals.beyond(proposal.approval, self._life, self._clock.now()) > timedelta(0):
            return self._moves.to(
                proposal, State.EXPIRED, "approval-expired", "the approval was not used in time"
            )
        return self._moves.to(proposal, State.APPLYING, "apply-started", "about to write")


class Apply:
    """Writes through the door. The same code resumes after a crash: the door reads back first."""

    def __init__(self, door: Door, moves: Moves, clock: Clock, approval_life: timedelta) -> None:
        """Take the one door for writes, and for how long after the approval it may be used."""
        self._door = door
        self._moves = moves
        self._clock = clock
        self._life = approval_life
        self._patience = Patience(clock)

    def advance(self, proposal: Proposal) -> Proposal:
        """Write, or find out that it was written; every refusal ends in a named state."""
        assert proposal.approval is not None
        late = approvals.beyond(proposal.approval, self._life, self._clock.now())
        if late > timedelta(0):
            return self._last_look(proposal) if late > _GRACE else proposal
        if not self._patience.over(proposal.id):
            return proposal
        try:
            applied = self._door.write(proposal.id, proposal.plan)
        except (OutcomeUnknown, ClusterUnavailable) as error:
            # stays in Applying: the next pass reads back before it writes
            self._patience.asked(proposal.id, error)
            return self._moves.waits(proposal, error)
        except (Conflict, NotFound) as error:
            return self._moves.to(proposal, State.STALE, "apply-refused", error.message)
        except Refused as error:
            if waits(error):
                return self._moves.waits(proposal, error)
            return self._moves.to(proposal, State.FAILED, "apply-failed", error.message)
        except ClusterRejected as error:
            return self._moves.to(proposal, State.FAILED, "apply-failed", error.message)
        return self._written(proposal, applied)

    def _written(self, proposal: Proposal, applied: Applied) -> Proposal:
        if applied.recorded:
            return self._moves.to(
                proposal, State.DRY_RUN, "recorded", "dry run: nothing is written"
            )
        detail = "found applied after a restart" if applied.replayed else "written and read back"
        try:
            return self._moves.to(proposal, State.APPLIED, "applied", detail, applied=applied)
        except Conflict:
            return self._landed_late(proposal, applied)

    def _landed_late(self, proposal: Proposal, applied: Applied) -> Proposal:
        """Keep the record true if another daemon gave the change up while it was landing here."""
        now = self._moves.read(proposal)
        if now.state is not State.FAILED or now.applied is not None:
            raise Conflict(f"proposal {proposal.id} is {now.state} now")
        told = f"it landed although it had been given up: {now.reason}"
        verdict = no_proof(self._clock.now(), "LandedLate", told)
        return self._moves.to(
            now, State.INCONCLUSIVE, "landed-late", told, applied=applied, verdict=verdict
        )

    def _last_look(self, proposal: Proposal) -> Proposal:
        """Read what came of it; nothing is written any more."""
        why = f": {proposal.reason}" if proposal.reason else ""
        try:
            found = self._door.landed(proposal.id, proposal.plan.target, proposal.plan)
        except NotFound as error:
            return self._moves.to(proposal, State.STALE, "apply-refused", error.message)
        except ClusterError as error:
            return self._unknown(proposal, error)
        if found is not None:
            return self._written(proposal, found)
        return self._moves.to(
            proposal,
            State.EXPIRED,
            "approval-expired",
            f"nothing was written while the approval was good{why}",
        )

    def _unknown(self, proposal: Proposal, error: ClusterError) -> Proposal:
        now = self._clock.now()
        told = f"nobody knows whether it was written: {error.message}"
        return self._moves.to(
            proposal,
            State.INCONCLUSIVE,
            "apply-unknown",
            told,
            applied=Applied(now, resource_version="", generation=0, assumed=True),
            verdict=no_proof(now, "OutcomeUnknown", told),
        )


class AwaitRollout:
    """Waits until the controllers have replaced the pods, or the kubelets have resized them."""

    def __init__(
        self,
        cluster: Reader,
        moves: Moves,
        clock: Clock,
        lookback: LookBack,
        settled: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the cluster to look at, and who sees when a change is gone before it took effect.

        While the clock is not `settled`, no rollout is out of time.
        """
        self._cluster = cluster
        self._moves = moves
        self._clock = clock
        self._lookback = lookback
        self._settled = settled

    def advance(self, proposal: Proposal) -> Proposal:
        """Move Applied to Verifying once the rollout is complete, failed, or out of time."""
        assert proposal.applied is not None
        now, plan = self._clock.now(), proposal.plan
        end = proposal.applied.at + timedelta(seconds=proposal.verify.timeout_seconds)
        late = now >= end and self._settled()
        target = plan.target
        try:
            live = self._cluster.get(target.kind, target.namespace, target.name)
            if live["metadata"]["uid"] != target.uid:
                raise NotFound(f"{target} was deleted and made anew since the change")
            status = progress(self._cluster, plan, live, proposal.applied.at, now)
        except NotFound as error:
            return self._lost(proposal, "TargetGone", error.message)
        except ClusterError as error:
            if late:
                return self._lost(proposal, "RolloutUnknown", error.message)
            return self._moves.waits(proposal, error)
        if self._lookback.due(proposal):
            found = self._lookback.look(proposal, rolling=True)
            if found is not None and found.finding is not Finding.HOLDS:
                return self._lookback.lost(self._moves, proposal, found)
        if status.state is RolloutState.COMPLETE:
            return self._moves.to(
                proposal, State.VERIFYING, "rolled-out", status.evidence, rolled_out_at=now
            )
        if status.state is RolloutState.DEADLINE_EXCEEDED or late:
            return self._moves.to(proposal, State.VERIFYING, "rollout-failed", status.evidence)
        return proposal

    def _lost(self, proposal: Proposal, reason: str, detail: str) -> Proposal:
        """End without proof: what came of the rollout cannot be seen."""
        verdict = no_proof(self._clock.now(), reason, detail)
        return self._moves.to(proposal, State.INCONCLUSIVE, "rollout-lost", detail, verdict=verdict)
