"""How it came to this: the same row over the windows before, for whoever has to approve.

One reading tells how bad it is, not where it goes. So the audit is asked about the two windows
before, for the one workload and only for what is about to be proposed: two small queries for a
person's better judgement. Nothing is decided from it, and where the past cannot be had, that is
said and nothing else changes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.documents import format_duration
from remedyd.model import AuditResult, AuditRow, Cell, Decision, DecisionKind, Window
from remedyd.proposals.summary import cell
from remedyd.stages.cycle import Cycle
from remedyd.verification.verdict import row_of

_EARLIER: Final = 2
_COLUMNS: Final = 3
_MOST: Final = 5
"""Proposals of one cycle that get a trend: many at once are seldom read one by one."""


class Trend:
    """Adds to each decision to propose how its evidence came about."""

    name = "trend"

    def __init__(self, runner: AuditRunner, audits: Mapping[str, AuditDefinition]) -> None:
        """Take the runner and the audits it may be asked for."""
        self._runner = runner
        self._audits = audits

    def run(self, cycle: Cycle) -> Cycle:
        """Look back for the decisions that propose something."""
        left = _MOST
        decisions: list[Decision] = []
        for decision in cycle.decisions:
            result = next((r for r in cycle.results if r.audit == decision.audit and r.ok), None)
            if decision.kind is DecisionKind.PROPOSE and result is not None and left:
                left -= 1
                decision = self._told(decision, result)
            decisions.append(decision)
        return replace(cycle, decisions=tuple(decisions))

    def _told(self, decision: Decision, result: AuditResult) -> Decision:
        audit, row = self._audits.get(decision.audit), decision.row
        if audit is None or row is None:
            return decision
        span = result.window.end - result.window.start
        windows = [
            Window(result.window.start - n * span, result.window.end - n * span)
            for n in range(_EARLIER, 0, -1)
        ]
        seen = [
            row_of(self._runner.run(audit, window=window, scope=decision.target), decision.target)
            for window in windows
        ]
        return replace(decision, detail=f"{decision.detail}; {described(row, seen, span)}")


def described(row: AuditRow, earlier: Sequence[AuditRow | None], span: timedelta) -> str:
    """Return a sentence about severity and up to three numbers, the oldest first; `?`: not known.

    Numbers that did not change are left out.
    """
    over = f"trend, {format_duration(span)} each:"
    if not any(earlier):
        return f"{over} no earlier rows"
    rows = [*earlier, row]
    grades = ["?" if one is None else one.severity.name.lower() for one in rows]
    moved = [
        f"{name} {' → '.join(shown)}"
        for name in row.values
        if _counts(name, row.values[name])
        and len(set(shown := [_shown(one, name) for one in rows]) - {"?"}) > 1
    ]
    changed = [" → ".join(grades)] if len(set(grades) - {"?"}) > 1 else []
    told = [*changed, *moved[:_COLUMNS]]
    return f"{over} {'; '.join(told)}" if told else f"{over} the same before"


def _counts(name: str, value: Cell) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and not re.search(r"^severity|samples$", name)
    )


def _shown(row: AuditRow | None, name: str) -> str:
    value = None if row is None else row.values.get(name)
    return "?" if value is None else cell(name, value)
