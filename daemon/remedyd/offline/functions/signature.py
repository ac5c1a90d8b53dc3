"""The shape of a function: what it takes, what it gives, and the SQL it becomes.

The table of functions is data, so that the verifier, the SQL generator, the suggestions of an
error message and the published support table all read the same entries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from remedyd.offline.types import (
    DATES,
    NUMERIC,
    PLAIN_NUMERIC,
    REPRESENTABLE,
    STRINGS,
    WHOLE,
    DataType,
)

if TYPE_CHECKING:
    from remedyd.offline.plan import AggregateCall, Call, Expression, Scalar


class Kind(StrEnum):
    """Where a function may stand."""

    SCALAR = "scalar"
    AGGREGATE = "aggregate"
    GROUPING = "grouping"
    TIME_SERIES = "time series"


class Emitter(Protocol):
    """What a function needs from the SQL generator.

    `keys` is by how many columns the rows are grouped that an aggregate is computed for.
    """

    @property
    def keys(self) -> int:
        """How many columns group the rows at hand."""
        ...

    def emit(self, expression: Expression) -> str:
        """Return the SQL of an expression in its own type."""
        ...

    def emit_as(self, expression: Expression, data_type: DataType) -> str:
        """Return the SQL of an expression, converted to a wider number or date type."""
        ...

    def emit_list(self, expression: Expression, data_type: DataType) -> str:
        """Return the SQL of an expression as a list; null stays null."""
        ...

    def note(
        self, call: Call | AggregateCall, failed: str, message: str, *, shown: str = ""
    ) -> str:
        """Return SQL that is null and, where it is evaluated, leaves a warning behind.

        `failed` is the SQL condition under which that happens, `message` the Java exception;
        `{}` in it stands for the text that the SQL `shown` gives for the failing row.
        """
        ...


Sql: TypeAlias = "Callable[[Emitter, Call, Sequence[str]], str]"
AggregateSql: TypeAlias = "Callable[[Emitter, AggregateCall, Sequence[str], str], str]"
"""The last argument is the FILTER clause, empty or with a leading space."""
Returns: TypeAlias = "Callable[[Sequence[DataType]], DataType]"
Check: TypeAlias = "Callable[[Sequence[Expression]], str]"
WordedCheck: TypeAlias = "Callable[[Sequence[Expression], str], str]"
"""The last argument is the call as it was written."""
Fold: TypeAlias = "Callable[[Sequence[Scalar], Sequence[DataType]], Scalar]"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `expected` is how Elasticsearch's error text names the types it takes.

    A `variadic` one takes every further argument, a `constant` one must be known before any
    row is read.
    """

    name: str
    types: frozenset[DataType]
    expected: str
    optional: bool = False
    variadic: bool = False
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """One entry of the table.

    `whole` functions see a multivalue as a list; for all others a multivalue gives null and a
    warning. `strict` ones are null as soon as an argument's type is null. `since` is the first
    Elasticsearch release that has it. `fold` computes the result of constant arguments, so
    that a constant time range stays visible to the storage layer.

    `limits` names what about the arguments only Elasticsearch can do, `invalid` what it would
    reject as it runs, `wrong` what it would before; all are empty when there is nothing.
    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: Returns
    sql: Sql | None = None
    aggregate: AggregateSql | None = None
    kind: Kind = Kind.SCALAR
    topic: str = ""
    whole: bool = False
    gives_multi: bool = False
    strict: bool = True
    since: tuple[int, int] = (8, 11)
    fold: Fold | None = None
    repeats: bool = False
    lazy: bool = False
    maps: bool = False
    leading: str = ""
    limits: Check | None = None
    invalid: Check | None = None
    wrong: WordedCheck | None = None

    @property
    def required(self) -> int:
        """How many arguments it needs at least."""
        return sum(not parameter.optional for parameter in self.parameters) - bool(self.leading)

    @property
    def most(self) -> int | None:
        """How many arguments it takes at most; None when it is variadic."""
        variadic = any(parameter.variadic for parameter in self.parameters)
        return None if variadic else len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        """Return the parameter that an argument fills."""
        return self.parameters[min(index, len(self.parameters) - 1)]


def gives(data_type: DataType) -> Returns:
    """Return a function always of one type."""
    return lambda _: data_type


def same(types: Sequence[DataType]) -> DataType:
    """Give the type of the first argument, keyword for text."""
    return DataType.KEYWORD if types[0] is DataType.TEXT else types[0]


def numbers(name: str, *, optional: bool = False, constant: bool = False) -> Parameter:
    """Take any number."""
    return Parameter(name, NUMERIC, "numeric", optional=optional, constant=constant)


def plain_numbers(name: str) -> Parameter:
    """Take any number that an aggregate can add up."""
    return Parameter(name, PLAIN_NUMERIC, "numeric except unsigned_long or counter types")


def whole_numbers(name: str, *, optional: bool = False, constant: bool = False) -> Parameter:
    """Take an integer, long or unsigned long."""
    expected = "whole number except unsigned_long or counter types"
    types = WHOLE - {DataType.UNSIGNED_LONG}
    return Parameter(name, types, expected, optional=optional, constant=constant)


def integers(name: str, *, optional: bool = False, constant: bool = False) -> Parameter:
    """Take an integer."""
    types = frozenset({DataType.INTEGER})
    return Parameter(name, types, "integer", optional=optional, constant=constant)


def strings(
    name: str, *, optional: bool = False, variadic: bool = False, constant: bool = False
) -> Parameter:
    """Take keyword or text."""
    return Parameter(name, STRINGS, "string", optional, variadic, constant)


def booleans(name: str, *, optional: bool = False) -> Parameter:
    """Take a boolean."""
    return Parameter(name, frozenset({DataType.BOOLEAN}), "boolean", optional=optional)


def dates(name: str, *, optional: bool = False) -> Parameter:
    """Take a date or date_nanos."""
    return Parameter(name, DATES, "datetime or date_nanos", optional=optional)


def anything(
    name: str, *, optional: bool = False, variadic: bool = False, constant: bool = False
) -> Parameter:
    """Take every type a column can have, counters not included."""
    expected = "any type except counter types"
    return Parameter(name, REPRESENTABLE, expected, optional, variadic, constant)


def template(text: str) -> Sql:
    """Make the SQL by filling in the arguments: `abs({0})`."""
    return lambda _emitter, _call, arguments: text.format(*arguments)


def guarded(note: str, value: str, failed: str) -> str:
    """Return SQL for `value`, or for the note where `failed` is true."""
    return f"CASE WHEN {failed} THEN {note} ELSE {value} END"
