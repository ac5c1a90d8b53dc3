"""Proof: judge an applied change by the audit that asked for it."""

from collections.abc import Mapping

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditRow, Clock, Json, Outcome, Proposal, State, Verdict, Window
from remedyd.stages.moves import Moves
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
    ) -> None:
        """Take the runner: the same audit, scoped to the target and to time after rollout."""
        self._runner = runner
        self._audits = audits
        self._moves = moves
        self._clock = clock

    def advance(self, proposal: Proposal) -> Proposal:
        """Move Verifying to its verdict, or wait for samples."""
        verdict = self._verdict(proposal)
        if verdict is None:
            return proposal
        return self._moves.to(
            proposal,
            _STATES[verdict.outcome],
            "verified",
            f"{verdict.outcome}: {verdict.detail}",
            verdict=verdict,
        )

    def _verdict(self, proposal: Proposal) -> Verdict | None:
        now = self._clock.now()
        if proposal.rolled_out_at is None:
            return rollout_failed(now, "the rollout did not complete")
        if proposal.row is None:
            return rollout_is_proof(now, "requested by a principal; the rollout completed")
        audit = self._audits.get(proposal.audit)
        if audit is None:
            return no_proof(now, "NoAudit", f"audit {proposal.audit} is no longer loaded")
        seen = observation(proposal.rolled_out_at, now, audit.lag, audit.interval, proposal.verify)
        if not seen.complete:
            return None
        return self._judge(proposal, proposal.row, audit, seen)

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
        return with_neighbours(verdict, before, after, target)
