"""SQL of one column that DISSECT or GROK takes out of a text."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.functions.dissect import Extraction
from remedyd.offline.functions.patterns import quote
from remedyd.offline.functions.signature import Emitter, Function, Sql, gives, strings
from remedyd.offline.plan import Call
from remedyd.offline.types import DataType, storage

_TYPES = {
    "int": DataType.INTEGER,
    "long": DataType.LONG,
    "float": DataType.DOUBLE,
    "double": DataType.DOUBLE,
    "boolean": DataType.BOOLEAN,
}


def joined(extraction: Extraction, key: str, separator: str) -> Function:
    """Return the function that gives a DISSECT key: its parts, joined."""

    def sql(_: Emitter, __: Call, arguments: Sequence[str]) -> str:
        regex = quote(extraction.regex)
        parts = [
            f"regexp_extract({arguments[0]}, {regex}, {group})" for group in extraction.keys[key]
        ]
        value = f" || {quote(separator)} || ".join(parts)
        return f"CASE WHEN regexp_matches({arguments[0]}, {regex}) THEN {value} END"

    return _function("DISSECT", DataType.KEYWORD, sql)


def captured(extractions: Sequence[Extraction], key: str) -> Function:
    """Return the function that gives a GROK field, by the first pattern that fits."""
    first = next(item for item in extractions if key in item.keys)
    data_type = _TYPES.get(dict(first.types).get(key, ""), DataType.KEYWORD)
    multi = any(len(item.keys.get(key, ())) > 1 for item in extractions)

    def sql(_: Emitter, __: Call, arguments: Sequence[str]) -> str:
        cases = [
            f"WHEN regexp_matches({arguments[0]}, {quote(item.regex)}) "
            f"THEN {_captured(item, key, arguments[0], data_type, multi=multi)}"
            for item in extractions
        ]
        return f"CASE {' '.join(cases)} END"

    return _function("GROK", data_type, sql, gives_multi=multi)


def _captured(
    extraction: Extraction, key: str, text: str, data_type: DataType, *, multi: bool
) -> str:
    parts = []
    for group in extraction.keys.get(key, ()):
        part = f"regexp_extract({text}, {quote(extraction.regex)}, {group})"
        if key in extraction.may_lack:
            part = f"nullif({part}, '')"
        if data_type is not DataType.KEYWORD:
            part = f"TRY_CAST({part} AS {storage(data_type)})"
        parts.append(part)
    if not multi:
        return parts[0] if parts else "NULL"
    return f"nullif(list_filter([{', '.join(parts)}], lambda v: v IS NOT NULL), [])"


def _function(name: str, data_type: DataType, sql: Sql, *, gives_multi: bool = False) -> Function:
    return Function(
        name,
        (strings("input"),),
        gives(data_type),
        sql,
        topic="extraction",
        repeats=True,
        gives_multi=gives_multi,
    )
