"""Splitting nested expressions into columns of their own.

A computation that may fail names its operands several times in SQL. Nested, the text would
grow exponentially, so an operand that is itself a computation becomes a hidden column of the
step before. Arguments of CASE and COALESCE are evaluated for some rows only, and what is not
evaluated must not warn: such a column is guarded by what must hold to reach the argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from remedyd.offline.functions import FUNCTIONS, OPERATORS
from remedyd.offline.plan import (
    Aggregate,
    AggregateCall,
    Call,
    Column,
    Constant,
    Definition,
    Expression,
    Extend,
    Filter,
    Order,
    Reference,
    Span,
    Step,
)
from remedyd.offline.types import DataType


class Hoister:
    """Rewrites steps; hidden columns are named `~1`, `~2`, ..."""

    def __init__(self) -> None:
        self._count = 0
        self._layers: list[list[Definition]] = []

    def steps(self, steps: Sequence[Step]) -> Iterator[Step]:
        """Yield the steps with the hidden columns they need computed before them."""
        for step in steps:
            self._layers = []
            rewritten = self._step(step)
            for layer in self._layers:
                yield Extend(tuple(layer))
            yield rewritten

    def _step(self, step: Step) -> Step:
        if isinstance(step, Extend):
            return Extend(tuple(self._definition(item) for item in step.definitions))
        if isinstance(step, Filter):
            return Filter(self._inside(step.condition, _ALWAYS)[0])
        if isinstance(step, Order):
            return Order(
                tuple(replace(key, value=self._inside(key.value, _ALWAYS)[0]) for key in step.keys)
            )
        if isinstance(step, Aggregate):
            groups = tuple(self._definition(item) for item in step.groups)
            aggregates = tuple(self._definition(item) for item in step.aggregates)
            return replace(step, groups=groups, aggregates=aggregates)
        return step

    def _definition(self, definition: Definition) -> Definition:
        return Definition(definition.column, self._inside(definition.value, _ALWAYS)[0])

    def _inside(self, expression: Expression, guard: Guard) -> tuple[Expression, int]:
        """Rewrite below an expression; return it and the layer it can be computed after."""
        if isinstance(expression, AggregateCall):
            return self._aggregate(expression), 0
        if not isinstance(expression, Call):
            return expression, 0
        if expression.function.lazy:
            return self._lazy(expression, guard)
        arguments, depth = [], 0
        for argument in expression.arguments:
            rewritten, below = self._inside(argument, guard)
            if _repeats(expression, argument) and not _is_brief(rewritten):
                rewritten, below = self._column(rewritten, below, guard)
            arguments.append(rewritten)
            depth = max(depth, below)
        return replace(expression, arguments=tuple(arguments)), depth

    def _lazy(self, call: Call, guard: Guard) -> tuple[Expression, int]:
        """Rewrite the arguments of CASE and COALESCE, each under what must hold to reach it."""
        conditions = call.arguments[:-1:2] if call.function.name == "CASE" else ()
        if not _is_nested(call) or any(condition.multi for condition in conditions):
            return call, 0
        rewrite = self._case if call.function.name == "CASE" else self._coalesce
        arguments, depth = rewrite(call, guard)
        return replace(call, arguments=tuple(arguments)), depth

    def _case(self, call: Call, guard: Guard) -> tuple[list[Expression], int]:
        arguments: list[Expression] = []
        depth, reached, taken = 0, guard, guard
        for index, argument in enumerate(call.arguments):
            is_condition = index % 2 == 0 and index < len(call.arguments) - 1
            within = taken if index % 2 == 1 else reached
            rewritten, below = self._inside(argument, within)
            if is_condition:
                rewritten, below = self._column(rewritten, below, reached)
                taken = reached.and_true(rewritten, below)
                reached = reached.and_not_true(rewritten, below)
            arguments.append(rewritten)
            depth = max(depth, below)
        return arguments, depth

    def _coalesce(self, call: Call, guard: Guard) -> tuple[list[Expression], int]:
        arguments: list[Expression] = []
        depth = 0
        for argument in call.arguments:
            rewritten, below = self._inside(argument, guard)
            if not isinstance(rewritten, _SIMPLE):
                rewritten, below = self._column(rewritten, below, guard)
            guard = guard.and_null(rewritten, below)
            arguments.append(rewritten)
            depth = max(depth, below)
        return arguments, depth

    def _aggregate(self, call: AggregateCall) -> AggregateCall:
        arguments = []
        for argument in call.arguments:
            rewritten, below = self._inside(argument, _ALWAYS)
            if not isinstance(rewritten, _SIMPLE):
                rewritten, _ = self._column(rewritten, below, _ALWAYS)
            arguments.append(rewritten)
        condition = call.condition
        if condition is not None:
            condition, _ = self._inside(condition, _ALWAYS)
        return replace(call, arguments=tuple(arguments), condition=condition)

    def _column(self, expression: Expression, layer: int, guard: Guard) -> tuple[Reference, int]:
        """Compute an expression in a layer, where the guard holds; return it and the next layer."""
        self._count += 1
        name = f"~{self._count}"
        column = Column(name, name, expression.type, expression.multi)
        layer = max(layer, guard.layer)
        while len(self._layers) <= layer:
            self._layers.append([])
        self._layers[layer].append(Definition(column, guard.around(expression)))
        reference = Reference(expression.type, expression.multi, expression.node, column)
        return reference, layer + 1


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold for an argument to be evaluated, and the layer after which that is known."""

    condition: Expression | None = None
    layer: int = 0

    def around(self, expression: Expression) -> Expression:
        """Return the expression, null where the guard does not hold."""
        if self.condition is None:
            return expression
        arguments = (self.condition, expression)
        return Call(expression.type, expression.multi, expression.node, _CASE, arguments)

    def and_true(self, condition: Expression, layer: int) -> Guard:
        """Return this guard with a condition that must be true."""
        no = Constant(DataType.BOOLEAN, False, condition.node, False)
        return self._and(_boolean("COALESCE", condition, no), layer)

    def and_not_true(self, condition: Expression, layer: int) -> Guard:
        """Return this guard with a condition that must be false or null."""
        no = Constant(DataType.BOOLEAN, False, condition.node, False)
        return self._and(_boolean("NOT", _boolean("COALESCE", condition, no)), layer)

    def and_null(self, value: Expression, layer: int) -> Guard:
        """Return this guard with a value that must be null."""
        return self._and(_boolean("IS NULL", value), layer)

    def _and(self, condition: Expression, layer: int) -> Guard:
        if self.condition is not None:
            condition = _boolean("AND", self.condition, condition)
        return Guard(condition, max(self.layer, layer))


