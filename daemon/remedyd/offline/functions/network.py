"""Addresses: whether one lies in a block."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.patterns import quote
from remedyd.offline.functions.signature import Emitter, Function, Parameter, gives, strings
from remedyd.offline.keys import block_keys
from remedyd.offline.plan import Call, Constant, Expression
from remedyd.offline.types import DataType


def _blocks(arguments: Sequence[Expression]) -> list[str]:
    found = []
    for item in arguments:
        if isinstance(item, Constant) and item.value is not None:
            values = item.value if isinstance(item.value, tuple) else (item.value,)
            found += [str(value) for value in values]
    return found


def _cidr_match(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    tests = []
    for text in _blocks(call.arguments[1:]):
        keys = block_keys(text)
        assert keys is not None
        tests.append(f"{arguments[0]} BETWEEN {quote(keys[0])} AND {quote(keys[1])}")
    return f"({' OR '.join(tests)})" if tests else "NULL"


def _not_a_block(arguments: Sequence[Expression]) -> str:
    wrong = next((text for text in _blocks(arguments[1:]) if block_keys(text) is None), None)
    return "" if wrong is None else f"'{wrong}' is not an IP string literal."


FUNCTIONS = (
    Function(
        "CIDR_MATCH",
        (
            Parameter("ip", frozenset({DataType.IP}), "ip"),
            strings("block", variadic=True, constant=True),
        ),
        gives(DataType.BOOLEAN),
        _cidr_match,
        topic="network",
        invalid=_not_a_block,
        repeats=True,
    ),
)
