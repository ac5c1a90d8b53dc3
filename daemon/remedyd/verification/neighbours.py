"""Did the change hurt someone else: workloads of the namespace that were well before it. Pure.

A larger limit can starve a node, more replicas can exhaust a quota or a database. Whoever was
healthy in the same audit before the change and is critical after the rollout counts as harmed;
who was unwell before is not our doing. Another audit may have seen that, so a workload that already
had an open proposal when the change was written counts as unwell. A coincidence counts too: taking
a change back for nothing is cheap, leaving harm in place is not.
"""

from collections.abc import Set as AbstractSet

from remedyd.model import AuditResult, AuditRow, Outcome, Severity, Target, Verdict


def harmed(
    before: AuditResult,
    after: AuditResult,
    target: Target,
    unwell: AbstractSet[str] = frozenset(),
) -> tuple[AuditRow, ...]:
    """Return the rows of neighbours of `target` that rose from healthy to critical.

    Both results are about the namespace: one for the time before the write, one since the rollout.
    `unwell` are workloads that something was wrong with at the write, whatever this audit saw.
    """
    well = {row.target.identity for row in before.rows if row.severity is Severity.HEALTHY}
    return tuple(
        row
        for row in after.rows
        if row.severity is Severity.CRITICAL
        and row.target.identity in well
        and row.target.workload not in {target.workload, *unwell}
        and row.target.namespace == target.namespace
    )


def with_neighbours(
    verdict: Verdict,
    before: AuditResult,
    after: AuditResult,
    target: Target,
    unwell: AbstractSet[str] = frozenset(),
) -> Verdict:
    """Return the verdict with the neighbours taken into account.

    Harm to a neighbour outweighs whatever the change did for its target. Where the neighbours
    could not be seen, a success is no success yet.
    """
    if hurt := harmed(before, after, target, unwell):
        names = ", ".join(str(row.target) for row in hurt[:3])
        more = f" and {len(hurt) - 3} more" if len(hurt) > 3 else ""
        detail = f"{names}{more} became critical after the rollout; the target: {verdict.detail}"
        return _changed(verdict, Outcome.HARMFUL, "NeighbourHarmed", detail)
    unseen = next((result for result in (before, after) if not result.ok), None)
    if unseen is not None and verdict.outcome is Outcome.EFFECTIVE:
        detail = f"{verdict.detail}, but the neighbours could not be seen: {unseen.detail}"
        return _changed(verdict, Outcome.INCONCLUSIVE, "NeighboursUnknown", detail)
    return verdict


def _changed(verdict: Verdict, outcome: Outcome, reason: str, detail: str) -> Verdict:
    return Verdict(
        outcome, verdict.at, reason, detail, verdict.before, verdict.after, verdict.samples
    )
