"""Arithmetic that never fails a query: overflow and division by zero give null and a warning."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.signature import Emitter, Function, Parameter
from remedyd.offline.plan import AggregateCall, Call, Constant, Expression, Span
from remedyd.offline.types import DATES, NUMERIC, PLAIN_NUMERIC, SPANS, DataType, promoted, storage

ZERO = "java.lang.ArithmeticException: / by zero"
NOT_FINITE = "java.lang.ArithmeticException: not a finite double number: {}"


def overflow(data_type: DataType) -> str:
    """Return the exception Elasticsearch reports for a result out of range."""
    return f"java.lang.ArithmeticException: {data_type.value} overflow"


def _result(types: Sequence[DataType]) -> DataType:
    left, right = types
    for data_type in (left, right):
        if data_type in DATES:
            return data_type
    if left is DataType.NULL or right is DataType.NULL:
        other = right if left is DataType.NULL else left
        return DataType.NULL if other in SPANS else other
    if left in SPANS:
        return left
    return promoted(left, right)


def finite(emitter: Emitter, call: Call | AggregateCall, value: str) -> str:
    """Give null with a warning where a double is infinite or not a number."""
    shown = (
        f"CASE WHEN isnan({value}) THEN 'NaN' WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END"
    )
    note = emitter.note(call, f"NOT isfinite({value})", NOT_FINITE, shown=shown)
    return f"esql_finite({value}, {note})"


def _arithmetic(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    if call.type in DATES:
        return _shift_date(call, arguments)
    left, right = (emitter.emit_as(argument, call.type) for argument in call.arguments)
    symbol = call.function.name
    if symbol in "/%":
        return _divide(emitter, call, left, right)
    if call.type is DataType.DOUBLE:
        return finite(emitter, call, f"({left} {symbol} {right})")
    bounded = "" if call.type is DataType.LONG else _bounded(emitter, call, left, right)
    if bounded:
        return bounded
    value = f"({wider(left, call.type)} {symbol} {wider(right, call.type)})"
    if call.type is not DataType.LONG or any(item.multi for item in call.arguments):
        return tried(emitter, call, value, (left, right))  # TRY takes no note of several values
    present = f"{left} IS NOT NULL AND {right} IS NOT NULL"
    failed = f"TRY_CAST({value} AS BIGINT) IS NULL AND {present}"
    note = emitter.note(call, failed, overflow(call.type))
    return f"esql_long_{_NAMES[symbol]}({left}, {right}, {note})"


_NAMES = {"+": "sum", "-": "difference", "*": "product"}


def _bounded(emitter: Emitter, call: Call, left: str, right: str) -> str:
    """Return whole-number arithmetic with a constant: a comparison says what would overflow.

    Empty when no operand is a constant, or the type has no plain range.
    """
    first, second = call.arguments
    symbol, limits = call.function.name, RANGES.get(call.type)
    if limits is None:
        return ""
    if isinstance(second, Constant) and isinstance(second.value, int):
        operand, bounds = left, safe_range(symbol, second.value, limits)
    elif isinstance(first, Constant) and isinstance(first.value, int):
        operand = right
        if symbol == "-":
            bounds = first.value - limits[1], first.value - limits[0]
        else:
            bounds = safe_range(symbol, first.value, limits)
    else:
        return ""
    low, high = max(bounds[0], limits[0]), min(bounds[1], limits[1])
    value = f"({left} {symbol} {right})"
    inside = f"{operand} BETWEEN {low} AND {high}"
    note = emitter.note(call, f"NOT ({inside})", overflow(call.type))
    return f"CASE WHEN {inside} THEN {value} WHEN {operand} IS NOT NULL THEN {note} END"


def safe_range(symbol: str, constant: int, limits: tuple[int, int]) -> tuple[int, int]:
    """Return the operands x for which `x symbol constant` stays within the limits."""
    low, high = limits
    if symbol == "+":
        return low - constant, high - constant
    if symbol == "-":
        return low + constant, high + constant
    if constant == 0:
        return limits
    if constant < 0:
        low, high = high, low
    return -(-low // constant), high // constant


RANGES = {
    DataType.INTEGER: (-(2**31), 2**31 - 1),
    DataType.LONG: (-(2**63), 2**63 - 1),
}


def wider(text: str, data_type: DataType) -> str:
    """Return a whole number in a type in which one operation cannot overflow."""
    return f"CAST({text} AS {'BIGINT' if data_type is DataType.INTEGER else 'HUGEINT'})"


def tried(emitter: Emitter, call: Call, value: str, inputs: Sequence[str]) -> str:
    """Narrow a wider result to the call's type: null with an overflow warning if it cannot be."""
    attempt = f"TRY_CAST({value} AS {storage(call.type)})"
    present = " AND ".join(f"{item} IS NOT NULL" for item in inputs)
    note = emitter.note(call, f"{attempt} IS NULL AND {present}", overflow(call.type))
    return f"coalesce({attempt}, CASE WHEN {present} THEN {note} END)"


