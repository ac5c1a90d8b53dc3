"""CASE, COALESCE, GREATEST, LEAST: functions that choose among their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.signature import Emitter, Function, anything
from remedyd.offline.plan import Call
from remedyd.offline.types import DataType, common


def _branch_type(types: Sequence[DataType]) -> DataType:
    values = [item for index, item in enumerate(types) if index % 2 == 1]
    if len(types) % 2 == 1:
        values.append(types[-1])
    return common(values) or DataType.UNSUPPORTED


def _common_type(types: Sequence[DataType]) -> DataType:
    return common(list(types)) or DataType.UNSUPPORTED


def _case(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    emit = emitter.emit_list if call.multi else emitter.emit_as
    arguments = call.arguments
    parts = [
        f"WHEN {emitter.emit_as(condition, DataType.BOOLEAN)} THEN {emit(value, call.type)}"
        for condition, value in zip(arguments[::2], arguments[1::2], strict=False)
    ]
    if len(arguments) % 2 == 1:
        parts.append(f"ELSE {emit(arguments[-1], call.type)}")
    return f"CASE {' '.join(parts)} END"


def _coalesce(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    emit = emitter.emit_list if call.multi else emitter.emit_as
    return f"coalesce({', '.join(emit(item, call.type) for item in call.arguments)})"


def _extreme(emitter: Emitter, call: Call, _: Sequence[str]) -> str:
    items = [emitter.emit_as(item, call.type) for item in call.arguments]
    if len(items) == 1:
        return items[0]
    missing = " OR ".join(f"{item} IS NULL" for item in items)
    return f"CASE WHEN NOT ({missing}) THEN {call.function.name.lower()}({', '.join(items)}) END"


_MANY = (anything("first"), anything("rest", optional=True, variadic=True))

FUNCTIONS = (
    Function(
        "CASE",
        (anything("condition"), anything("value"), anything("rest", optional=True, variadic=True)),
        _branch_type,
        _case,
        topic="conditional",
        whole=True,
        strict=False,
        lazy=True,
    ),
    Function(
        "COALESCE",
        _MANY,
        _common_type,
        _coalesce,
        topic="conditional",
        whole=True,
        strict=False,
        lazy=True,
    ),
    *(
        Function(name, _MANY, _common_type, _extreme, topic="conditional", repeats=True)
        for name in ("GREATEST", "LEAST")
    ),
)
