"""Syntax tree of an ES|QL query: one frozen record per command and expression.

Every node knows the exact range it was written at, because Elasticsearch names an
unaliased column by its source text and quotes line:column in warnings. Spans take no part
in equality, so two queries that say the same thing compare equal whatever their layout.
Keywords and function names are upper-cased here; field names keep their case.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from remedyd.offline.source import Position, Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Position", "Source", "Span"]


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that was written somewhere."""

    span: Span = field(compare=False, repr=False)


# --- expressions ---------------------------------------------------------------------------


class LiteralType(StrEnum):
    """Type a literal has by the way it is written."""

    NULL = "null"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    UNSIGNED_LONG = "unsigned_long"
    DOUBLE = "double"
    KEYWORD = "keyword"


class ParameterKind(StrEnum):
    """How a parameter is addressed: `?`, `?1` or `?name`."""

    ANONYMOUS = "anonymous"
    POSITIONAL = "positional"
    NAMED = "named"


class UnaryOperator(StrEnum):
    """Prefix operators."""

    NEGATE = "-"
    NOT = "NOT"


class BinaryOperator(StrEnum):
    """Infix operators; the value is the canonical spelling."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    AND = "AND"
    OR = "OR"


class MatchKind(StrEnum):
    """Which pattern language a LIKE-family operator uses."""

    LIKE = "LIKE"
    RLIKE = "RLIKE"


@dataclass(frozen=True, slots=True)
class Expression(Node):
    """Base of everything that has a value."""


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A constant; `value` is None, bool, int, float or str according to `type`."""

    value: bool | int | float | str | None
    type: LiteralType


@dataclass(frozen=True, slots=True)
class TimeSpan(Expression):
    """`15 minutes`. `unit` is the canonical singular lower-case unit.

    Units: millisecond second minute hour day week month quarter year. Up to hour it is a
    time_duration, from day on a date_period.
    """

    amount: int
    unit: str


@dataclass(frozen=True, slots=True)
class ArrayLiteral(Expression):
    """`[1, 2]`: at least one literal, all of one type (numbers are widened to the widest)."""

    items: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Parameter(Expression):
    """`?`, `?1`, `?name`; with `identifier` the doubled form `??name` that names a thing.

    `number` counts from 1: the written one for POSITIONAL, the order of appearance for
    ANONYMOUS, 0 for NAMED. `name` is empty unless NAMED.
    """

    kind: ParameterKind
    name: str
    number: int
    identifier: bool


