"""What is known of a column's values while reading a query from top to bottom.

Only two things matter to the lints: can the value be null, can it be zero. Both are answered
on the safe side: a field of a document may always be absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from remedyd.offline.lints.refinement import case_branches
from remedyd.offline.nodes import (
    ArrayLiteral,
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
    Parameter,
    PatternMatch,
    Star,
    TimeSpan,
    Unary,
    walk,
)

# Every document of a data stream has these; the data_stream fields are constants of the stream.
NEVER_NULL = frozenset(
    {
        *("@timestamp", "_index", "_id", "_version"),
        *("data_stream.type", "data_stream.dataset", "data_stream.namespace"),
    }
)
COUNTS = frozenset({"COUNT", "COUNT_DISTINCT"})
DIVISIONS = (BinaryOperator.DIVIDE, BinaryOperator.MODULO)
_CONVERSIONS = ("TO_LONG", "TO_INTEGER", "TO_DOUBLE", "TO_UNSIGNED_LONG")


@dataclass(frozen=True, slots=True)
class Fact:
    """A column: may it be null, may it be zero, and which document fields it is made of.

    `raw` holds until the first aggregation: one value per document.
    """

    nullable: bool = True
    zero: bool = True
    origins: frozenset[str] = frozenset()
    raw: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts by column name. A name without one is a document field, until `aggregated`."""

    columns: Mapping[str, Fact] = field(default_factory=dict)
    aggregated: bool = False

    def of(self, name: str) -> Fact:
        """What is known of a column."""
        known = self.columns.get(name)
        if known is not None:
            return known
        return Fact(
            nullable=name not in NEVER_NULL,
            origins=frozenset({name}),
            raw=not self.aggregated,
        )

    def knowing(self, name: str, fact: Fact) -> Facts:
        """The facts with one more."""
        return replace(self, columns={**self.columns, name: fact})

    def not_null(self, name: str) -> Facts:
        """The facts once the column is known to have a value."""
        return self.knowing(name, replace(self.of(name), nullable=False))

    def not_zero(self, name: str) -> Facts:
        """The facts once the column is known not to be zero."""
        return self.knowing(name, replace(self.of(name), zero=False))


def fact_of(value: Expression, facts: Facts) -> Fact:
    """What is known of an expression that has no aggregate in it."""
    return Fact(
        nullable=nullable(value, facts),
        zero=may_be_zero(value, facts),
        origins=origins(value, facts),
        raw=not facts.aggregated,
    )


def origins(node: Node, facts: Facts) -> frozenset[str]:
    """The document fields an expression is made of."""
    found: set[str] = set()
    for below in walk(node):
        if isinstance(below, Column):
            found |= facts.of(below.name).origins
    return frozenset(found)


def nullable(node: Expression, facts: Facts) -> bool:
    """Whether the value can be null. Parameters are taken to be given."""
    match node:
        case Literal():
            return node.value is None
        case TimeSpan() | ArrayLiteral() | Parameter() | Star() | IsNull():
            return False
        case Column():
            return facts.of(node.name).nullable
        case Unary():
            return nullable(node.operand, facts)
        case Cast() | PatternMatch():
            return nullable(node.value, facts)
        case InList():
            return any(nullable(item, facts) for item in (node.value, *node.items))
        case Binary():
            sides = nullable(node.left, facts) or nullable(node.right, facts)
            return sides or (node.operator in DIVISIONS and may_be_zero(node.right, facts))
        case FunctionCall():
            return _nullable_call(node, facts)
        case _:
            return True


def _nullable_call(node: FunctionCall, facts: Facts) -> bool:
    if node.name in COUNTS or node.name == "NOW":
        return False
    if node.name == "COALESCE":
        return all(nullable(argument, facts) for argument in node.arguments)
    if node.name == "CASE":
        branches = case_branches(node, facts)
        complete = len(node.arguments) % 2 == 1
        return not complete or any(nullable(b.value, b.facts) for b in branches)
    return any(nullable(argument, facts) for argument in node.arguments)


def may_be_zero(node: Expression, facts: Facts) -> bool:
    """Whether a number can be zero. Parameters are taken to be sensible."""
    match node:
        case Literal():
            return node.value == 0
        case Parameter() | TimeSpan():
            return False
        case Column():
            return facts.of(node.name).zero
        case Unary():
            return may_be_zero(node.operand, facts)
        case Cast():
            return may_be_zero(node.value, facts)
        case Binary():
            multiplied = node.operator is BinaryOperator.MULTIPLY
            return not multiplied or any(
                may_be_zero(side, facts) for side in (node.left, node.right)
            )
        case FunctionCall(name="GREATEST"):
            return not any(_positive(argument) for argument in node.arguments)
        case FunctionCall() if node.name in _CONVERSIONS and node.arguments:
            return may_be_zero(node.arguments[0], facts)
        case _:
            return True


def _positive(node: Expression) -> bool:
    if isinstance(node, FunctionCall) and node.name in _CONVERSIONS and node.arguments:
        node = node.arguments[0]
    return isinstance(node, Literal) and isinstance(node.value, int | float) and node.value > 0
