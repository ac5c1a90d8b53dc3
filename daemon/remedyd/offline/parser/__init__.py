"""ES|QL text to syntax tree."""

from __future__ import annotations

from remedyd.offline.nodes import Query
from remedyd.offline.parser import commands
from remedyd.offline.parser.cursor import MAX_DEPTH, Cursor
from remedyd.offline.source import Source

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "parse"]

# Elasticsearch's own bound on the length of a query, in characters.
MAX_LENGTH = 1_000_000


def parse(text: str) -> Query:
    """Parse a query.

    Raises EsqlError for what is not ES|QL and its subclass UnsupportedEsql for what is, but is
    beyond this engine; both carry line and column. Nothing else is ever raised.
    """
    source = Source(text)
    cursor = Cursor(source)
    if len(text) > MAX_LENGTH:
        raise cursor.error(
            f"ESQL statement is too large [{len(text)} characters > {MAX_LENGTH}]", 0
        )
    return commands.query(cursor)