@dataclass(frozen=True, slots=True)
class Column(Expression):
    """A field reference; dotted and back-quoted parts are already unquoted.

    A part that is a Parameter (`??field`, `a.??b`) must be bound before `name` is asked for.
    """

    parts: tuple[str | Parameter, ...]

    @property
    def name(self) -> str:
        """Full dotted name; unbound parameters appear as `??name`."""
        return ".".join(
            part if isinstance(part, str) else f"??{part.name or part.number}"
            for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class NamePattern(Node):
    """`metrics.*`: literal pieces between wildcards, so `a*b` is `("a", "b")`."""

    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """The pattern with `*` between its pieces."""
        return "*".join(self.pieces)

    def matches(self, name: str) -> bool:
        """Whether a field name fits; case-sensitive."""
        first, *middle, last = self.pieces
        if len(name) < len(first) + len(last):
            return False
        if not (name.startswith(first) and name.endswith(last)):
            return False
        at, end = len(first), len(name) - len(last)
        for piece in middle:
            found = name.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class Star(Expression):
    """The `*` of COUNT(*)."""


@dataclass(frozen=True, slots=True)
class FunctionCall(Expression):
    """`NAME(arguments)`, NAME upper-cased; `??fn(x)` carries its parameter until bound."""

    name: str
    arguments: tuple[Expression, ...]
    name_parameter: Parameter | None = None


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """`-x` and `NOT x`. A minus before a number is part of the Literal."""

    operator: UnaryOperator
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """`left operator right`; parentheses are gone, the tree holds the grouping."""

    operator: BinaryOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class InList(Expression):
    """`value [NOT] IN (items)`."""

    value: Expression
    items: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class PatternMatch(Expression):
    """`value [NOT] LIKE|RLIKE pattern` or `(pattern, ...)`; patterns are strings or parameters."""

    kind: MatchKind
    value: Expression
    patterns: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull(Expression):
    """`value IS [NOT] NULL`."""

    value: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """`value::type_name`, type name lower-cased."""

    value: Expression
    type_name: str


# --- parts of commands ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named(Node):
    """`target = value`, or a bare `value` whose column is named by its source text.

    A bare field after BY keeps its own name, without back-quotes.
    """

    target: Column | None
    value: Expression
    text: str = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """Name of the resulting column."""
        return self.text if self.target is None else self.target.name


@dataclass(frozen=True, slots=True)
class Aggregation(Node):
    """One item of STATS: `[target =] value [WHERE condition]`.

    Without a target the column is named by the whole text, WHERE included.
    """

    target: Column | None
    value: Expression
    condition: Expression | None
    text: str = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """Name of the resulting column."""
        return self.text if self.target is None else self.target.name


@dataclass(frozen=True, slots=True)
class IndexPattern(Node):
    """One entry of FROM: `[-][cluster:]pattern`; `pattern` may hold `*`."""

    pattern: str
    cluster: str | None = None
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class SortKey(Node):
    """One key of SORT with its defaults resolved: ascending puts nulls last, descending first."""

    value: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Renaming(Node):
    """`old AS new` or `new = old`; Elasticsearch allows no wildcards here."""

    old: Column
    new: Column


@dataclass(frozen=True, slots=True)
class Setting(Node):
    """`SET name = value;` before the query; name lower-cased."""

    name: str
    value: Literal


# --- commands ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command(Node):
    """Base of one step of the pipe; the span starts at the command's keyword."""


@dataclass(frozen=True, slots=True)
class From(Command):
    """`FROM a, b-*, -c METADATA _index`."""

    sources: tuple[IndexPattern, ...]
    metadata: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class TimeSeries(Command):
    """`TS a, b`: a source read as time series."""

    sources: tuple[IndexPattern, ...]
    metadata: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Row(Command):
    """`ROW a = 1`."""

    fields: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Where(Command):
    """`WHERE condition`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Eval(Command):
    """`EVAL a = x, y + 1`."""

    fields: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Stats(Command):
    """`STATS aggregates BY groups`; either side may be empty, not both."""

    aggregates: tuple[Aggregation, ...]
    groups: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class InlineStats(Command):
    """`INLINE STATS aggregates BY groups`; at least one aggregate."""

    aggregates: tuple[Aggregation, ...]
    groups: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Keep(Command):
    """`KEEP a, b*`."""

    names: tuple[Column | NamePattern, ...]


@dataclass(frozen=True, slots=True)
class Drop(Command):
    """`DROP a, b*`."""

    names: tuple[Column | NamePattern, ...]


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """`RENAME a AS b, c = d`."""

    renames: tuple[Renaming, ...]


@dataclass(frozen=True, slots=True)
class Sort(Command):
    """`SORT a DESC NULLS LAST`."""

    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Limit(Command):
    """`LIMIT 10`; the count is an integer Literal or a Parameter."""

    count: Expression


@dataclass(frozen=True, slots=True)
class MvExpand(Command):
    """`MV_EXPAND a`."""

    column: Column


@dataclass(frozen=True, slots=True)
class LookupJoin(Command):
    """`LOOKUP JOIN index ON a, b`."""

    index: IndexPattern
    keys: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Dissect(Command):
    """`DISSECT input "pattern" APPEND_SEPARATOR=","`; the default separator is empty."""

    input: Expression
    pattern: Expression
    append_separator: str


@dataclass(frozen=True, slots=True)
class Grok(Command):
    """`GROK input "pattern", "pattern"`: the first pattern that fits wins."""

    input: Expression
    patterns: tuple[Expression, ...]


SourceCommand: TypeAlias = From | TimeSeries | Row


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A whole query. The first command is the source command."""

    source: Source = field(compare=False, repr=False)
    settings: tuple[Setting, ...]
    commands: tuple[Command, ...]

    def position(self, node: Node) -> Position:
        """Where a node starts."""
        return self.source.position(node.span.start)

    def text_of(self, node: Node) -> str:
        """A node exactly as written."""
        return self.source.cut(node.span)


def below(node: Node) -> list[Node]:
    """The direct children of a node, in the order written."""
    found: list[Node] = []
    for name in _parts(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend([child for child in value if isinstance(child, Node)])
    return found


def _parts(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold others; looked up once for each kind."""
    known = _PARTS.get(kind)
    if known is None:
        known = tuple(item.name for item in fields(kind) if item.name != "span")
        _PARTS[kind] = known
    return known


_PARTS: dict[type[Node], tuple[str, ...]] = {}


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order written; iterative, so depth is free."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(below(current)))
