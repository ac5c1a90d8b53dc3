"""Comparisons, three-valued logic, IN, LIKE, RLIKE and IS NULL."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.patterns import like_sql, rlike_sql
from remedyd.offline.functions.signature import (
    Emitter,
    Function,
    Parameter,
    anything,
    booleans,
    gives,
    strings,
    template,
)
from remedyd.offline.plan import Call, Constant, Expression
from remedyd.offline.types import COUNTERS, DATES, NUMERIC, REPRESENTABLE, DataType, promoted

_SYMBOLS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ANY = Parameter("operand", REPRESENTABLE, "any type except counter types")
_ORDERED = Parameter(
    "operand",
    REPRESENTABLE - {DataType.BOOLEAN},
    "date_nanos, datetime, ip, keyword, numeric, text or version",
)


def compared_as(types: Sequence[DataType]) -> DataType:
    """Return the type in which values are compared: the wider number, nanoseconds for dates."""
    known = [item for item in types if item is not DataType.NULL]
    widest = known[0] if known else DataType.NULL
    for item in known[1:]:
        if item in NUMERIC and widest in NUMERIC:
            widest = promoted(widest, item)
        elif item in DATES and widest in DATES and item is not widest:
            widest = DataType.DATE_NANOS
    return widest


def _compare(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    kind = compared_as([argument.type for argument in call.arguments])
    left, right = (emitter.emit_as(argument, kind) for argument in call.arguments)
    return f"({left} {_SYMBOLS[call.function.name]} {right})"


def _in(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    value, *items = call.arguments
    kind = compared_as([argument.type for argument in call.arguments])
    listed = ", ".join(emitter.emit_as(item, kind) for item in items)
    return f"({emitter.emit_as(value, kind)} IN ({listed}))"


def _patterns(arguments: Sequence[Expression]) -> list[str]:
    return [str(item.value) for item in arguments if isinstance(item, Constant)]


def _like(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    tests = [like_sql(arguments[0], pattern) for pattern in _patterns(call.arguments[1:])]
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def _rlike(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    tests = [rlike_sql(arguments[0], pattern) for pattern in _patterns(call.arguments[1:])]
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def _logic(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    left, right = (emitter.emit_as(argument, DataType.BOOLEAN) for argument in call.arguments)
    return f"({left} {call.function.name} {right})"


_BOOLEAN = gives(DataType.BOOLEAN)
_PATTERN = strings("pattern", variadic=True, constant=True)
_NULLABLE = Parameter("value", REPRESENTABLE | COUNTERS, "any type")

FUNCTIONS = (
    *(Function(op, (_ANY, _ANY), _BOOLEAN, _compare, topic="operator") for op in ("==", "!=")),
    *(
        Function(op, (_ORDERED, _ORDERED), _BOOLEAN, _compare, topic="operator")
        for op in ("<", "<=", ">", ">=")
    ),
    *(
        Function(
            name,
            (booleans("operand"), booleans("operand")),
            _BOOLEAN,
            _logic,
            topic="operator",
            strict=False,
        )
        for name in ("AND", "OR")
    ),
    Function("NOT", (booleans("operand"),), _BOOLEAN, template("(NOT {0})"), topic="operator"),
    Function(
        "IN",
        (_ANY, anything("item", variadic=True)),
        _BOOLEAN,
        _in,
        topic="operator",
        strict=False,
    ),
    Function("LIKE", (strings("value"), _PATTERN), _BOOLEAN, _like, topic="operator"),
    Function("RLIKE", (strings("value"), _PATTERN), _BOOLEAN, _rlike, topic="operator"),
    Function(
        "IS NULL",
        (_NULLABLE,),
        _BOOLEAN,
        template("({0} IS NULL)"),
        topic="operator",
        whole=True,
        strict=False,
    ),
    Function(
        "IS NOT NULL",
        (_NULLABLE,),
        _BOOLEAN,
        template("({0} IS NOT NULL)"),
        topic="operator",
        whole=True,
        strict=False,
    ),
)
