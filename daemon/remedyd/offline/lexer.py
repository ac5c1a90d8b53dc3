"""Tokens of ES|QL.

The language has no single lexical grammar: an index list, a name pattern and an expression
each read the same characters differently (`logs-*`, `a*`, `a * b`). So the parser says in
which mode the next token is to be read, and tokens are cut one at a time, on demand; an
unreadable character after an earlier mistake is therefore never what gets reported.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from remedyd.offline.errors import EsqlError

if TYPE_CHECKING:
    from remedyd.offline.source import Source


class Kind(StrEnum):
    """What a token is; `value` of a Token is described per member."""

    END = "end of query"
    WORD = "command"  # as written, in COMMAND mode
    SYMBOL = "symbol"  # the characters
    KEYWORD = "keyword"  # upper case
    NAME = "name"  # an unquoted identifier
    QUOTED_NAME = "quoted name"  # back-quotes removed
    PATTERN = "name pattern"  # as written, quotes included
    STRING = "string"  # decoded
    INTEGER = "integer"  # digits
    DECIMAL = "decimal"  # as written
    PARAMETER = "parameter"  # as written: ?, ?1, ?name, ??...
    SOURCE = "index pattern"  # as written


class Mode(StrEnum):
    """How to read the next characters."""

    COMMAND = "command"
    EXPRESSION = "expression"
    SOURCE = "source"
    JOIN = "join"
    PATTERN = "pattern"
    RENAME = "rename"
    EXPAND = "expand"
    SETTING = "setting"


class Token(NamedTuple):
    """One token; offsets into the query text, `end` exclusive."""

    kind: Kind
    value: str
    start: int
    end: int


_NAME = r"[A-Za-z][A-Za-z0-9_]*|[_@][A-Za-z0-9_]+"
_QUOTED_NAME = r"`(?:[^`]|``)+`(?!`)"
_STRING = r'"""[^\r\n]*?"""(?:""?)?|"(?:\\[tnr"\\]|[^\r\n"\\])*"'
_DECIMAL = r"[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|\.[0-9]+[eE][+-]?[0-9]+|[0-9]+\.[0-9]*|\.[0-9]+"
_PARAMETER = r"\?\??(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+)?"
_SOURCE = r'(?:[^:"=|,\[\]/() \t\r\n]|/[^*/])+'
_PATTERN = r"(?:[A-Za-z*][A-Za-z0-9_*]*|[_@][A-Za-z0-9_*]+|`(?:[^`]|``)+`(?!`))+"


def _compiled(*alternatives: tuple[Kind, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{kind.name}>{pattern})" for kind, pattern in alternatives))


_READERS: dict[Mode, re.Pattern[str]] = {
    Mode.COMMAND: _compiled((Kind.WORD, r"[^ \r\n\t\[\]/]+")),
    Mode.EXPRESSION: _compiled(
        (Kind.NAME, _NAME),
        (Kind.DECIMAL, _DECIMAL),
        (Kind.INTEGER, r"[0-9]+"),
        (Kind.SYMBOL, r"::|==|!=|<=|>=|[.,()=<>+\-*/%|:\[\]{}]"),
        (Kind.STRING, _STRING),
        (Kind.QUOTED_NAME, _QUOTED_NAME),
        (Kind.PARAMETER, _PARAMETER),
    ),
    Mode.SOURCE: _compiled(
        (Kind.SYMBOL, r"::|[:,=|\[\]()]"),
        (Kind.STRING, _STRING),
        (Kind.PARAMETER, r"\?(?:[A-Za-z0-9_]+)?"),
        (Kind.SOURCE, _SOURCE),
    ),
    Mode.JOIN: _compiled(
        (Kind.SYMBOL, r"::|[:,|\[\]()]"), (Kind.STRING, _STRING), (Kind.SOURCE, _SOURCE)
    ),
    Mode.PATTERN: _compiled(
        (Kind.PATTERN, _PATTERN), (Kind.SYMBOL, r"[.,|]"), (Kind.PARAMETER, _PARAMETER)
    ),
    Mode.RENAME: _compiled(
        (Kind.PATTERN, _PATTERN), (Kind.SYMBOL, r"[.,|=]"), (Kind.PARAMETER, _PARAMETER)
    ),
    Mode.EXPAND: _compiled(
        (Kind.NAME, _NAME),
        (Kind.QUOTED_NAME, _QUOTED_NAME),
        (Kind.SYMBOL, r"[.|]"),
        (Kind.PARAMETER, _PARAMETER),
    ),
    Mode.SETTING: _compiled(
        (Kind.NAME, _NAME),
        (Kind.DECIMAL, _DECIMAL),
        (Kind.INTEGER, r"[0-9]+"),
        (Kind.SYMBOL, r"[=;,\[\]{}:]"),
        (Kind.STRING, _STRING),
        (Kind.QUOTED_NAME, _QUOTED_NAME),
        (Kind.PARAMETER, _PARAMETER),
    ),
}

_EXPRESSION_WORDS = frozenset(
    {
        *("AND", "OR", "NOT", "IN", "IS", "LIKE", "RLIKE", "NULL", "TRUE", "FALSE"),
        *("BY", "WHERE", "ON", "WITH", "ASC", "DESC", "NULLS", "FIRST", "LAST"),
    }
)
_KEYWORDS: dict[Mode, tuple[Kind, frozenset[str]]] = {
    Mode.EXPRESSION: (Kind.NAME, _EXPRESSION_WORDS),
    Mode.SETTING: (Kind.NAME, frozenset({"TRUE", "FALSE", "NULL"})),
    Mode.SOURCE: (Kind.SOURCE, frozenset({"METADATA"})),
    Mode.JOIN: (Kind.SOURCE, frozenset({"JOIN", "ON", "AS", "USING"})),
    Mode.RENAME: (Kind.PATTERN, frozenset({"AS"})),
}

_BLANK = re.compile(r"[ \r\n\t]*")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_LINE_COMMENT = re.compile(r"//[^\r\n]*\r?\n?")
_ESCAPE = re.compile(r"\\([tnr\"\\])")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\"}

_HINTS = {
    "'": 'strings are quoted with double quotes: "text"',
    "&": "use AND",
    "!": "use NOT (or != to compare)",
    "^": "there is no such operator; use POW(base, exponent)",
    "~": "use RLIKE for regular expressions, or TO_LOWER(a) == TO_LOWER(b)",
    '"': "close the string on the same line; a line break is written \\n",
    "`": "close the back-quoted name; a back-quote inside is doubled",
    "#": "comments start with // or are enclosed in /* */",
    ";": "only a SET directive ends with ';'",
    "$": "parameters are written ?name",
}


def read_token(source: Source, offset: int, mode: Mode) -> Token:
    """Cut the token at or after an offset; at the end of the text an END token.

    Raises EsqlError (`token recognition error`) at a character no token starts with.
    """
    text = source.text
    start = _skip_blank(source, offset)
    if start == len(text):
        return Token(Kind.END, "<EOF>", start, start)
    match = _READERS[mode].match(text, start)
    if match is None or match.lastgroup is None:
        raise _unreadable(source, start)
    kind, written = Kind[match.lastgroup], match.group()
    if kind is Kind.STRING:
        return Token(kind, _string_value(written), start, match.end())
    if kind is Kind.QUOTED_NAME:
        return Token(kind, unquote_name(written), start, match.end())
    word_kind, words = _KEYWORDS.get(mode, (None, frozenset[str]()))
    if kind is word_kind and written.isascii() and written.upper() in words:
        return Token(Kind.KEYWORD, written.upper(), start, match.end())
    return Token(kind, written, start, match.end())


def unquote_name(written: str) -> str:
    """A back-quoted name without its quotes."""
    return written[1:-1].replace("``", "`")


def _skip_blank(source: Source, offset: int) -> int:
    text = source.text
    while True:
        match = _BLANK.match(text, offset)
        offset = match.end() if match else offset
        if text.startswith("//", offset):
            comment = _LINE_COMMENT.match(text, offset)
            offset = comment.end() if comment else len(text)
        elif text.startswith("/*", offset):
            offset = _comment_end(source, offset)
        else:
            return offset


def _comment_end(source: Source, start: int) -> int:
    """End of a block comment.

    Comments nest. Where an inner one is never closed, the last `*/` of the text closes the
    outer one, as in Elasticsearch's grammar.
    """
    depth, last = 0, -1
    for edge in _COMMENT_EDGE.finditer(source.text, start):
        depth += 1 if edge.group() == "/*" else -1
        if edge.group() == "*/":
            last = edge.end()
        if depth == 0:
            return edge.end()
    if last >= 0:
        return last
    raise EsqlError(
        "token recognition error at: '/*'", source.position(start), hint="close the comment with */"
    )


def _string_value(written: str) -> str:
    if written.startswith('"""') and len(written) >= 6:
        return written[3:-3]
    return _ESCAPE.sub(lambda match: _ESCAPED[match.group(1)], written[1:-1])


def _unreadable(source: Source, offset: int) -> EsqlError:
    char = source.text[offset]
    hint = _HINTS.get(char, "")
    if char == "|":
        hint = "use OR" if source.text.startswith("||", offset) else ""
    return EsqlError(f"token recognition error at: '{char}'", source.position(offset), hint=hint)
