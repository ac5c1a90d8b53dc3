"""Typed expressions as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from remedyd.offline.nodes import Node
from remedyd.offline.plan import (
    AggregateCall,
    Call,
    Constant,
    Expression,
    Reference,
    Span,
)
from remedyd.offline.sqlgen.literals import constant, identifier
from remedyd.offline.types import STRINGS, DataType, plain, storage

SEVERAL_CONDITIONS = "java.lang.IllegalArgumentException: CASE expects a single-valued boolean"
MULTIVALUE = "java.lang.IllegalArgumentException: single-value function encountered multi-value"


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the SQL that may give null with a warning.

    `sequence` is the DuckDB sequence that counts how often it did: evaluating it is the one
    side effect plain SQL has, so a query that goes well pays nothing for its warnings.
    `rows` is the relation it was evaluated on, within the CTEs up to `step`; `shown` and
    `failed` are SQL over it. `outcome` is what the evaluation is treated as.
    """

    sequence: str
    node: Node
    message: str
    step: str
    rows: str
    failed: str
    shown: str
    outcome: str = "null"


class Writer:
    """Writes expressions over the rows of one CTE, and collects their warning sites."""

    def __init__(self, sites: list[Site]) -> None:
        self.sites = sites
        self.step = ""
        self.keys = 0
        self._rows = ""
        self._calls: list[Call | AggregateCall] = []

    @contextmanager
    def reading(self, step: str, rows: str = "") -> Iterator[None]:
        """Write expressions over that CTE, or over `rows` of no CTE at all."""
        before = self.step, self._rows
        self.step, self._rows = step, rows
        try:
            yield
        finally:
            self.step, self._rows = before

    # --- the Emitter protocol --------------------------------------------------------------

    def emit(self, expression: Expression) -> str:
        """Return the SQL in the expression's own type, a list when it may be multivalued."""
        if isinstance(expression, Constant):
            return constant(expression)
        if isinstance(expression, Reference):
            return identifier(expression.column.sql)
        if isinstance(expression, Call):
            return self._call(expression)
        if isinstance(expression, AggregateCall):
            return self._aggregate(expression)
        assert isinstance(expression, Span)
        return "NULL"

    def emit_as(self, expression: Expression, data_type: DataType) -> str:
        """Return the SQL of a single value, widened to a type."""
        if isinstance(expression, Constant) and not expression.multi:
            return constant(expression, data_type)
        return _widened(self.single(expression), expression.type, data_type)

    def emit_list(self, expression: Expression, data_type: DataType) -> str:
        """Return the SQL as a list; null stays null."""
        if expression.type is DataType.NULL:
            return f"CAST(NULL AS {storage(data_type, multi=True)})"
        if expression.multi:
            return f"CAST({self.emit(expression)} AS {storage(data_type, multi=True)})"
        text = self.emit_as(expression, data_type)
        return f"CASE WHEN {text} IS NOT NULL THEN [{text}] END"

    def note(
        self, call: Call | AggregateCall, failed: str, message: str, *, shown: str = ""
    ) -> str:
        """Return SQL that is null and counts up the site's sequence."""
        sequence = f"esql_site_{len(self.sites)}"
        self.sites.append(
            Site(sequence, call.node, message, self.step, self._rows or self.step, failed, shown)
        )
        return f"esql_note('{sequence}')"

    # --- parts -----------------------------------------------------------------------------

    def single(self, expression: Expression) -> str:
        """Return the SQL of one value: of several there is none, and a warning."""
        text = self.emit(expression)
        if not expression.multi:
            return text
        failed = f"len({text}) > 1"
        if not self._calls:
            return f"CASE WHEN len({text}) = 1 THEN {text}[1] END"
        note = self._note_of_several(expression, failed)
        return f"CASE WHEN len({text}) = 1 THEN {text}[1] WHEN {text} IS NOT NULL THEN {note} END"

    def _note_of_several(self, expression: Expression, failed: str) -> str:
        """Return the note for several values where one belongs; a condition of CASE is false."""
        call = self._calls[-1]
        is_case = isinstance(call, Call) and call.function.name == "CASE"
        if not is_case or expression not in call.arguments[:-1:2]:
            return self.note(call, failed, MULTIVALUE)
        asked = replace(call, node=expression.node)
        note = self.note(asked, failed, SEVERAL_CONDITIONS)
        self.sites[-1] = replace(self.sites[-1], outcome="false")
        return note

    def _call(self, call: Call) -> str:
        function = call.function
        if function.strict and any(item.type is DataType.NULL for item in call.arguments):
            return f"CAST(NULL AS {storage(call.type, multi=call.multi)})"
        assert function.sql is not None, function.name
        self._calls.append(call)
        try:
            if function.maps and call.multi:
                return self._mapped(call)
            read = self.emit if function.whole else self.single
            spans = [] if function.lazy else [read(argument) for argument in call.arguments]
            return function.sql(self, call, spans)
        finally:
            self._calls.pop()

    def _mapped(self, call: Call) -> str:
        """Convert a multivalue value by value; what cannot be converted is left out."""
        assert call.function.sql is not None
        values = self.emit(call.arguments[0])
        rows = self._rows
        self._rows = f"(SELECT unnest({values}) AS v FROM {rows or self.step})"
        each = call.function.sql(self, call, ["v", *map(self.single, call.arguments[1:])])
        self._rows = rows
        kept = f"list_filter(list_transform({values}, lambda v: {each}), lambda v: v IS NOT NULL)"
        return f"nullif({kept}, [])"

    def _aggregate(self, call: AggregateCall) -> str:
        assert call.function.aggregate is not None, call.function.name
        self._calls.append(call)
        try:
            where = ""
            if call.condition is not None:
                where = f" FILTER (WHERE {self.emit_as(call.condition, DataType.BOOLEAN)})"
            arguments = [self.emit(argument) for argument in call.arguments]
            return call.function.aggregate(self, call, arguments, where)
        finally:
            self._calls.pop()


def _widened(text: str, source: DataType, target: DataType) -> str:
    if plain(source) is target or (source in STRINGS and target in STRINGS):
        return text
    return f"CAST({text} AS {storage(target)})"
