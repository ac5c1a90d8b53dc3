"""The verdict: pure, from the evidence row and the same audit's answer after the rollout.

Lexicographic, not a score: first whether there is fresh data at all, then whether it did harm, then
whether it helped. A safety failure can not be averaged away.
"""

from datetime import datetime

from remedyd.model import (
    AuditResult,
    AuditRow,
    Cell,
    Outcome,
    Target,
    Verdict,
    VerifySpec,
    Window,
)

_SHOWN = 4
"""Numbers that a verdict's sentence tells; the verdict itself keeps all."""


def judge(
    before: AuditRow, after: AuditResult, window: Window, spec: VerifySpec, now: datetime
) -> Verdict:
    """Compare the target's row before and after; missing or stale data is Inconclusive."""
    if not after.ok:
        return _verdict(
            Outcome.INCONCLUSIVE,
            now,
            after.outcome.value,
            f"the audit gave no data: {after.detail}",
        )
    row = row_of(after, before.target)
    if row is None:
        return _verdict(
            Outcome.INCONCLUSIVE, now, "NoRow", "the target no longer appears in the audit"
        )
    return _compare(before, row, window, spec, now)


def row_of(result: AuditResult, target: Target) -> AuditRow | None:
    """Return the result's row about `target`, or None."""
    return next((r for r in result.rows if r.target.identity == target.identity), None)


def _compare(
    before: AuditRow, row: AuditRow, window: Window, spec: VerifySpec, now: datetime
) -> Verdict:
    samples = row.samples or 0
    if samples < spec.minimum_samples or row.last_seen is None or row.last_seen < window.start:
        detail = (
            f"{samples} samples since the rollout, {spec.minimum_samples} are needed; "
            f"newest at {row.last_seen.isoformat() if row.last_seen else 'unknown'}"
        )
        outcome, reason = Outcome.INCONCLUSIVE, "NoFreshSamples"
    elif row.severity > before.severity:
        outcome, reason = Outcome.HARMFUL, "SeverityRose"
        detail = f"severity rose from {before.severity} to {row.severity}{numbers(before, row)}"
    elif row.severity < before.severity:
        outcome, reason = Outcome.EFFECTIVE, "SeverityFell"
        detail = f"severity fell from {before.severity} to {row.severity}{numbers(before, row)}"
    else:
        outcome, reason = Outcome.INEFFECTIVE, "SeverityUnchanged"
        detail = f"severity is still {row.severity}{numbers(before, row)}"
    return Verdict(outcome, now, reason, detail, before.values, row.values, samples)


def numbers(before: AuditRow, after: AuditRow) -> str:
    """Return the first numbers that changed, as ` (oom_kills 4 to 0, ...)`; empty when none did."""
    told = [
        f"{name} {_text(old)} to {_text(new)}"
        for name, old in before.values.items()
        if (new := after.values.get(name)) != old and _number(old) and _number(new)
    ]
    return f" ({', '.join(told[:_SHOWN])})" if told else ""


def _number(value: Cell) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Cell) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def rollout_failed(now: datetime, detail: str) -> Verdict:
    """Return the verdict on a change whose rollout never completed."""
    return _verdict(Outcome.HARMFUL, now, "RolloutFailed", detail)


def rollout_is_proof(now: datetime, detail: str) -> Verdict:
    """Return the verdict on a requested change: no audit asked for it, the rollout completed."""
    return _verdict(Outcome.EFFECTIVE, now, "RolloutComplete", detail)


def no_proof(now: datetime, reason: str, detail: str) -> Verdict:
    """Return the verdict when proof can not be had: a human decides."""
    return _verdict(Outcome.INCONCLUSIVE, now, reason, detail)


def _verdict(outcome: Outcome, now: datetime, reason: str, detail: str) -> Verdict:
    return Verdict(outcome, now, reason, detail)
