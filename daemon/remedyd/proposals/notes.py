"""What is worth a Kubernetes Event on the workload, for whoever runs `kubectl describe`.

Fewer than the audit trail: what was proposed, decided, done and found, not each step on the way.
"""

from collections.abc import Mapping
from typing import Any, Final

from remedyd.model import Proposal, State

_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    State.PROPOSED: ("RemediationProposed", "proposed"),
    State.APPROVED: ("RemediationApproved", "approved"),
    State.REJECTED: ("RemediationRejected", "rejected"),
    State.EXPIRED: ("RemediationExpired", "not approved in time"),
    State.STALE: ("RemediationStale", "out of date"),
    State.APPLIED: ("RemediationApplied", "applied"),
    State.FAILED: ("RemediationFailed", "failed"),
    State.EFFECTIVE: ("RemediationEffective", "helped"),
    State.INEFFECTIVE: ("RemediationIneffective", "did not help"),
    State.HARMFUL: ("RemediationHarmful", "made things worse"),
    State.INCONCLUSIVE: ("RemediationInconclusive", "may or may not have helped"),
    "Escalated": ("RemediationEscalated", "a person is called"),
    State.ROLLED_BACK: ("RemediationRolledBack", "taken back"),
    State.ROLLBACK_FAILED: ("RemediationRollbackFailed", "could not be taken back"),
}
_WARNINGS: Final = frozenset(
    {
        State.FAILED,
        State.INEFFECTIVE,
        State.HARMFUL,
        State.INCONCLUSIVE,
        State.ROLLBACK_FAILED,
    }
)
_LONGEST: Final = 1_000


def note_of(proposal: Proposal, detail: str) -> dict[str, Any] | None:
    """Return the note for a proposal that has just come to its state, None for a silent one."""
    named = _REASONS.get(proposal.state)
    target = proposal.plan.target
    if named is None or not target.uid:
        return None
    reason, words = named
    text = f"{proposal.plan.action} {words}: {_changes(proposal)}"
    if detail:
        text += f" ({detail})"
    text += f" [proposal {proposal.id}]"
    return {
        "kind": target.kind,
        "namespace": target.namespace,
        "name": target.name,
        "uid": target.uid,
        "reason": reason,
        "type": "Warning" if proposal.state in _WARNINGS else "Normal",
        "message": text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...",
    }


def _changes(proposal: Proposal) -> str:
    """Return the changes in a line; whole objects and environments are only named."""
    shown = []
    for change in proposal.plan.changes[:4]:
        simple = all(isinstance(v, str | int | float | None) for v in (change.old, change.new))
        name = change.path.removeprefix("spec.template.spec.").removeprefix("spec.")
        if simple and ".env" not in change.path:
            shown.append(f"{name} {change.old} -> {change.new}")
        else:
            shown.append(name)
    more = len(proposal.plan.changes) - len(shown)
    return ", ".join(shown + ([f"and {more} more"] if more > 0 else [])) or "nothing to write"
