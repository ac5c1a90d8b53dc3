"""A verified query: typed expressions over uniquely named columns, one record per step.

The verifier turns syntax into this, SQL is generated from it. Every column definition gets a
SQL name of its own, so that shadowing, KEEP, DROP and RENAME are bookkeeping in the verifier
and never reach the SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from remedyd.offline.catalog import Leaf, Schema
from remedyd.offline.nodes import Node
from remedyd.offline.types import DataType

if TYPE_CHECKING:
    from remedyd.offline.functions.signature import Function

Scalar: TypeAlias = bool | int | float | str | None
"""A constant; dates are integers: milliseconds since 1970, or nanoseconds for date_nanos."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One definition of a column. `sql` is unique within the query; `multi` if it may hold lists.

    `leaves` says which leaf feeds it in each stream when it comes from a source. `convert` is
    applied to each of them, where their types differ.
    """

    name: str
    sql: str
    type: DataType
    multi: bool = False
    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    convert: tuple[Function, Node] | None = None


# --- expressions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """Base: the type, whether several values are possible, and where it was written."""

    type: DataType
    multi: bool
    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Expression):
    """A literal, a bound parameter or a folded call; a multivalue is a tuple."""

    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Span(Expression):
    """A time span: months for date periods from a month up, else days, else milliseconds."""

    months: int = 0
    days: int = 0
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Reference(Expression):
    """A column's value."""

    column: Column


@dataclass(frozen=True, slots=True, eq=False)
class Call(Expression):
    """A scalar function or operator."""

    function: Function
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AggregateCall(Expression):
    """An aggregate function over a group's rows, restricted by `condition` when there is one."""

    function: Function
    arguments: tuple[Expression, ...]
    condition: Expression | None = None


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly below."""
    if isinstance(expression, Call):
        return expression.arguments
    if isinstance(expression, AggregateCall):
        below = expression.arguments
        return below if expression.condition is None else (*below, expression.condition)
    return ()


def references(expression: Expression) -> Iterator[Column]:
    """Yield every column an expression reads."""
    pending = [expression]
    while pending:
        current = pending.pop()
        if isinstance(current, Reference):
            yield current.column
        pending.extend(children(current))


# --- steps ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Definition:
    """A column and what it is computed from."""

    column: Column
    value: Expression


@dataclass(frozen=True, slots=True)
class Scan:
    """Read columns of streams; a stream without a leaf for a column yields nulls.

    Documents later than `until` (milliseconds since 1970) are not there yet.
    """

    schemas: tuple[Schema, ...]
    columns: tuple[Column, ...]
    index: Column | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Extend:
    """Add columns; `definitions` do not read one another."""

    definitions: tuple[Definition, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep the rows whose condition is true."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One row per group; `inline` adds the results to the input rows instead."""

    groups: tuple[Definition, ...]
    aggregates: tuple[Definition, ...]
    inline: bool = False


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of a sort."""

    value: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Order the rows; holds until the next Order or Aggregate."""

    keys: tuple[OrderKey, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """Keep the first rows."""

    count: int


@dataclass(frozen=True, slots=True)
class Expand:
    """One row per value of a multivalued column."""

    source: Column
    target: Column


@dataclass(frozen=True, slots=True)
class Join:
    """Add columns of a lookup stream to the rows whose keys are equal; one row per match.

    `keys` pairs a column of the rows with the path of a leaf of the stream.
    """

    schema: Schema
    keys: tuple[tuple[Column, str], ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Gain:
    """What a counter gained in a time bucket, a second with `rate`; computed from its state there.

    The state is the samples of one series in one bucket, as the macros of RATE read it.
    """

    column: Column
    state: Column
    rate: bool


@dataclass(frozen=True, slots=True)
class Interpolate:
    """Compute gains with the help of the buckets right before and after.

    One row per time series (`series`, the columns that name it) and `bucket` of that `width`.
    """

    gains: tuple[Gain, ...]
    series: tuple[Column, ...]
    bucket: Column
    width: Span


Step: TypeAlias = Scan | Extend | Filter | Aggregate | Order | Limit | Expand | Join | Interpolate


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole verified query.

    `output` are the resulting columns in order under their final names; `warnings` are those
    known before any row is read.
    """

    steps: tuple[Step, ...]
    output: tuple[tuple[str, Column], ...]
    warnings: tuple[str, ...] = ()
