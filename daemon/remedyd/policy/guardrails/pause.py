"""The kill switch: while it is thrown nothing is written."""

from remedyd.policy.guardrails.snapshot import Snapshot


def paused(s: Snapshot) -> str:
    """Return why the pause forbids it; an undo passes only where the guardrails say so."""
    if not s.state.paused or (s.undo and s.guardrails.undo_while_paused):
        return ""
    return "remedyd is paused: nothing is proposed or written"
