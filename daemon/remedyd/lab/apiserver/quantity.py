"""Quantities as Kubernetes reads and writes them: `1024Mi` is stored as `1Gi`, `0.5` as `500m`."""

import re
from decimal import ROUND_CEILING, ROUND_UP, Context, Decimal
from functools import lru_cache
from typing import NamedTuple

SYNTAX = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
SUFFIX = "unable to parse quantity's suffix"
_FORM = re.compile(r"^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$")
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NAMES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_EXPONENT = re.compile(r"^[eE]([+-]?[0-9]+)$")
_NANO = Decimal("1e-9")
_WIDE = Context(prec=80)


class Quantity(NamedTuple):
    """An amount and the family of suffixes it was written with: binary, decimal or exponent."""

    value: Decimal
    form: str

    def text(self) -> str:
        """Return the canonical text."""
        if not self.value:
            return "0"
        if self.form == "binary" and abs(self.value) >= 1024 and _whole(self.value):
            return _binary_text(int(self.value))
        return _decimal_text(self.value, self.form)


def _binary_text(value: int) -> str:
    best, shown = "", value
    for suffix, bits in _BINARY.items():
        if value % (1 << bits):
            break
        best, shown = suffix, value >> bits
    return f"{shown}{best}"


def _whole(value: Decimal) -> bool:
    return value == value.to_integral_value(context=_WIDE)


def _decimal_text(value: Decimal, form: str) -> str:
    shown, exponent = int(value.scaleb(9, context=_WIDE)), -9
    while exponent < 18 and shown % 1000 == 0:
        shown, exponent = shown // 1000, exponent + 3
    if form == "exponent":
        return str(shown) if exponent == 0 else f"{shown}e{exponent}"
    return f"{shown}{_NAMES[exponent]}"


def _nano(value: Decimal) -> Decimal:
    """Return the value without anything finer than a billionth, rounded away from zero."""
    return value.quantize(_NANO, rounding=ROUND_UP, context=_WIDE)


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity:
    """Read a quantity; raises ValueError with the server's words."""
    found = _FORM.match(text)
    if not found or not (found[2] or found[3]):
        raise ValueError(SYNTAX)
    sign, whole, fraction, suffix = found.groups()
    number = Decimal(f"{sign}{whole or '0'}.{fraction or '0'}")
    if suffix in _BINARY:
        return Quantity(_nano(_WIDE.multiply(number, Decimal(1 << _BINARY[suffix]))), "binary")
    exponent = _EXPONENT.match(suffix)
    if suffix not in _DECIMAL and not exponent:
        raise ValueError(SUFFIX)
    value = number.scaleb(int(exponent[1]) if exponent else _DECIMAL[suffix], context=_WIDE)
    return Quantity(_nano(value), "exponent" if exponent else "decimal")


def canonical(text: str | int | float) -> str:
    """Return the canonical text of a quantity given as text or number."""
    return parse(str(text)).text()


def amount(text: str | int | float) -> Decimal:
    """Return the number that a quantity stands for."""
    return parse(str(text)).value


def milli(value: Decimal) -> int:
    """Return a number in thousandths, rounded up, as CPU is counted."""
    return int((value * 1000).to_integral_value(rounding=ROUND_CEILING))


def total(texts: list[str]) -> str:
    """Return the sum of quantities, written like the first that is not zero."""
    parsed = [parse(text) for text in texts]
    form = next((each.form for each in parsed if each.value), "decimal")
    return Quantity(sum((each.value for each in parsed), Decimal(0)), form).text()
