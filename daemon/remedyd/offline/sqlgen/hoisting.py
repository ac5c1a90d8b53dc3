"""Splitting nested expressions into columns of their own.

A computation that may fail names its operands several times in SQL. Nested, the text would
grow exponentially, so an operand that is itself a computation becomes a hidden column of the
step before. Arguments of CASE and COALESCE stay where they are: they are evaluated for some
rows only, and what is not evaluated must not warn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

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
            return Filter(self._inside(step.condition)[0])
        if isinstance(step, Order):
            return Order(tuple(replace(key, value=self._inside(key.value)[0]) for key in step.keys))
        if isinstance(step, Aggregate):
            groups = tuple(self._definition(item) for item in step.groups)
            aggregates = tuple(self._definition(item) for item in step.aggregates)
            return replace(step, groups=groups, aggregates=aggregates)
        return step

    def _definition(self, definition: Definition) -> Definition:
        return Definition(definition.column, self._inside(definition.value)[0])

    def _inside(self, expression: Expression) -> tuple[Expression, int]:
        """Rewrite below an expression; return it and the layer it can be computed after."""
        if isinstance(expression, AggregateCall):
            return self._aggregate(expression), 0
        if not isinstance(expression, Call) or expression.function.lazy:
            return expression, 0
        arguments, depth = [], 0
        for argument in expression.arguments:
            rewritten, below = self._inside(argument)
            repeated = expression.function.repeats or (
                argument.multi and not expression.function.whole
            )
            if repeated and not isinstance(rewritten, Reference | Constant | Span):
                rewritten, below = self._column(rewritten, below), below + 1
            arguments.append(rewritten)
            depth = max(depth, below)
        return replace(expression, arguments=tuple(arguments)), depth

    def _aggregate(self, call: AggregateCall) -> AggregateCall:
        arguments = []
        for argument in call.arguments:
            rewritten, below = self._inside(argument)
            if not isinstance(rewritten, Reference | Constant | Span):
                rewritten = self._column(rewritten, below)
            arguments.append(rewritten)
        condition = call.condition
        if condition is not None:
            condition, _ = self._inside(condition)
        return replace(call, arguments=tuple(arguments), condition=condition)

    def _column(self, expression: Expression, layer: int) -> Reference:
        """Compute an expression in a layer and return a reference to it."""
        self._count += 1
        name = f"~{self._count}"
        column = Column(name, name, expression.type, expression.multi)
        while len(self._layers) <= layer:
            self._layers.append([])
        self._layers[layer].append(Definition(column, expression))
        return Reference(expression.type, expression.multi, expression.node, column)
