"""Values of literals: which type a number gets, and what a time span means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.nodes import Literal, LiteralType, TimeSpan

if TYPE_CHECKING:
    from remedyd.offline.parser.cursor import Cursor
    from remedyd.offline.source import Span

_INTEGER_MAX = 2**31 - 1
_LONG_MAX = 2**63 - 1
_UNSIGNED_MAX = 2**64 - 1

# Longer digit strings cannot fit 64 bits, so they are never turned into Python integers.
_MAX_DIGITS = 20

_UNITS = {
    "millisecond": "milliseconds ms",
    "second": "seconds sec s",
    "minute": "minutes min m",
    "hour": "hours h",
    "day": "days d",
    "week": "weeks w",
    "month": "months mo",
    "quarter": "quarters q",
    "year": "years yr y",
}
_UNIT_OF = {
    spelling: unit for unit, others in _UNITS.items() for spelling in (unit, *others.split())
}


def integer_literal(cursor: Cursor, digits: str, sign: str, span: Span) -> Literal:
    """A whole number in the narrowest type that holds it; beyond 64 bits it is a double."""
    significant = digits.lstrip("0") or "0"
    if len(significant) > _MAX_DIGITS:
        return decimal_literal(cursor, digits, sign, span)
    value = -int(significant) if sign == "-" else int(significant)
    if -_INTEGER_MAX - 1 <= value <= _INTEGER_MAX:
        return Literal(span, value, LiteralType.INTEGER)
    if -_LONG_MAX - 1 <= value <= _LONG_MAX:
        return Literal(span, value, LiteralType.LONG)
    if 0 <= value <= _UNSIGNED_MAX:
        return Literal(span, value, LiteralType.UNSIGNED_LONG)
    return decimal_literal(cursor, digits, sign, span)


def decimal_literal(cursor: Cursor, written: str, sign: str, span: Span) -> Literal:
    """A double; one beyond its range is an error, as in Elasticsearch."""
    value = float(written)
    if value == float("inf"):
        raise cursor.error(f"Number [{sign}{written}] is too large", span.start)
    return Literal(span, -value if sign == "-" else value, LiteralType.DOUBLE)


def time_span(cursor: Cursor, amount: Literal, unit: str, span: Span) -> TimeSpan:
    """`15 minutes`: a whole 64-bit amount of a known unit, whatever its case."""
    canonical = _UNIT_OF.get(unit.lower()) if unit.isascii() else None
    if canonical is None:
        known = ", ".join(_UNITS)
        raise cursor.error(
            f"Unexpected temporal unit: '{unit}'", span.start, hint=f"units are {known}"
        )
    if amount.type not in (LiteralType.INTEGER, LiteralType.LONG):
        raise cursor.error(f"Number [{amount.value}] is too large for a time span", span.start)
    assert isinstance(amount.value, int)
    return TimeSpan(span, amount.value, canonical)


def widened(items: list[Literal]) -> tuple[Literal, ...]:
    """Numbers of one array in the widest type among them."""
    order = (
        LiteralType.INTEGER,
        LiteralType.LONG,
        LiteralType.UNSIGNED_LONG,
        LiteralType.DOUBLE,
    )
    types = {item.type for item in items}
    if len(types) == 1 or not types <= set(order):
        return tuple(items)
    widest = max(types, key=order.index)
    return tuple(Literal(item.span, _as(item.value, widest), widest) for item in items)


def _as(value: object, kind: LiteralType) -> int | float:
    assert isinstance(value, int | float)
    return float(value) if kind is LiteralType.DOUBLE else value
