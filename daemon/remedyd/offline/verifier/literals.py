"""Constants: literals as written, and strings read as the date or span that is wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable

from remedyd.offline import nodes
from remedyd.offline.functions.moments import ISO, parse_millis, parse_nanos
from remedyd.offline.keys import ip_key, version_key
from remedyd.offline.plan import Constant, Expression, Span
from remedyd.offline.types import DATES, NUMERIC, SPANS, DataType, common
from remedyd.offline.verifier.problems import Reporter

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_MILLISECONDS = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000}
_UNITS = {
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), "millisecond"),
    **dict.fromkeys(("second", "seconds", "sec", "s"), "second"),
    **dict.fromkeys(("minute", "minutes", "min", "m"), "minute"),
    **dict.fromkeys(("hour", "hours", "h"), "hour"),
    **dict.fromkeys(("day", "days", "d"), "day"),
    **dict.fromkeys(("week", "weeks", "w"), "week"),
    **dict.fromkeys(("month", "months", "mo"), "month"),
    **dict.fromkeys(("quarter", "quarters", "q"), "quarter"),
    **dict.fromkeys(("year", "years", "yr", "y"), "year"),
}


def literal(node: nodes.Literal) -> Constant:
    """Return the constant of a literal."""
    return Constant(DataType(node.type.value), multi=False, node=node, value=node.value)


def array(node: nodes.ArrayLiteral) -> Constant:
    """Return the multivalue of an array; one of a single value is that value."""
    data_type = common([DataType(item.type.value) for item in node.items]) or DataType.NULL
    values = tuple(item.value for item in node.items)
    if data_type is DataType.DOUBLE:
        values = tuple(float(value) for value in values if isinstance(value, int | float))
    if len(values) == 1:
        return Constant(data_type, multi=False, node=node, value=values[0])
    return Constant(data_type, multi=True, node=node, value=values)


def time_span(node: nodes.Node, amount: int, unit: str) -> Span:
    """Return the span of an amount of one unit (canonical singular)."""
    if unit in _MILLISECONDS:
        milliseconds = amount * _MILLISECONDS[unit]
        return Span(DataType.TIME_DURATION, multi=False, node=node, milliseconds=milliseconds)
    months, days = amount * _MONTHS.get(unit, 0), amount * _DAYS.get(unit, 0)
    return Span(DataType.DATE_PERIOD, multi=False, node=node, months=months, days=days)


def _span_from(text: str, node: nodes.Node) -> Span | None:
    amount, _, unit = text.strip().partition(" ")
    canonical = _UNITS.get(unit.strip().lower())
    if canonical is None or not amount.lstrip("-").isdigit():
        return None
    return time_span(node, int(amount), canonical)


def is_text(expression: Expression) -> bool:
    """Whether an expression is a constant string."""
    return isinstance(expression, Constant) and expression.type is DataType.KEYWORD


def read_as(expression: Expression, wanted: Iterable[DataType], reporter: Reporter) -> Expression:
    """Return a constant string read as the wanted type; anything else unchanged.

    Elasticsearch does so wherever a string is written where a date or a span belongs.
    """
    targets = [item for item in _ORDER if item in wanted]
    if not targets or not isinstance(expression, Constant) or not is_text(expression):
        return expression
    if isinstance(expression.value, tuple):
        return expression
    text = str(expression.value)
    if set(targets) <= SPANS:
        span = _span_from(text, expression.node)
        if span is not None and span.type in targets:
            return span
        target = targets[0]
        detail = f"Cannot parse [{text}] to {target.value.upper()}"
        raise _cannot_convert(expression, text, target, detail, reporter)
    return _constant_as(expression, text, targets[0], reporter)


READABLE = DATES | {DataType.BOOLEAN, DataType.IP, DataType.VERSION}
"""Types as which a string is read when it is compared with one."""

_ORDER = (
    DataType.DATE,
    DataType.DATE_NANOS,
    DataType.DATE_PERIOD,
    DataType.TIME_DURATION,
    DataType.BOOLEAN,
    DataType.IP,
    DataType.VERSION,
    DataType.DOUBLE,
    DataType.LONG,
    DataType.INTEGER,
)


def _constant_as(expression: Constant, text: str, target: DataType, reporter: Reporter) -> Constant:
    value: bool | int | float | str | None
    if target in NUMERIC:
        value = _number(text, target)
        detail = f"Cannot parse number [{text}]"
    elif target is DataType.BOOLEAN:
        value = {"true": True, "false": False}.get(text.lower())
        detail = f"Failed to parse value [{text}] as only [true] or [false] are allowed."
    elif target is DataType.IP:
        value = ip_key(text)
        detail = f"'{text}' is not an IP string literal."
    elif target is DataType.VERSION:
        value, detail = version_key(text), ""
    else:
        value = parse_nanos(text) if target is DataType.DATE_NANOS else parse_millis(text)
        detail = f"failed to parse date field [{text}] with format [{ISO}]"
    if value is None:
        raise _cannot_convert(expression, text, target, detail, reporter)
    return Constant(target, multi=False, node=expression.node, value=value)


def _number(text: str, target: DataType) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if target is DataType.DOUBLE else math.floor(number + 0.5)


def _cannot_convert(
    expression: Expression, text: str, target: DataType, detail: str, reporter: Reporter
) -> Exception:
    label = target.label.upper()
    reason = f"Cannot convert string [{text}] to [{label}], error [{detail}]"
    return reporter.error(expression.node, reason)
