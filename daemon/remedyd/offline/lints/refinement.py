"""What a condition tells about columns where it holds, and where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from remedyd.offline.nodes import (
    Binary,
    BinaryOperator,
    Cast,
    Column,
    Expression,
    FunctionCall,
    InList,
    IsNull,
    Literal,
    Node,
    PatternMatch,
    Unary,
    UnaryOperator,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.facts import Facts

COMPARISONS = frozenset(
    {
        BinaryOperator.EQUAL,
        BinaryOperator.NOT_EQUAL,
        BinaryOperator.LESS,
        BinaryOperator.LESS_EQUAL,
        BinaryOperator.GREATER,
        BinaryOperator.GREATER_EQUAL,
    }
)
_ARITHMETIC = frozenset(
    {
        BinaryOperator.ADD,
        BinaryOperator.SUBTRACT,
        BinaryOperator.MULTIPLY,
        BinaryOperator.DIVIDE,
        BinaryOperator.MODULO,
    }
)
_MIRRORED = {
    BinaryOperator.LESS: BinaryOperator.GREATER,
    BinaryOperator.LESS_EQUAL: BinaryOperator.GREATER_EQUAL,
    BinaryOperator.GREATER: BinaryOperator.LESS,
    BinaryOperator.GREATER_EQUAL: BinaryOperator.LESS_EQUAL,
}


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of CASE: its condition (None for the default), its value, the facts of each."""

    condition: Expression | None
    condition_facts: Facts
    value: Expression
    facts: Facts


def case_branches(node: FunctionCall, facts: Facts) -> list[Branch]:
    """The branches of a CASE, each with what the conditions before it leave possible."""
    found = []
    arguments = node.arguments
    for index in range(0, len(arguments) - 1, 2):
        condition, value = arguments[index], arguments[index + 1]
        found.append(Branch(condition, facts, value, where_true(condition, facts)))
        facts = where_not_true(condition, facts)
    if len(arguments) % 2:
        found.append(Branch(None, facts, arguments[-1], facts))
    return found


def conjuncts(condition: Expression) -> Iterator[Expression]:
    """The conditions joined by AND."""
    pending = [condition]
    while pending:
        current = pending.pop()
        if isinstance(current, Binary) and current.operator is BinaryOperator.AND:
            pending += [current.right, current.left]
        else:
            yield current


def where_true(condition: Expression, facts: Facts) -> Facts:
    """The facts on rows for which the condition is true."""
    for part in conjuncts(condition):
        present = _present(part)
        if present is not None:
            facts = facts.not_null(present)
        for name in _strict_columns(part):
            facts = facts.not_null(name)
        compared = _compared_with_number(part)
        if compared and _excludes_zero(*compared[1:]):
            facts = facts.not_zero(compared[0])
    return facts


def where_not_true(condition: Expression, facts: Facts) -> Facts:
    """The facts on rows for which the condition is false or null."""
    if isinstance(condition, Binary) and condition.operator is BinaryOperator.OR:
        return where_not_true(condition.right, where_not_true(condition.left, facts))
    if isinstance(condition, IsNull):
        if not condition.negated and isinstance(condition.value, Column):
            return facts.not_null(condition.value.name)
        return facts
    compared = _compared_with_number(condition)
    if compared and compared[1] is BinaryOperator.EQUAL and compared[2] == 0:
        return facts.not_zero(compared[0])
    return facts


def _present(condition: Expression) -> str | None:
    """The column that `x IS NOT NULL` or `NOT x IS NULL` says is there."""
    negated = isinstance(condition, Unary) and condition.operator is UnaryOperator.NOT
    test = condition.operand if isinstance(condition, Unary) else condition
    if isinstance(test, IsNull) and test.negated is not negated and isinstance(test.value, Column):
        return test.value.name
    return None


def _strict_columns(condition: Expression) -> Iterator[str]:
    """Columns that would make the condition null if they were: it is true, so they are not."""
    pending: list[Node] = [condition]
    while pending:
        match pending.pop():
            case Column() as column:
                yield column.name
            case Binary() as node if node.operator in COMPARISONS | _ARITHMETIC:
                pending += [node.left, node.right]
            case InList() | PatternMatch() | Cast() as node:
                pending.append(node.value)
            case Unary(operator=UnaryOperator.NEGATE | UnaryOperator.NOT) as node:
                pending.append(node.operand)


def _compared_with_number(node: Expression) -> tuple[str, BinaryOperator, float] | None:
    """`(column, operator, number)` of a comparison of those two, the column on the left."""
    if not isinstance(node, Binary) or node.operator not in COMPARISONS:
        return None
    left, right, operator = node.left, node.right, node.operator
    if isinstance(left, Literal):
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    if not isinstance(left, Column) or not isinstance(right, Literal):
        return None
    if not isinstance(right.value, int | float):
        return None
    return left.name, operator, right.value


def _excludes_zero(operator: BinaryOperator, number: float) -> bool:
    match operator:
        case BinaryOperator.GREATER:
            return number >= 0
        case BinaryOperator.GREATER_EQUAL:
            return number > 0
        case BinaryOperator.LESS:
            return number <= 0
        case BinaryOperator.LESS_EQUAL:
            return number < 0
        case BinaryOperator.EQUAL:
            return number != 0
        case _:
            return number == 0
