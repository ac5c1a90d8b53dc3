"""Index lists of FROM, TS and LOOKUP JOIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lexer import Kind
from remedyd.offline.nodes import Column, IndexPattern

if TYPE_CHECKING:
    from remedyd.offline.parser.cursor import Cursor
    from remedyd.offline.source import Span

_FORBIDDEN = ' "*,/<>?\\|#:'
_AN_INDEX = "an index name or pattern"


def index_list(cursor: Cursor) -> tuple[tuple[IndexPattern, ...], tuple[Column, ...]]:
    """`a, b-*, -c METADATA x, y`."""
    sources = _entry(cursor, ())
    while cursor.take_symbol(","):
        sources += _entry(cursor, sources)
    if not cursor.take_keyword("METADATA"):
        return sources, ()
    fields = [_metadata_field(cursor)]
    while cursor.take_symbol(","):
        fields.append(_metadata_field(cursor))
    return sources, tuple(fields)


def _metadata_field(cursor: Cursor) -> Column:
    token = cursor.expect(Kind.SOURCE, "a metadata field")
    return Column(cursor.span(token.start), (token.value,))


def _entry(cursor: Cursor, before: tuple[IndexPattern, ...]) -> tuple[IndexPattern, ...]:
    """One comma-separated entry; a quoted one may itself be a comma-separated list."""
    start = cursor.token.start
    if cursor.at_symbol("("):
        raise cursor.unsupported("subquery in FROM", start)
    quoted = cursor.at(Kind.STRING)
    written = index_text(cursor)
    found: tuple[IndexPattern, ...] = ()
    for one in written.split(",") if quoted else [written]:
        wildcard = any("*" in source.pattern for source in before + found)
        found += (index_pattern(cursor, one.strip(), cursor.span(start), wildcard),)
    return found


def index_text(cursor: Cursor) -> str:
    """The written index, with its cluster prefix and selector still in it."""
    if cursor.at(Kind.STRING):
        return cursor.advance().value
    text = cursor.expect(Kind.SOURCE, _AN_INDEX).value
    if cursor.take_symbol(":"):
        text += ":" + cursor.expect(Kind.SOURCE, _AN_INDEX).value
    if cursor.at_symbol("::"):
        start = cursor.advance().start
        cursor.expect(Kind.SOURCE, "a selector (data or failures)")
        raise cursor.unsupported("index component selector ::", start)
    return text


def index_pattern(cursor: Cursor, text: str, span: Span, wildcard_before: bool) -> IndexPattern:
    """One index, wildcard or exclusion.

    As in Elasticsearch a leading `-` excludes only after a wildcard was seen; before that it
    would be part of a name, and no index name starts so.
    """
    if "::" in text:
        raise cursor.unsupported("index component selector ::", span.start)
    cluster, _, pattern = text.rpartition(":")
    if pattern.startswith("<") or "{" in pattern:
        raise cursor.unsupported("date math in index names", span.start)
    excluded = False
    if wildcard_before or "*" in pattern:
        excluded = (cluster or pattern).startswith("-")
        if excluded and cluster:
            cluster = cluster[1:]
        elif excluded:
            pattern = pattern[1:]
    _check_name(cursor, pattern, span)
    return IndexPattern(span, pattern, cluster or None, excluded)


def _check_name(cursor: Cursor, pattern: str, span: Span) -> None:
    bare = pattern.replace("*", "")
    if not pattern:
        raise cursor.error("Invalid index name [], must not be empty", span.start)
    if bare.startswith(("_", "-", "+")) and not pattern.startswith("*"):
        raise cursor.error(
            f"Invalid index name [{pattern}], must not start with '_', '-', or '+'",
            span.start,
            hint="an exclusion such as -logs-old must follow a pattern with *",
        )
    bad = sorted({char for char in bare if char in _FORBIDDEN})
    if bad or bare in (".", ".."):
        raise cursor.error(
            f"Invalid index name [{pattern}], must not contain "
            f"{', '.join(repr(char) for char in bad) or 'only dots'}",
            span.start,
        )
