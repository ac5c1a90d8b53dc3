"""Mathematical functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from remedyd.offline.functions.arithmetic import finite, tried, wider
from remedyd.offline.functions.signature import (
    Emitter,
    Function,
    Returns,
    Sql,
    gives,
    guarded,
    numbers,
    same,
    whole_numbers,
)
from remedyd.offline.plan import Call, Constant
from remedyd.offline.types import WHOLE, DataType

_DOUBLE = gives(DataType.DOUBLE)


def _as_double(emitter: Emitter, call: Call) -> list[str]:
    return [emitter.emit_as(argument, DataType.DOUBLE) for argument in call.arguments]


def _plain(text: str) -> Sql:
    return lambda emitter, call, _: text.format(*_as_double(emitter, call))


def _finite(text: str) -> Sql:
    return lambda emitter, call, _: finite(emitter, call, text.format(*_as_double(emitter, call)))


def _checked(text: str, failed: str, message: str) -> Sql:
    def sql(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
        arguments = _as_double(emitter, call)
        condition = failed.format(*arguments)
        note = emitter.note(call, condition, f"java.lang.ArithmeticException: {message}")
        return guarded(note, text.format(*arguments), condition)

    return sql


def _whole_or(text: str) -> Sql:
    """Leave whole numbers as they are."""

    def sql(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
        return arguments[0] if call.type in WHOLE else text.format(*arguments)

    return sql


def _absolute(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    if call.type in {DataType.INTEGER, DataType.LONG}:
        return tried(emitter, call, f"abs({wider(arguments[0], call.type)})", arguments)
    return f"abs({arguments[0]})"


def _log(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    *base, value = _as_double(emitter, call)
    failed = " OR ".join(f"{item} <= 0" for item in (*base, value))
    computed = f"ln({value})"
    if base:
        flat = f"{base[0]} = 1 AND {value} > 0"
        message = "java.lang.ArithmeticException: Log of base 1"
        quotient = f"(ln({value}) / ln({base[0]}))"
        computed = guarded(emitter.note(call, flat, message), quotient, flat)
    message = "java.lang.ArithmeticException: Log of non-positive number"
    return guarded(emitter.note(call, failed, message), computed, failed)


def _angle(text: str) -> Sql:
    """Convert each value of a multivalue, unlike the other functions here."""

    def sql(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
        return finite(emitter, call, text.format(f"CAST({arguments[0]} AS DOUBLE)"))

    return sql


def _round(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    value = arguments[0]
    digits = arguments[1] if len(arguments) > 1 else "0"
    if call.type in WHOLE:
        if len(arguments) == 1 or _is_natural(call):
            return value
        scale = f"CAST(pow(10, greatest(-({digits}), 0)) AS HUGEINT)"
        rounded = f"(abs(CAST({value} AS HUGEINT)) + {scale} // 2) // {scale} * {scale}"
        return f"TRY_CAST({rounded} * sign({value}) AS {_storage(call.type)})"
    if len(arguments) == 1:
        return f"round({value})"
    decimals = call.arguments[1].value if isinstance(call.arguments[1], Constant) else None
    exact = isinstance(decimals, int) and 0 <= decimals <= _EXACT_POWER
    return f"esql_round({value}, {f'1e{decimals}' if exact else f'pow(10e0, {digits})'})"


_EXACT_POWER = 22
"""The highest power of ten that a double holds exactly."""


def _is_natural(call: Call) -> bool:
    digits = call.arguments[1]
    return isinstance(digits, Constant) and isinstance(digits.value, int) and digits.value >= 0


def _storage(data_type: DataType) -> str:
    return {DataType.INTEGER: "INTEGER", DataType.LONG: "BIGINT"}.get(data_type, "UBIGINT")


def _function(
    name: str, sql: Sql, *, arity: int = 1, returns: Returns = _DOUBLE, maps: bool = False
) -> Function:
    parameters = tuple(numbers(f"number{index or ''}") for index in range(arity))
    return Function(name, parameters, returns, sql, topic="math", repeats=True, maps=maps)


def _constant(name: str, value: float) -> Function:
    return Function(name, (), _DOUBLE, topic="math", fold=lambda *_: value)


FUNCTIONS = (
    _function("ABS", _absolute, returns=same),
    _function("ACOS", _checked("acos({0})", "abs({0}) > 1", "Acos input out of range")),
    _function("ASIN", _checked("asin({0})", "abs({0}) > 1", "Asin input out of range")),
    _function("ATAN", _plain("atan({0})")),
    _function("ATAN2", _plain("atan2({0}, {1})"), arity=2),
    _function("CBRT", _plain("esql_cbrt({0})")),
    _function("CEIL", _whole_or("ceil({0})"), returns=same),
    _function("COS", _plain("cos({0})")),
    _function("COSH", _finite("cosh({0})")),
    _constant("E", math.e),
    _function("EXP", _finite("exp({0})")),
    _function("FLOOR", _whole_or("floor({0})"), returns=same),
    _function("HYPOT", _plain("sqrt({0} * {0} + {1} * {1})"), arity=2),
    Function(
        "LOG",
        (numbers("base"), numbers("number", optional=True)),
        _DOUBLE,
        _log,
        topic="math",
        repeats=True,
    ),
    _function("LOG10", _checked("log10({0})", "{0} <= 0", "Log of non-positive number")),
    _constant("PI", math.pi),
    _function("POW", _finite("pow({0}, {1})"), arity=2),
    Function(
        "ROUND",
        (numbers("number"), whole_numbers("decimals", optional=True)),
        same,
        _round,
        topic="math",
        repeats=True,
    ),
    _function("SIGNUM", _plain("CAST(sign({0}) AS DOUBLE)")),
    _function("SIN", _plain("sin({0})")),
    _function("SINH", _finite("sinh({0})")),
    _function("SQRT", _checked("sqrt({0})", "{0} < 0", "Square root of negative")),
    _function("TAN", _plain("tan({0})")),
    _function("TANH", _plain("tanh({0})")),
    _constant("TAU", math.tau),
    _function("TO_DEGREES", _angle("degrees({0})"), maps=True),
    _function("TO_RADIANS", _angle("radians({0})"), maps=True),
)
