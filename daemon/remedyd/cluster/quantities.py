"""Kubernetes quantities as exact numbers.

`1Gi` and `1024Mi` are the same amount in two spellings, and the API server stores the canonical
one. Whatever compares, scales or caps an amount does so as a Decimal; text is only for reading
and writing. The client library has a parser too, but it lets a leading space and `NaN` through
and cannot write the canonical form.
"""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_UP, Context, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from remedyd.errors import InvalidInput

PATTERN = (
    r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)"
    r"(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,2})?$"
)
_SHAPE = re.compile(PATTERN)
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
}
_NANO = Decimal("1e-9")
_TOO_MUCH = 2**63
_LONGEST = 64
_EXACT = Context(prec=60)
MEBI = _BINARY["Mi"]


def parse(value: object) -> Decimal:
    """Return the amount; raise InvalidInput when `value` is no quantity.

    Text, and the JSON numbers that the API server takes in its place. Finer than a billionth is
    rounded away from zero, as the API server does.
    """
    text = str(value)
    # a long row of digits would keep the expression, and every other thread, busy for minutes
    fits = len(text) <= _LONGEST and not isinstance(value, bool)
    match = _SHAPE.fullmatch(text) if fits else None
    if match is None:
        raise InvalidInput(
            f"{text[:40]!r} is not a quantity", hint="write an amount such as 512Mi, 1.5Gi or 250m"
        )
    number, suffix = match.group(1), match.group(2) or ""
    sign = -1 if text.startswith("-") else 1
    if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix not in _BINARY:
        amount = Decimal(f"{number}{suffix}")
    else:
        amount = _EXACT.multiply(Decimal(number), _BINARY.get(suffix) or _DECIMAL[suffix])
    if amount >= _TOO_MUCH:
        raise InvalidInput(
            f"{text} is more than Kubernetes can count", hint=f"stay below {_TOO_MUCH}"
        )
    return _nano(sign * amount)


def _nano(amount: Decimal) -> Decimal:
    if amount == amount.to_integral_value():
        return amount
    return amount.quantize(_NANO, ROUND_UP, _EXACT)


def canonical(value: object) -> str:
    """Return the shortest exact spelling of the same family: `1024Mi` becomes `1Gi`.

    It is the one that the API server stores, but for exponents (`1e3`), which it keeps.
    """
    text = str(value)
    amount = parse(value)
    return binary(amount) if text.endswith("i") else decimal(amount)


def binary(amount: Decimal) -> str:
    """Write an amount of bytes with binary suffixes; small or fractional ones without."""
    whole = amount == amount.to_integral_value()
    if not whole or abs(amount) < 1024:
        return decimal(amount)
    for suffix, unit in reversed(_BINARY.items()):
        if amount % unit == 0:
            return f"{_digits(amount / unit)}{suffix}"
    return _digits(amount)


def decimal(amount: Decimal) -> str:
    """Write an amount with decimal suffixes, as CPU is written: `500m`, `2`, `300M`."""
    rounded = _nano(amount)
    if rounded == 0:
        return "0"
    for suffix, unit in reversed(_DECIMAL.items()):
        scaled = _EXACT.divide(rounded, unit)
        if scaled == scaled.to_integral_value():
            return f"{_digits(scaled)}{suffix}"
    return _digits(rounded)


def _digits(amount: Decimal) -> str:
    return format(amount.to_integral_value(), "f")


def same(first: object, second: object) -> bool:
    """Say whether two quantities, or two absent ones, are the same amount."""
    if first is None or second is None:
        return first is second
    return parse(first) == parse(second)


def round_up(amount: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `amount`; `step` 0 keeps it."""
    if step == 0:
        return amount
    return (amount / step).to_integral_value(ROUND_CEILING) * step


def round_down(amount: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `amount`; `step` 0 keeps it."""
    if step == 0:
        return amount
    return (amount / step).to_integral_value(ROUND_FLOOR) * step


def _text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        parse(value)
    except InvalidInput as error:
        raise ValueError(f"{error.message}: {error.hint}") from error
    return str(value)


def _no_negative(value: Any) -> Any:
    if isinstance(value, str) and parse(value) < 0:
        raise ValueError("a quantity here must not be negative")
    return value


QuantityText = Annotated[
    str,
    BeforeValidator(_no_negative),
    BeforeValidator(_text),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": PATTERN.replace("[+-]?(", "(", 1)},
                   {"type": "number", "minimum": 0}]}
    ),
]  # fmt: skip
"""A parameter that is a quantity: text such as `512Mi`, or a bare number (`cpu: 2`)."""
