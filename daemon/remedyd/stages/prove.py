"""Proof: judge an applied change by the audit that asked for it, if it is still there at all."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.cluster.readback import Finding
from remedyd.model import (
    AuditRow,
    Clock,
    Json,
    Outcome,
    Proposal,
    State,
    Verdict,
    Window,
)
from remedyd.stages.lookback import LookBack
from remedyd.stages.moves import Moves
from remedyd.stages.spacing import Spacing
from remedyd.verification.neighbours import with_neighbours
from remedyd.verification.proof import Observation, observation
from remedyd.verification.verdict import judge, no_proof, rollout_failed, rollout_is_proof

_STATES = {
    Outcome.EFFECTIVE: State.EFFECTIVE,
    Outcome.INEFFECTIVE: State.INEFFECTIVE,
    Outcome.HARMFUL: State.HARMFUL,
    Outcome.INCONCLUSIVE: State.INCONCLUSIVE,
}


class Prove:
    """Waits for enough fresh samples after the rollout, then gives the verdict."""

    def __init__(
        self,
        runner: AuditRunner,
        audits: Mapping[str, AuditDefinition],
        moves: Moves,
        clock: Clock,
        lookback: LookBack,
        open_at: Callable[[str, datetime], AbstractSet[str]],
    ) -> None:
        """Take the runner: the same audit, scoped to the target and to time after rollout.

        `open_at` tells which workloads of a namespace had an open proposal at a time.
        """
        self._runner = runner
        self._audits = audits
        self._moves = moves
        self._clock = clock
        self._lookback = lookback
        self._open_at = open_at
        self._asked = Spacing()

    def advance(self, proposal: Proposal) -> Proposal:
        """Move Verifying to its verdict, or wait for samples."""
        if self._lookback.due(proposal):
            found = self._lookback.look(proposal)
            if found is not None and found.finding is not Finding.HOLDS:
                return self._lookback.lost(self._moves, proposal, found)
        verdict = self._verdict(proposal)
        if verdict is None:
            return proposal
        if verdict.outcome is Outcome.EFFECTIVE:
            found = self._lookback.look(proposal, _limit_seen(proposal, verdict))
            if found is None:
                return self._unread(proposal, verdict)
            if found.finding is not Finding.HOLDS:
                return self._lookback.lost(self._moves, proposal, found)
        return self._judged(proposal, verdict)

    def _judged(self, proposal: Proposal, verdict: Verdict) -> Proposal:
        detail = f"{verdict.outcome}: {verdict.detail}"
        return self._moves.to(
            proposal, _STATES[verdict.outcome], "verified", detail, verdict=verdict
        )

    def _unread(self, proposal: Proposal, verdict: Verdict) -> Proposal:
        """Wait until it can be read back; without that there is no success."""
        given_up = timedelta(seconds=proposal.verify.timeout_seconds)
        began = proposal.rolled_out_at or proposal.updated_at
        if self._clock.now() < began + given_up:
            return proposal
        detail = f"{verdict.detail}, but what was written cannot be read back"
        return self._judged(proposal, no_proof(self._clock.now(), "NotReadBack", detail))

    def _verdict(self, proposal: Proposal) -> Verdict | None:
        now = self._clock.now()
        if proposal.rolled_out_at is None:
            return rollout_failed(now, f"the rollout did not complete: {proposal.reason}")
        if proposal.row is None:
            return rollout_is_proof(now, "requested by a principal; the rollout completed")
        audit = self._audits.get(proposal.audit)
        if audit is None:
            return no_proof(now, "NoAudit", f"audit {proposal.audit} is no longer loaded")
        seen = observation(proposal.rolled_out_at, now, audit.lag, audit.interval, proposal.verify)
        if not seen.complete:
            return self._early(proposal, proposal.row, audit, seen)
        self._asked.forget(proposal.id)
        return self._judge(proposal, proposal.row, audit, seen)

    def _early(
        self, proposal: Proposal, row: AuditRow, audit: AuditDefinition, seen: Observation
    ) -> Verdict | None:
        """Look for harm once per interval of the audit: that need not wait for the whole proof."""
        now = self._clock.now()
        too_soon = self._asked.within(proposal.id, now, audit.interval)
        if too_soon or seen.window.end - seen.window.start < audit.interval:
            return None
        self._asked.note(proposal.id, now)
        verdict = self._judge(proposal, row, audit, seen)
        return verdict if verdict is not None and verdict.outcome is Outcome.HARMFUL else None

    def _judge(
        self, proposal: Proposal, row: AuditRow, audit: AuditDefinition, seen: Observation
    ) -> Verdict | None:
        """Judge; without data, ask again until the time for proof is up."""
        result = self._runner.run(audit, window=seen.window, scope=proposal.plan.target)
        verdict = judge(row, result, seen.window, proposal.verify, self._clock.now())
        verdict = self._with_neighbours(proposal, audit, seen.window, verdict)
        if verdict.outcome is Outcome.INCONCLUSIVE and not seen.expired:
            return None
        return verdict

    def _with_neighbours(
        self, proposal: Proposal, audit: AuditDefinition, since: Window, verdict: Verdict
    ) -> Verdict:
        """Look at the namespace for as long before the write as after the rollout."""
        assert proposal.applied is not None
        target, written = proposal.plan.target, proposal.applied.at
        earlier = Window(written - (since.end - since.start), written)
        scoped = "namespace" in audit.outline.parameters
        params: dict[str, Json] = {"namespace": target.namespace} if scoped else {}
        before = self._runner.run(audit, params=params, window=earlier)
        after = self._runner.run(audit, params=params, window=since)
        unwell = self._open_at(target.namespace, written)
        return with_neighbours(verdict, before, after, target, unwell)


def _limit_seen(proposal: Proposal, verdict: Verdict) -> Decimal | None:
    """Return the memory limit that the audit saw on the container that was changed."""
    seen = verdict.after.get("memory_limit_bytes")
    own = f"[{proposal.plan.target.container}].resources.limits.memory"
    changed = any(change.path.endswith(own) for change in proposal.plan.changes)
    return Decimal(seen) if changed and isinstance(seen, int) else None
