"""Commands that Elasticsearch knows and this engine does not run, and near misses.

They are refused by name at their own position, so that a valid query never looks mistaken.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from remedyd.offline.errors import EsqlError
    from remedyd.offline.lexer import Token
    from remedyd.offline.parser.cursor import Cursor

UNSUPPORTED_SOURCES = frozenset({"SHOW", "PROMQL", "EXTERNAL", "EXPLAIN"})
UNSUPPORTED_COMMANDS = frozenset(
    {
        *("CHANGE_POINT", "COMPLETION", "DEDUP", "ENRICH", "FORK", "FUSE", "HIGHLIGHT"),
        *("IP_LOCATION", "METRICS_INFO", "MMR", "REGISTERED_DOMAIN", "RERANK", "SAMPLE"),
        *("TS_COLLAPSE", "TS_INFO", "URI_PARTS", "USER_AGENT"),
    }
)

_HABITS = {
    "SELECT": "ES|QL starts with FROM; columns are chosen with KEEP",
    "GROUP": "grouping is written STATS ... BY",
    "HAVING": "filter after STATS with WHERE",
    "ORDER": "sorting is written SORT",
    "JOIN": "only LOOKUP JOIN exists",
    "LEFT": "only LOOKUP JOIN exists",
    "FILTER": "filtering is written WHERE",
    "PROJECT": "columns are chosen with KEEP",
    "FIELDS": "columns are chosen with KEEP",
    "HEAD": "use LIMIT",
    "TOP": "use SORT and LIMIT",
    "|": "use OR inside a condition; a single | separates commands",
}


def refuse(cursor: Cursor, token: Token, supported: frozenset[str], *, first: bool) -> EsqlError:
    """The error for a word that is no command of this engine at this place."""
    word = token.value.upper()
    unsupported = UNSUPPORTED_SOURCES if first else UNSUPPORTED_COMMANDS
    if token.value.isascii() and word in unsupported:
        return cursor.unsupported(word, token.start)
    what = "a source command (FROM, TS, ROW)" if first else "a command"
    known = sorted(supported | unsupported)
    hint = _HABITS.get(word, "")
    stripped = word.rstrip("(|\"'*,;").partition("(")[0]
    if not hint and stripped in supported and stripped != word:
        hint = f"put a space after {stripped}"
    near = get_close_matches(word[:40], known, n=1, cutoff=0.6)
    if not hint and near:
        hint = f"did you mean {near[0]}?"
    return cursor.unexpected(what, hint=hint)