def _boolean(name: str, *arguments: Expression) -> Call:
    function = OPERATORS.get(name) or FUNCTIONS[name]
    return Call(DataType.BOOLEAN, False, arguments[0].node, function, arguments)


def _is_brief(expression: Expression) -> bool:
    """Whether it may be written out several times: it cannot fail, and costs next to nothing."""
    if isinstance(expression, _SIMPLE):
        return True
    if not isinstance(expression, Call) or expression.multi:
        return False
    if any(item.multi or not isinstance(item, _SIMPLE) for item in expression.arguments):
        return False
    name, types = expression.function.name, {item.type for item in expression.arguments}
    whole = types <= {DataType.DATE, DataType.INTEGER, DataType.LONG}
    return name in _COMPARISONS or (name == "TO_LONG" and whole)


def _repeats(call: Call, argument: Expression) -> bool:
    return call.function.repeats or (argument.multi and not call.function.whole)


def _is_nested(call: Call) -> bool:
    """Whether a computation below would be written out more than once."""
    for argument in call.arguments:
        if not isinstance(argument, Call):
            continue
        inner = any(isinstance(item, Call) for item in argument.arguments)
        if (inner and argument.function.repeats) or _is_nested(argument):
            return True
    return False


_ALWAYS = Guard()
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "IS NULL", "IS NOT NULL"})
_CASE = FUNCTIONS["CASE"]
_SIMPLE = (Reference, Constant, Span)
