"""A backtest's figures as JSON, for comparing runs and for other tools."""

from typing import Any

from remedyd.testing.backtest.figures import Report, Side


def exported(report: Report) -> dict[str, Any]:
    """Return the figures as JSON values; times are ISO 8601, durations seconds."""
    return {
        "recording": report.recording,
        "from": report.times[0].isoformat(),
        "to": report.times[-1].isoformat(),
        "cycles": len(report.times),
        "every_seconds": report.interval.total_seconds(),
        "approval_after_seconds": report.approval_after.total_seconds(),
        "audits": {name: dict(counts) for name, counts in report.audits.items()},
        "notices": list(report.notices),
        "sets": [_side(side) for side in report.sides],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "policies": {
            policy: {
                "proposals": sum(side.fates(policy).values()),
                "targets": side.targets(policy),
                "fates": {fate.value: count for fate, count in side.fates(policy).items()},
                "false_remediation_rate": side.false_rate(policy),
                "flapping": side.flapping(policy),
                "held": dict(side.held.get(policy, {})),
                "errors": dict(side.errors.get(policy, {})),
            }
            for policy in side.policies
        },
        "false_remediation_rate": side.false_rate(),
        "proposals": [
            {
                "at": one.at.isoformat(),
                "policy": one.policy,
                "target": one.target,
                "action": one.action,
                "step": one.step,
                "detail": one.detail,
                "fate": one.fate.value,
            }
            for one in side.proposals
        ],
        "targets": [
            {
                "policy": track.policy,
                "target": track.target,
                "proposals": track.proposals,
                "matched_cycles": track.matched,
                "episodes": track.episodes,
                "flapping": track.flapping,
            }
            for track in side.tracks
        ],
    }
