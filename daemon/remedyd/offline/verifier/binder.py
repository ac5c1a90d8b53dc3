"""Turning expressions as written into typed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from remedyd.offline import nodes
from remedyd.offline.functions import FUNCTIONS, OPERATORS, Function, Kind, lookup, suggestions
from remedyd.offline.functions.aggregates import BY_TIME
from remedyd.offline.functions.patterns import lucene_operator, regex_mistake
from remedyd.offline.functions.refused import REFUSED
from remedyd.offline.nodes import walk
from remedyd.offline.plan import (
    AggregateCall,
    Call,
    Column,
    Constant,
    Expression,
    Reference,
    Span,
)
from remedyd.offline.types import COUNTERS, NUMERIC, DataType, common
from remedyd.offline.verifier.casts import ELSEWHERE, FUNCTION_OF, KNOWN
from remedyd.offline.verifier.checking import check_arguments, check_arity, compatible
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.folding import folded
from remedyd.offline.verifier.literals import READABLE, array, literal, read_as, time_span
from remedyd.offline.verifier.problems import ORDINALS, conflict_text
from remedyd.offline.verifier.special import HANDLERS, timestamp
from remedyd.offline.verifier.unions import converted


class Binder:
    """Binds expressions in the current scope.

    `groups` is None outside STATS. Inside, aggregate functions are allowed, and a column
    outside of one must be among the groups, by name; `grouped` are the groups as written.
    `grouping` is set in BY, where BUCKET belongs. `filtered` is the text of the aggregation whose
    WHERE is bound, `time_series` is set in the STATS of TS, where counters may be aggregated as
    their last value.
    """

    def __init__(
        self,
        context: Context,
        *,
        groups: Mapping[str, Column] | None = None,
        grouped: Mapping[nodes.Node, Column] | None = None,
        condition: Expression | None = None,
        grouping: bool = False,
        filtered: str = "",
        time_series: bool = False,
    ) -> None:
        self.context = context
        self.reporter = context.reporter
        self.groups = groups
        self.grouped = grouped or {}
        self.condition = condition
        self.grouping = grouping
        self.filtered = filtered
        self.time_series = time_series
        self.aggregate: str | None = None
        self._handlers: dict[type[nodes.Expression], Callable[..., Expression]] = {
            nodes.Literal: literal,
            nodes.ArrayLiteral: array,
            nodes.TimeSpan: lambda node: time_span(node, node.amount, node.unit),
            nodes.Parameter: context.parameters.value,
            nodes.Column: self._column,
            nodes.FunctionCall: self._function,
            nodes.Unary: self._unary,
            nodes.Binary: self._binary,
            nodes.InList: self._in_list,
            nodes.PatternMatch: self._pattern_match,
            nodes.IsNull: self._is_null,
            nodes.Cast: self._cast,
        }

    def bind(self, node: nodes.Expression) -> Expression:
        """Return the typed expression; raises EsqlError at the mistake."""
        handler = self._handlers.get(type(node))
        if handler is None:
            raise self.reporter.error(node, f"invalid use of [{self.reporter.text(node)}]")
        return handler(node)

    def condition_of(self, node: nodes.Expression) -> Expression:
        """Return a WHERE condition, which must be boolean or null."""
        bound = self.bind(node)
        bound = read_as(bound, {DataType.BOOLEAN}, self.reporter)
        if bound.type not in {DataType.BOOLEAN, DataType.NULL}:
            label = bound.type.label.upper()
            reason = f"Condition expression needs to be boolean, found [{label}]"
            raise self.reporter.error(node, reason)
        return bound

    # --- columns ---------------------------------------------------------------------------

    def _column(self, node: nodes.Column) -> Expression:
        name = node.name
        scope = self.context.scope
        if self.groups is not None and self.aggregate is None:
            if name in self.groups:
                return self._reference(self.groups[name], node)
            if name in scope.columns:
                raise self.reporter.error(node, self._misused(name))
        column = scope.columns.get(name)
        if column is None:
            if self.context.missing(name):
                return Constant(DataType.NULL, multi=False, node=node, value=None)
            raise self.reporter.unknown_column(node, name, scope.columns)
        return self._reference(column, node)

    def _misused(self, name: str) -> str:
        for written in self.grouped:
            if any(isinstance(item, nodes.Column) and item.name == name for item in walk(written)):
                key = self.reporter.text(written)
                return (
                    f"column [{name}] cannot be used as an aggregate once declared in the STATS "
                    f"BY grouping key [{key}]"
                )
        return (
            f"column [{name}] must appear in the STATS BY clause or be used in an "
            "aggregate function"
        )

    def _reference(self, column: Column, node: nodes.Node) -> Expression:
        if column.type is DataType.UNSUPPORTED:
            raise self.reporter.error(node, conflict_text(column))
        reference = Reference(column.type, column.multi, node, column)
        if self.time_series and self.aggregate and column.type in NUMERIC | COUNTERS:
            last = FUNCTIONS["LAST_OVER_TIME"]
            kind = last.returns([column.type])
            return AggregateCall(kind, False, node, last, (reference,))
        return reference

    # --- operators -------------------------------------------------------------------------

    def _unary(self, node: nodes.Unary) -> Expression:
        if node.operator is nodes.UnaryOperator.NOT:
            return self._apply(OPERATORS["NOT"], [self.bind(node.operand)], node)
        operand = self.bind(node.operand)
        if isinstance(operand, Span):
            return replace(
                operand,
                months=-operand.months,
                days=-operand.days,
                milliseconds=-operand.milliseconds,
            )
        return self._apply(OPERATORS["neg"], [operand], node)

    def _binary(self, node: nodes.Binary) -> Expression:
        left, right = self.bind(node.left), self.bind(node.right)
        return self._apply(OPERATORS[node.operator.value], [left, right], node)

    def _in_list(self, node: nodes.InList) -> Expression:
        value = self.bind(node.value)
        wanted = {value.type} & READABLE
        items = [read_as(self.bind(item), wanted, self.reporter) for item in node.items]
        for index, item in enumerate(items):
            types = {value.type, item.type} - {DataType.NULL}
            mixed = DataType.UNSIGNED_LONG in types and len(types) > 1
            if mixed or not compatible(value.type, item.type):
                place = {0: "1st", 1: "2nd", 2: "3rd"}.get(index, f"{index + 1}th")
                text = self.reporter.text(node)
                reason = f"{place} argument of [{text}] must be [{value.type.label}], found value "
                found = f"[{self.reporter.text(item.node)}] type [{item.type.label}]"
                raise self.reporter.error(node, reason + found)
        return self._negated(self._apply(OPERATORS["IN"], [value, *items], node), node.negated)

    def _pattern_match(self, node: nodes.PatternMatch) -> Expression:
        patterns = [self.bind(pattern) for pattern in node.patterns]
        for pattern in patterns:
            if node.kind is nodes.MatchKind.RLIKE and isinstance(pattern, Constant):
                self._check_regex(node, pattern)
        match = self._apply(OPERATORS[node.kind.value], [self.bind(node.value), *patterns], node)
        return self._negated(match, node.negated)

    def _check_regex(self, node: nodes.Node, pattern: Constant) -> None:
        text = str(pattern.value)
        operator = lucene_operator(text)
        if operator is not None:
            raise self.reporter.unsupported(
                pattern.node, f"RLIKE operator {operator}", hint="escape it, or use LIKE"
            )
        mistake = regex_mistake(text)
        if mistake:
            reason = f"Invalid pattern for RLIKE [{text}]: [{mistake}]"
            raise self.reporter.error(node, reason, kind="parsing_exception")

    def _is_null(self, node: nodes.IsNull) -> Expression:
        name = "IS NOT NULL" if node.negated else "IS NULL"
        return self._apply(OPERATORS[name], [self.bind(node.value)], node)

    def _negated(self, expression: Expression, negated: bool) -> Expression:
        if not negated:
            return expression
        return Call(DataType.BOOLEAN, False, expression.node, OPERATORS["NOT"], (expression,))

    def _cast(self, node: nodes.Cast) -> Expression:
        name = FUNCTION_OF.get(node.type_name)
        if node.type_name in ELSEWHERE:
            raise self.reporter.unsupported(node, f"conversion to {node.type_name}")
        if name is None or lookup(name, self.context.stack) is None:
            reason = f"Unknown data type named [{node.type_name}]"
            if node.type_name in KNOWN:
                reason = f"Unsupported conversion to type [{node.type_name.upper()}]"
            raise self.reporter.error(node, reason, kind="parsing_exception")
        return self._function(nodes.FunctionCall(node.span, name, (node.value,)))

    # --- functions -------------------------------------------------------------------------

    def _function(self, node: nodes.FunctionCall) -> Expression:
        if node.name == "NOW" and not node.arguments:
            return Constant(DataType.DATE, multi=False, node=node, value=self.context.now)
        function = lookup(node.name, self.context.stack)
        if function is None:
            raise self._unknown_function(node)
        if function.kind is Kind.TIME_SERIES:
            return self._time_series(function, node)
        if function.kind is Kind.AGGREGATE:
            return self._aggregate(function, node)
        if function.kind is Kind.GROUPING and not self.grouping:
            if node not in self.grouped:
                raise self._misplaced_group(node)
            if self.aggregate is None:
                return self._reference(self.grouped[node], node)
        check_arity(function, len(node.arguments), node, self.reporter)
        column = converted(function, node, self.context)
        if column is not None:
            return self._reference(column, node)
        arguments = [self.bind(item) for item in node.arguments]
        if function.leading and len(arguments) < len(function.parameters):
            leading = Constant(DataType.KEYWORD, multi=False, node=node, value=function.leading)
            arguments.insert(0, leading)
        special = HANDLERS.get(function.name)
        return special(self, node, arguments) if special else self._apply(function, arguments, node)

    def _misplaced_group(self, node: nodes.FunctionCall) -> Exception:
        text = self.reporter.text(node)
        reason = f"cannot use grouping function [{text}] outside of a STATS command"
        if self.groups is not None:
            reason = f"can only use grouping function [{text}] as part of the BY clause"
        return self.reporter.error(node, reason)

    def _unknown_function(self, node: nodes.FunctionCall) -> Exception:
        if node.name in REFUSED:
            return self.reporter.unsupported(node, node.name)
        name = node.name.lower()
        near = suggestions(node.name, self.context.stack)
        hint = ""
        if near:
            listed = f"[{near[0]}]" if len(near) == 1 else f"any of [{', '.join(near)}]"
            hint = f", did you mean {listed}?"
        return self.reporter.error(node, f"Unknown function [{name}]{hint}")

    def _aggregate(self, function: Function, node: nodes.FunctionCall) -> Expression:
        text = self.reporter.text(node)
        if self.groups is None:
            reason = f"aggregate function [{text}] not allowed outside STATS command"
            if self.grouping:
                reason = f"cannot use an aggregate [{text}] for grouping"
            elif self.filtered:
                reason = f"cannot use aggregate function [{text}] in aggregate WHERE clause "
                reason += f"[{self.filtered}]"
            raise self.reporter.error(node, reason)
        if self.aggregate is not None:
            reason = f"nested aggregations [{text}] not allowed inside other aggregations "
            raise self.reporter.error(node, f"{reason}[{self.aggregate}]")
        starred = len(node.arguments) == 1 and isinstance(node.arguments[0], nodes.Star)
        written = () if starred and function.name == "COUNT" else node.arguments
        check_arity(function, len(written), node, self.reporter)
        self.aggregate = text
        try:
            bound = [self.bind(argument) for argument in written]
        finally:
            self.aggregate = None
        arguments = check_arguments(function, bound, node, self.reporter)
        self._check_values(function, arguments, node)
        data_type = function.returns([argument.type for argument in arguments])
        if function.name in BY_TIME:
            arguments.append(timestamp(self.context, node))
        return AggregateCall(
            data_type, function.gives_multi, node, function, tuple(arguments), self.condition
        )

    def _time_series(self, function: Function, node: nodes.FunctionCall) -> Expression:
        text = self.reporter.text(node)
        if self.groups is None:
            reason = f"aggregate function [{text}] not allowed outside STATS command"
            raise self.reporter.error(node, reason)
        if not self.time_series:
            reason = f"time_series aggregate[{text}] can only be used with the TS command"
            raise self.reporter.error(node, reason)
        outside, self.aggregate, self.time_series = self.aggregate, text, False
        try:
            bound = [self.bind(argument) for argument in node.arguments]
        finally:
            self.aggregate, self.time_series = outside, True
        if len(bound) > 1 and isinstance(bound[-1], Span):
            raise self.reporter.unsupported(bound[-1].node, f"window of {function.name}")
        check_arity(function, len(node.arguments), node, self.reporter)
        arguments = check_arguments(function, bound, node, self.reporter)
        data_type = function.returns([argument.type for argument in arguments])
        return AggregateCall(data_type, False, node, function, tuple(arguments))

    def _apply(
        self, function: Function, given: list[Expression], node: nodes.Expression
    ) -> Expression:
        arguments = check_arguments(function, given, node, self.reporter)
        self._check_values(function, arguments, node)
        types = [argument.type for argument in arguments]
        data_type = function.returns(types)
        if data_type is DataType.UNSUPPORTED:
            raise self._mixed_branches(function, arguments, node)
        constant = folded(function, arguments, data_type, node)
        if constant is not None:
            return constant
        return Call(
            data_type, self._is_multi(function, arguments), node, function, tuple(arguments)
        )

    def _check_values(
        self, function: Function, arguments: list[Expression], node: nodes.Node
    ) -> None:
        beyond = function.limits(arguments) if function.limits else ""
        if beyond:
            raise self.reporter.unsupported(node, beyond)
        refused = function.wrong(arguments, self.reporter.text(node)) if function.wrong else ""
        if refused:
            raise self.reporter.error(node, refused)
        wrong = function.invalid(arguments) if function.invalid else ""
        if wrong:
            raise self.reporter.error(node, wrong, kind="illegal_argument_exception")

    def _is_multi(self, function: Function, arguments: list[Expression]) -> bool:
        if function.gives_multi:
            return True
        if function.name == "CASE":
            values = arguments[1::2] + (arguments[-1:] if len(arguments) % 2 else [])
            return any(value.multi for value in values)
        spreads = function.maps or function.lazy
        return spreads and any(argument.multi for argument in arguments)

    def _mixed_branches(
        self, function: Function, arguments: list[Expression], node: nodes.Expression
    ) -> Exception:
        values = list(enumerate(arguments))
        if function.name == "CASE":
            values = values[1::2] + (values[-1:] if len(values) % 2 else [])
        first = next(item for _, item in values if item.type is not DataType.NULL)
        place, odd = next(pair for pair in values if common([first.type, pair[1].type]) is None)
        where = f"{ORDINALS[min(place, 4)]} argument of [{self.reporter.text(node)}]"
        found = f"found value [{self.reporter.text(odd.node)}] type [{odd.type.label}]"
        return self.reporter.error(node, f"{where} must be [{first.type.label}], {found}")
