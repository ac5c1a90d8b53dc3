"""A comparison in CASE that may be null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lints.facts import nullable
from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.lints.refinement import COMPARISONS
from remedyd.offline.nodes import Binary, Expression, InList, PatternMatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.facts import Facts
    from remedyd.offline.lints.subject import Subject


def _check(subject: Subject) -> Iterator[Mark]:
    for place in subject.occurrences():
        if not place.condition or place.defaulted:
            continue
        culprit = _null_side(place.node, place.facts)
        if culprit is not None and culprit not in place.divisors:
            text = subject.query.text_of(place.node)
            name = subject.query.text_of(culprit)
            yield Mark(
                place.node,
                f"[{text}] is null where [{name}] is, and CASE then takes it as false",
                f"give null a branch of its own first ({name} IS NULL, ...), or a value: "
                f"COALESCE({name}, ...)",
            )


def _null_side(node: Expression, facts: Facts) -> Expression | None:
    if isinstance(node, Binary) and node.operator in COMPARISONS:
        sides: tuple[Expression, ...] = (node.left, node.right)
    elif isinstance(node, InList | PatternMatch):
        sides = (node.value,)
    else:
        return None
    return next((side for side in sides if nullable(side, facts)), None)


LINT = Lint(
    "case-on-null",
    Severity.WARNING,
    "A comparison with null is null, and CASE takes a null condition as false. A score built "
    "so falls through to its healthy default exactly when the data it needs is missing.",
    _check,
)