def _is_nonzero_constant(expression: Expression) -> bool:
    return isinstance(expression, Constant) and expression.value not in (0, -1, None)


def _divide(emitter: Emitter, call: Call, left: str, right: str) -> str:
    symbol = call.function.name
    if call.type is DataType.DOUBLE:
        value = f"({left} {symbol} {right})"
        return f"esql_finite({value}, {emitter.note(call, f'NOT isfinite({value})', ZERO)})"
    value = f"({left} {'//' if symbol == '/' else '%'} {right})"
    if _is_nonzero_constant(call.arguments[1]):
        return value
    failed = f"{right} = 0 AND {left} IS NOT NULL"
    note = emitter.note(call, failed, ZERO)
    negated = f"coalesce(TRY_CAST(-{wider(left, call.type)} AS {storage(call.type)}), {left})"
    by_minus_one = negated if symbol == "/" else f"({left} - {left})"
    return f"CASE WHEN {failed} THEN {note} WHEN {right} = -1 THEN {by_minus_one} ELSE {value} END"


def interval(span: Span) -> str:
    """Return the SQL of a time span."""
    parts = []
    if span.months:
        parts.append(f"to_months({span.months})")
    if span.days:
        parts.append(f"to_days({span.days})")
    if span.milliseconds or not parts:
        parts.append(f"to_milliseconds({span.milliseconds})")
    return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"


def shifted(moment: str, symbol: str, span: Span, data_type: DataType) -> str:
    """Return the SQL of a date moved by a span; nanoseconds survive."""
    if data_type is DataType.DATE:
        return f"({moment} {symbol} {interval(span)})"
    moved = f"epoch_ns(esql_micros({moment}) {symbol} {interval(span)})"
    return f"make_timestamp_ns({moved} + epoch_ns({moment}) % 1000)"


def _shift_date(call: Call, arguments: Sequence[str]) -> str:
    left, right = call.arguments
    moment, span = (arguments[1], left) if isinstance(left, Span) else (arguments[0], right)
    assert isinstance(span, Span)
    return shifted(moment, call.function.name, span, call.type)


def _negate(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    if call.type is DataType.DOUBLE:
        return f"(-{arguments[0]})"
    return tried(emitter, call, f"(-{wider(arguments[0], call.type)})", arguments)


_OPERANDS = Parameter("operand", NUMERIC | DATES | SPANS, "date_nanos, datetime or numeric")
_NUMBERS = Parameter("operand", NUMERIC, "numeric")
_SIGNED = Parameter("operand", PLAIN_NUMERIC, "numeric, date_period or time_duration")


def _operator(name: str, operand: Parameter) -> Function:
    operands = (operand, operand)
    return Function(name, operands, _result, _arithmetic, topic="operator", repeats=True)


FUNCTIONS = (
    *(_operator(name, _OPERANDS) for name in "+-"),
    *(_operator(name, _NUMBERS) for name in "*/%"),
    Function("neg", (_SIGNED,), lambda types: types[0], _negate, topic="operator", repeats=True),
)
