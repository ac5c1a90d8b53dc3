"""Field names and name patterns, with their back-quoted and parameter parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remedyd.offline.lexer import Kind, Token, unquote_name
from remedyd.offline.nodes import Column, NamePattern, Parameter, ParameterKind
from remedyd.offline.parser.cursor import A_FIELD

if TYPE_CHECKING:
    from remedyd.offline.parser.cursor import Cursor

_NAME_KINDS = (Kind.NAME, Kind.QUOTED_NAME)
_PIECE = re.compile(r"`(?:[^`]|``)+`|[^`]+")


def parameter(cursor: Cursor) -> Parameter:
    """Take a parameter token."""
    token = cursor.advance()
    span = cursor.span(token.start)
    address = token.value.lstrip("?")
    identifier = token.value.startswith("??")
    if not address:
        cursor.anonymous_parameters += 1
        number = cursor.anonymous_parameters
        return Parameter(span, ParameterKind.ANONYMOUS, "", number, identifier)
    if address[0].isdigit():
        number = int(address) if len(address) < 6 else 0
        if number == 0:
            raise cursor.error(
                f"No parameter is defined for position {address}",
                token.start,
                hint="positional parameters count from 1",
            )
        return Parameter(span, ParameterKind.POSITIONAL, "", number, identifier)
    return Parameter(span, ParameterKind.NAMED, address, 0, identifier)


def column(cursor: Cursor) -> Column:
    """A dotted name; each part is an identifier, a back-quoted name or a parameter."""
    start = cursor.token.start
    parts = [_part(cursor)]
    while cursor.take_symbol("."):
        parts.append(_part(cursor))
    return Column(cursor.span(start), tuple(parts))


def rest_of_column(cursor: Cursor, first: str | Parameter, start: int) -> Column:
    """The dotted name whose first part has been taken already."""
    parts = [first]
    while cursor.take_symbol("."):
        parts.append(_part(cursor))
    return Column(cursor.span(start), tuple(parts))


def _part(cursor: Cursor) -> str | Parameter:
    if cursor.token.kind in _NAME_KINDS:
        return cursor.advance().value
    if cursor.at(Kind.PARAMETER):
        return parameter(cursor)
    raise cursor.unexpected(A_FIELD)


def column_or_pattern(cursor: Cursor) -> Column | NamePattern:
    """An entry of KEEP or DROP. A `*` inside back-quotes is an ordinary character."""
    start = cursor.token.start
    parts: list[str | Parameter] = []
    pieces = [""]
    while True:
        if cursor.at(Kind.PARAMETER):
            parts.append(parameter(cursor))
        else:
            token = cursor.expect(Kind.PATTERN, "a field name or pattern")
            parts.append(_append(pieces, token))
        if not cursor.take_symbol("."):
            break
        pieces[-1] += "."
    if len(pieces) == 1:
        return Column(cursor.span(start), tuple(parts))
    if any(isinstance(part, Parameter) for part in parts):
        raise cursor.unsupported("parameter inside a name pattern", start)
    return NamePattern(cursor.span(start), tuple(pieces))


def _append(pieces: list[str], token: Token) -> str:
    """Add one dotted part to the literal pieces around wildcards; returns the part unquoted."""
    plain = ""
    for match in _PIECE.finditer(token.value):
        written = match.group()
        if written.startswith("`"):
            written = unquote_name(written)
            pieces[-1] += written
        else:
            head, *tail = written.split("*")
            pieces[-1] += head
            pieces.extend(tail)
        plain += written
    return plain
