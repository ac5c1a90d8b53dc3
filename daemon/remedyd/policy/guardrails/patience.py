"""Leaving a target alone: after each change for a while, after repeated failure altogether."""

from remedyd.documents import format_duration
from remedyd.policy.guardrails.snapshot import Snapshot


def quarantined(s: Snapshot) -> str:
    """Return why the target is set aside until a person lifts it."""
    hold = s.state.quarantined.get(s.target.workload)
    if hold is not None:
        return f"set aside since {hold.since:%Y-%m-%d %H:%M:%S}Z: {hold.detail}"
    if s.failures >= s.guardrails.quarantine_after:
        return f"{s.failures} changes in a row did not help"
    return ""


def cooling_down(s: Snapshot) -> str:
    """Return how much longer to wait since the last change; a ladder's next rung need not."""
    if s.climbing:
        return ""
    ends = [
        change.ended_at
        for change in s.state.changes
        if change.workload == s.target.workload
        and change.applied_at is not None
        and change.ended_at is not None
        and change.proposal != s.proposal
    ]
    if not ends:
        return ""
    wait = s.guardrails.cooldown.after(s.failures)
    left = max(ends) + wait - s.now
    if left.total_seconds() <= 0:
        return ""
    failed = f" after {s.failures} that did not help" if s.failures else ""
    return (
        f"the last change ended {max(ends):%Y-%m-%d %H:%M:%S}Z; of {format_duration(wait)} of "
        f"cooldown{failed} {format_duration(left)} are left"
    )
