"""When nothing may be written: by a clock in doubt, in a freeze, outside maintenance windows."""

from remedyd.policy.guardrails.snapshot import Snapshot
from remedyd.policy.guardrails.windows import Window, WindowKind


def clock_wrong(s: Snapshot) -> str:
    """Return why our clock is not believed."""
    return s.clock


def clock_set(s: Snapshot) -> str:
    """Return why telemetry cannot be dated."""
    return s.clock_set


def frozen(s: Snapshot) -> str:
    """Return the freeze that holds now."""
    for window in _of(s, WindowKind.FREEZE):
        if window.holds_at(s.now):
            return f"the freeze {window.name} lasts until {window.end} ({window.time_zone})"
    return ""


def outside_maintenance(s: Snapshot) -> str:
    """Return the windows that it has to wait for; nothing where none are defined."""
    windows = _of(s, WindowKind.MAINTENANCE)
    if not windows or any(window.holds_at(s.now) for window in windows):
        return ""
    told = ", ".join(f"{w.name} ({w.start} to {w.end} {w.time_zone})" for w in windows)
    return f"changes wait for a maintenance window: {told}"


def _of(s: Snapshot, kind: WindowKind) -> list[Window]:
    return [
        window
        for window in s.guardrails.windows
        if window.kind is kind and window.concerns(s.target.namespace)
    ]
