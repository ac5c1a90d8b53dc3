"""Conditions restated as ranges that let the storage layer skip what cannot match.

`DATE_DIFF("minutes", @timestamp, NOW()) <= 15` computes on every row of history. Counted in
whole elapsed units it is true exactly for `@timestamp > NOW() - 16 minutes`.
"""

from __future__ import annotations

from remedyd.offline.functions.dates import UNITS
from remedyd.offline.plan import Call, Constant, Expression, Reference
from remedyd.offline.types import DataType

_MILLISECONDS = {
    "week": 604_800_000,
    "day": 86_400_000,
    "hour": 3_600_000,
    "minute": 60_000,
    "second": 1000,
}
_MIRRORED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}
_INTEGER_MAX = 2**31 - 1


def as_range(call: Call) -> tuple[Reference, int, int] | None:
    """Return (column, low, high) for a condition that is true just for low < column < high.

    The bounds are milliseconds since 1970; None when the condition has no such form.
    """
    operator = call.function.name
    if operator not in _MIRRORED:
        return None
    left, right = call.arguments
    if isinstance(left, Constant):
        left, right, operator = right, left, _MIRRORED[operator]
    parts = _elapsed(left)
    if parts is None or not isinstance(right, Constant) or isinstance(right.value, bool):
        return None
    if operator not in {"<=", "<"} or not isinstance(right.value, int):
        return None
    units = right.value + (operator == "<=")
    column, now, unit = parts
    if not 0 < units <= _INTEGER_MAX:
        return None
    return column, now - units * unit, now + (_INTEGER_MAX + 1) * unit


def _elapsed(expression: Expression) -> tuple[Reference, int, int] | None:
    if not isinstance(expression, Call) or expression.function.name != "DATE_DIFF":
        return None
    unit, start, end = expression.arguments
    if not isinstance(unit, Constant) or not isinstance(start, Reference):
        return None
    if start.type is not DataType.DATE or start.multi or end.type is not DataType.DATE:
        return None
    width = _MILLISECONDS.get(UNITS[str(unit.value).lower()])
    if width is None or not isinstance(end, Constant) or not isinstance(end.value, int):
        return None
    return start, end.value, width
