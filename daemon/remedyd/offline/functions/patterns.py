"""LIKE and RLIKE patterns, translated to what DuckDB runs fastest.

Elasticsearch's RLIKE is Lucene's regular expression: anchored, `^` and `$` are plain
characters, and `~ & < @ #` are operators. Those operators have no counterpart in RE2, so a
pattern that uses one is refused instead of being matched as something else.
"""

from __future__ import annotations

import re

LUCENE_ONLY = frozenset("~&<@#")


def quote(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''").replace("\0", "") + "'"


def _pieces(pattern: str) -> list[str]:
    """Split into literal characters (one each), `*` and `?` tokens marked by a leading NUL."""
    pieces: list[str] = []
    escaped = False
    for char in pattern:
        if escaped:
            pieces.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            pieces.append(f"\0{char}" if char in "*?" else char)
    return pieces


def like_sql(value: str, pattern: str) -> str:
    """Return the SQL test of a LIKE pattern: `*` any characters, `?` one, `\\` escapes."""
    pieces = _pieces(pattern)
    wild = [index for index, piece in enumerate(pieces) if piece.startswith("\0")]
    literal = "".join(piece for piece in pieces if not piece.startswith("\0"))
    if not wild:
        return f"({value} = {quote(literal)})"
    if all(pieces[index] == "\0*" for index in wild):
        if wild == [len(pieces) - 1]:
            return f"starts_with({value}, {quote(literal)})"
        if wild == [0]:
            return f"ends_with({value}, {quote(literal)})"
        if wild == [0, len(pieces) - 1]:
            return f"contains({value}, {quote(literal)})"
    regex = "".join({"\0*": ".*", "\0?": "."}.get(piece, re.escape(piece)) for piece in pieces)
    return f"regexp_full_match({value}, {quote('(?s)' + regex)})"


def lucene_operator(pattern: str) -> str | None:
    """Return the first operator of a regular expression that only Lucene has."""
    bare = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "", pattern)
    return next((char for char in bare if char in LUCENE_ONLY), None)


def regex_mistake(pattern: str) -> str:
    """Return what is wrong with an RLIKE pattern, or nothing."""
    try:
        re.compile(_regex(pattern))
    except re.error as error:
        return error.msg
    return ""


def rlike_sql(value: str, pattern: str) -> str:
    """Return the SQL test of an RLIKE pattern, anchored at both ends."""
    return f"regexp_full_match({value}, {quote('(?s)' + _regex(pattern))})"


def _regex(pattern: str) -> str:
    regex = re.sub(
        r"(\\.|\[(?:\\.|[^\]])*\])|([\^$])",
        lambda match: match[1] or "\\" + match[2],
        pattern.replace("\0", ""),
    )
    return re.sub(r'"([^"]*)"', lambda match: re.escape(match[1]), regex)
