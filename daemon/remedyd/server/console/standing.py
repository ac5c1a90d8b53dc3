"""How things stand: what is wrong now, and what is being done about it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from remedyd.audits.definition import AuditDefinition
from remedyd.model import (
    AuditResult,
    AuditRow,
    Cell,
    Decision,
    DecisionKind,
    Proposal,
    Severity,
    State,
    Target,
)
from remedyd.policy.policy import Policy
from remedyd.server.console import words
from remedyd.stages.recent import Judged

Audited = tuple[AuditDefinition, AuditResult | None]
Ruled = tuple[Policy, Judged | None]

_FACTS = 3
_TOLD = (DecisionKind.HOLD, DecisionKind.ERROR, DecisionKind.PROPOSE, DecisionKind.SKIP)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one audit found on a workload, with its telling numbers."""

    audit: str
    container: str
    severity: Severity
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A workload that is not well, and the answer to it: a proposal, or why there is none."""

    target: Target
    severity: Severity
    findings: tuple[Finding, ...]
    proposal: Proposal | None
    answer: str
    reason: str


def facts(
    definition: AuditDefinition, values: Mapping[str, Cell], most: int = _FACTS
) -> tuple[tuple[str, str], ...]:
    """Return the first numbers that say something: audits put the weightiest in front."""
    told = []
    for name in evidence_columns(definition):
        value = values.get(name)
        number = isinstance(value, int | float) and value
        if number or (value and name.endswith("reason")):
            told.append((words.label(name), words.cell(value, name)))
    return tuple(told[:most])


def evidence_columns(definition: AuditDefinition) -> list[str]:
    """Return the names of the columns that are neither identity, grade nor freshness."""
    own = {*definition.identity.columns, definition.severity, definition.samples}
    own.add(definition.last_seen)
    return [column.name for column in definition.columns if column.name not in own]


def troubles(
    audited: Iterable[Audited], ruled: Sequence[Ruled], opened: Iterable[Proposal]
) -> list[Trouble]:
    """Return the workloads that the last runs found unwell, the worst first."""
    found: dict[str, list[tuple[AuditDefinition, AuditRow]]] = {}
    for definition, last in audited:
        for row in last.rows if last else ():
            if row.severity > Severity.HEALTHY:
                found.setdefault(row.target.workload, []).append((definition, row))
    at_work = {proposal.plan.target.workload: proposal for proposal in opened}
    made = [_trouble(rows, at_work.get(name), ruled) for name, rows in found.items()]
    return sorted(made, key=lambda t: (-t.severity, t.proposal is None, t.target.workload))


def _trouble(
    rows: Sequence[tuple[AuditDefinition, AuditRow]],
    proposal: Proposal | None,
    ruled: Sequence[Ruled],
) -> Trouble:
    ranked = sorted(rows, key=lambda pair: -pair[1].severity)
    findings = tuple(
        Finding(row.audit, row.target.container, row.severity, facts(definition, row.values))
        for definition, row in ranked
    )
    answer, reason = "", ""
    if proposal is None:
        answer, reason = _answer([row for _, row in ranked], ruled)
    return Trouble(ranked[0][1].target, ranked[0][1].severity, findings, proposal, answer, reason)


def _answer(rows: Sequence[AuditRow], ruled: Sequence[Ruled]) -> tuple[str, str]:
    """Return why nothing is proposed: the policies' most telling word about these rows."""
    said = [decision for _, judged in ruled if judged for decision in judged.decisions]
    about = {(row.audit, row.target.identity) for row in rows}
    mine = [d for d in said if (d.audit, d.target.identity) in about]
    if not mine:
        return "no policy judges this audit", "Uncovered"
    first = min(mine, key=lambda decision: _TOLD.index(decision.kind))
    return f"{first.policy}: {first.detail or first.reason}", first.reason


def uncovered(audited: Iterable[Audited], ruled: Sequence[Ruled]) -> int:
    """Count the unwell rows about which no policy has said anything."""
    said = {
        (decision.audit, decision.target.identity)
        for _, judged in ruled
        if judged
        for decision in judged.decisions
    }
    return sum(
        row.severity > Severity.HEALTHY and (row.audit, row.target.identity) not in said
        for _, last in audited
        for row in (last.rows if last else ())
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a policy made of the rows of its last cycle, by kind and by reason."""

    rows: int
    kinds: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, str, str, int], ...]
    """Kind, reason, condition and how many rows, most first."""


def coverage(judged: Judged | None) -> Coverage:
    """Count a policy's last decisions."""
    decisions: tuple[Decision, ...] = judged.decisions if judged else ()
    kinds = {kind: sum(d.kind is kind for d in decisions) for kind in DecisionKind}
    reasons: dict[tuple[str, str, str], int] = {}
    for decision in decisions:
        key = (decision.kind.value, decision.reason, decision.condition)
        reasons[key] = reasons.get(key, 0) + 1
    ranked = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return Coverage(
        len(decisions),
        tuple((kind.value, count) for kind, count in kinds.items()),
        tuple((*key, count) for key, count in ranked),
    )


STEPS = (State.PROPOSED, State.APPROVED, State.APPLYING, State.APPLIED, State.VERIFYING)
"""The straight road to a verdict, for the progress bar."""


def step(proposal: Proposal) -> int:
    """Return how many of the steps lie behind a proposal, 5 with a verdict or an undo."""
    return STEPS.index(proposal.state) if proposal.state in STEPS else len(STEPS)
