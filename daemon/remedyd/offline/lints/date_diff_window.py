"""A time window written as a DATE_DIFF per document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.lints.refinement import COMPARISONS, conjuncts
from remedyd.offline.nodes import Binary, Column, Expression, FunctionCall, Where, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.facts import Facts
    from remedyd.offline.lints.subject import Subject


def _check(subject: Subject) -> Iterator[Mark]:
    for step in subject.steps:
        if isinstance(step.command, Where) and not step.facts.aggregated:
            for condition in conjuncts(step.command.condition):
                call = _window(condition, step.facts)
                if call is not None:
                    yield _mark(subject, condition, call)


def _window(condition: Expression, facts: Facts) -> FunctionCall | None:
    if not isinstance(condition, Binary) or condition.operator not in COMPARISONS:
        return None
    for side in (condition.left, condition.right):
        if isinstance(side, FunctionCall) and side.name == "DATE_DIFF":
            columns = [node for node in walk(side) if isinstance(node, Column)]
            if any(facts.of(column.name).raw for column in columns):
                return side
    return None


def _mark(subject: Subject, condition: Expression, call: FunctionCall) -> Mark:
    column = next(node for node in walk(call) if isinstance(node, Column))
    name = subject.query.text_of(column)
    return Mark(
        call,
        f"[{subject.query.text_of(condition)}] admits up to one unit more, and the future",
        f"{name} >= ?start AND {name} < ?end",
    )


LINT = Lint(
    "date-diff-window",
    Severity.WARNING,
    "DATE_DIFF counts complete units: <= 15 minutes admits documents up to 15:59.999 old, and "
    "those dated in the future give negative numbers and pass too. It is computed for every "
    "document, so no index, shard or time range can be skipped. A half-open range on the "
    "timestamp itself is exact and is pushed down.",
    _check,
)
