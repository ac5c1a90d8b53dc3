"""Constants computed before the query runs.

Only what keeps a time range visible to the storage layer is folded here (conversions of
constants, dates moved by a span, negative numbers); DuckDB folds the rest.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import timedelta

from remedyd.offline.functions import Function
from remedyd.offline.functions.moments import from_millis, millis
from remedyd.offline.nodes import Node
from remedyd.offline.plan import Constant, Expression, Span
from remedyd.offline.types import INTEGERS, DataType


def folded(
    function: Function, arguments: Sequence[Expression], data_type: DataType, node: Node
) -> Expression | None:
    """Return the constant a call amounts to, or None when it must be computed per row."""
    if function.name in "+-" and len(arguments) == 2:
        return _moved(function.name, arguments, data_type, node)
    if any(argument.multi or not isinstance(argument, Constant) for argument in arguments):
        return None
    constants = [argument for argument in arguments if isinstance(argument, Constant)]
    if function.name == "neg":
        return _negated(constants[0], node)
    if function.fold is None:
        return None
    scalars = [item.value for item in constants if not isinstance(item.value, tuple)]
    value = function.fold(scalars, [item.type for item in constants])
    if value is None:
        return None
    return Constant(data_type, multi=False, node=node, value=value)


def _negated(operand: Constant, node: Node) -> Constant | None:
    value = operand.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    limit = 2**31 if operand.type is DataType.INTEGER else 2**63
    if operand.type in INTEGERS and not -limit < value:
        return None
    return Constant(operand.type, multi=False, node=node, value=-value)


def _moved(
    operator: str, arguments: Sequence[Expression], data_type: DataType, node: Node
) -> Expression | None:
    left, right = arguments
    sign = 1 if operator == "+" else -1
    if isinstance(left, Span) and isinstance(right, Span):
        return Span(
            left.type,
            multi=False,
            node=node,
            months=left.months + sign * right.months,
            days=left.days + sign * right.days,
            milliseconds=left.milliseconds + sign * right.milliseconds,
        )
    date, span = (right, left) if isinstance(left, Span) else (left, right)
    if data_type is not DataType.DATE or not isinstance(span, Span):
        return None
    if not isinstance(date, Constant) or not isinstance(date.value, int):
        return None
    try:
        return moved(operator, date, span, node)
    except (OverflowError, ValueError):
        return None


def moved(operator: str, date: Constant, span: Span, node: Node) -> Constant:
    """Return a date moved by a span; a day that its month lacks becomes the month's last.

    Raises OverflowError or ValueError beyond the years 1 to 9999.
    """
    assert isinstance(date.value, int)
    sign = 1 if operator == "+" else -1
    moment = from_millis(date.value)
    months = moment.year * 12 + moment.month - 1 + sign * span.months
    year, month = months // 12, months % 12 + 1
    day = min(moment.day, monthrange(year, month)[1])
    moment = moment.replace(year=year, month=month, day=day)
    moment += timedelta(days=span.days, milliseconds=span.milliseconds) * sign
    return Constant(DataType.DATE, multi=False, node=node, value=millis(moment))
