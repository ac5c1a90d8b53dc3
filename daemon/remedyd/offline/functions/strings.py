"""String functions. Positions and lengths count code points, as in Elasticsearch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from remedyd.offline.functions.patterns import quote
from remedyd.offline.functions.signature import (
    Check,
    Emitter,
    Function,
    Parameter,
    Sql,
    gives,
    guarded,
    integers,
    strings,
    template,
)
from remedyd.offline.plan import Call, Constant, Expression
from remedyd.offline.types import DataType

_ILLEGAL = "java.lang.IllegalArgumentException: "
_BLANK = r"[\x09-\x0d\x1c-\x20]+"


def _function(
    name: str,
    parameters: tuple[Parameter, ...],
    sql: Sql | str,
    returns: DataType = DataType.KEYWORD,
    *,
    since: tuple[int, int] = (8, 11),
    gives_multi: bool = False,
    limits: Check | None = None,
    invalid: Check | None = None,
) -> Function:
    return Function(
        name,
        parameters,
        gives(returns),
        template(sql) if isinstance(sql, str) else sql,
        topic="string",
        repeats=True,
        since=since,
        gives_multi=gives_multi,
        limits=limits,
        invalid=invalid,
    )


def _concat(_: Emitter, __: Call, arguments: Sequence[str]) -> str:
    return f"({' || '.join(arguments)})"


def _substring(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    text, start, *length = arguments
    begin = call.arguments[1]
    if isinstance(begin, Constant) and isinstance(begin.value, int) and begin.value > 0:
        first = start
    else:
        ahead = f"CASE WHEN {start} > 0 THEN {start} - 1 WHEN {start} < 0 "
        first = f"(greatest({ahead}THEN length({text}) + {start} ELSE 0 END, 0) + 1)"
    if not length:
        return f"substring({text}, {first})"
    failed = f"{length[0]} < 0 AND {text} IS NOT NULL AND {start} IS NOT NULL"
    message = _ILLEGAL + "Length parameter cannot be negative, found [{}]"
    note = emitter.note(call, failed, message, shown=f"CAST({length[0]} AS VARCHAR)")
    return guarded(note, f"substring({text}, {first}, greatest({length[0]}, 0))", failed)


def _repeat(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    text, number = arguments
    failed = f"{number} < 0 AND {text} IS NOT NULL"
    message = _ILLEGAL + "Number parameter cannot be negative, found [{}]"
    note = emitter.note(call, failed, message, shown=f"CAST({number} AS VARCHAR)")
    return guarded(note, f"repeat({text}, {number})", failed)


def _space(emitter: Emitter, call: Call, arguments: Sequence[str]) -> str:
    failed = f"{arguments[0]} < 0"
    message = _ILLEGAL + "Number parameter cannot be negative, found [{}]"
    note = emitter.note(call, failed, message, shown=f"CAST({arguments[0]} AS VARCHAR)")
    return guarded(note, f"repeat(' ', {arguments[0]})", failed)


def _locate(_: Emitter, __: Call, arguments: Sequence[str]) -> str:
    text, part, *start = arguments
    if not start:
        return f"CAST(instr({text}, {part}) AS INTEGER)"
    skipped = f"greatest({start[0]} - 1, 0)"
    found = f"instr(substring({text}, {skipped} + 1), {part})"
    return f"CAST(CASE WHEN {found} > 0 THEN {found} + {skipped} ELSE {found} END AS INTEGER)"


def _hash(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    algorithm = call.arguments[0]
    assert isinstance(algorithm, Constant)
    return f"{HASHES[str(algorithm.value).lower()]}({arguments[1]})"


HASHES = {"md5": "md5", "sha": "sha1", "sha1": "sha1", "sha-1": "sha1", "sha256": "sha256",
          "sha-256": "sha256"}  # fmt: skip
"""Algorithms of HASH and the DuckDB function of each."""


def _hash_limits(arguments: Sequence[Expression]) -> str:
    name = arguments[0].value if isinstance(arguments[0], Constant) else None
    known = name is None or str(name).lower() in HASHES
    return "" if known else f"HASH with algorithm {name}"


def _regex_limits(arguments: Sequence[Expression]) -> str:
    pattern = arguments[1].value if isinstance(arguments[1], Constant) else None
    beyond = JAVA_ONLY.search(str(pattern or ""))
    return f"REPLACE with {beyond[0]} in its regular expression" if beyond else ""


def _regex_mistake(arguments: Sequence[Expression]) -> str:
    pattern = arguments[1].value if isinstance(arguments[1], Constant) else None
    try:
        re.compile(str(pattern or ""))
    except re.error as error:
        return f"{error.msg[:1].upper()}{error.msg[1:]} near index {error.pos or 0}"
    return ""


JAVA_ONLY = re.compile(r"\(\?(?:=|!|<=|<!|>)|(?<!\\)[*+?}]\+|\\[1-9]|&&|\\p\{java")
"""What Java's regular expressions can and RE2's cannot: look-around, possessive, references."""


def _replace(_: Emitter, call: Call, arguments: Sequence[str]) -> str:
    pattern, replacement = call.arguments[1], call.arguments[2]
    assert isinstance(pattern, Constant)
    assert isinstance(replacement, Constant)
    return (
        f"regexp_replace({arguments[0]}, {quote(str(pattern.value))}, "
        f"{quote(_back_references(str(replacement.value)))}, 'g')"
    )


def _back_references(replacement: str) -> str:
    """Turn Java's `$1` and `\\$` into RE2's `\\1` and `$`."""
    result, escaped = "", False
    for char in replacement:
        if escaped:
            result += "\\\\" if char == "\\" else char
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            result += "\\" if char == "$" else char
    return result


_TEXT = strings("string")
_COUNT = integers("number")

FUNCTIONS = (
    _function("BIT_LENGTH", (_TEXT,), "CAST(strlen({0}) * 8 AS INTEGER)", DataType.INTEGER),
    _function("BYTE_LENGTH", (_TEXT,), "CAST(strlen({0}) AS INTEGER)", DataType.INTEGER),
    _function("CONCAT", (_TEXT, strings("rest", variadic=True)), _concat),
    _function(
        "CONTAINS", (_TEXT, strings("part")), "contains({0}, {1})", DataType.BOOLEAN, since=(9, 2)
    ),
    _function("ENDS_WITH", (_TEXT, strings("end")), "ends_with({0}, {1})", DataType.BOOLEAN),
    _function("FROM_BASE64", (_TEXT,), "decode(from_base64({0}))"),
    _function(
        "HASH",
        (strings("algorithm", constant=True), _TEXT),
        _hash,
        since=(9, 0),
        limits=_hash_limits,
    ),
    _function("LEFT", (_TEXT, _COUNT), "left({0}, greatest({1}, 0))"),
    _function("LENGTH", (_TEXT,), "CAST(length({0}) AS INTEGER)", DataType.INTEGER),
    _function(
        "LOCATE",
        (_TEXT, strings("part"), integers("start", optional=True)),
        _locate,
        DataType.INTEGER,
    ),
    _function("LTRIM", (_TEXT,), f"regexp_replace({{0}}, '^{_BLANK}', '')"),
    _function("MD5", (_TEXT,), "md5({0})", since=(9, 0)),
    _function("REPEAT", (_TEXT, _COUNT), _repeat),
    _function(
        "REPLACE",
        (_TEXT, strings("regex", constant=True), strings("replacement", constant=True)),
        _replace,
        limits=_regex_limits,
        invalid=_regex_mistake,
    ),
    _function("REVERSE", (_TEXT,), "reverse({0})"),
    _function("RIGHT", (_TEXT, _COUNT), "right({0}, greatest({1}, 0))"),
    _function("RTRIM", (_TEXT,), f"regexp_replace({{0}}, '{_BLANK}$', '')"),
    _function("SHA1", (_TEXT,), "sha1({0})", since=(9, 0)),
    _function("SHA256", (_TEXT,), "sha256({0})", since=(9, 0)),
    _function("SPACE", (_COUNT,), _space),
    _function("SPLIT", (_TEXT, strings("delimiter")), "string_split({0}, {1})", gives_multi=True),
    _function("STARTS_WITH", (_TEXT, strings("start")), "starts_with({0}, {1})", DataType.BOOLEAN),
    _function(
        "SUBSTRING", (_TEXT, integers("start"), integers("length", optional=True)), _substring
    ),
    _function("TO_BASE64", (_TEXT,), "to_base64(encode({0}))"),
    _function("TO_LOWER", (_TEXT,), "lower({0})"),
    _function("TO_UPPER", (_TEXT,), "upper(replace({0}, 'ß', 'ss'))"),
    _function("TRIM", (_TEXT,), f"regexp_replace({{0}}, '^{_BLANK}|{_BLANK}$', '', 'g')"),
)
