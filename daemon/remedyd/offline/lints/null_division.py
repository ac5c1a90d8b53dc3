"""A division whose result may be null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lints.facts import DIVISIONS, may_be_zero, nullable
from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.nodes import Binary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.subject import Subject


def _check(subject: Subject) -> Iterator[Mark]:
    for place in subject.occurrences():
        node = place.node
        if not isinstance(node, Binary) or node.operator not in DIVISIONS or place.defaulted:
            continue
        absent = nullable(node.right, place.facts)
        if not absent and not may_be_zero(node.right, place.facts):
            continue
        divisor = subject.query.text_of(node.right)
        reason = "null or zero" if absent else "zero"
        yield Mark(
            node,
            f"[{subject.query.text_of(node)}] is null where [{divisor}] is {reason}",
            f"CASE({divisor} > 0, {subject.query.text_of(node)}, <value without it>)",
        )


LINT = Lint(
    "null-division",
    Severity.WARNING,
    "Dividing by null or zero is no error in ES|QL: the result is null with at most a warning "
    "header. A workload without a limit or request then has no percentage, and no threshold "
    "on it is ever reached.",
    _check,
)
