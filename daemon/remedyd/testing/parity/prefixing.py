"""Puts a prefix before every index that a query names, so that it reads nothing but our own.

The rewritten text is what both engines are asked: so places in messages stay comparable.
"""

from collections.abc import Iterator

from remedyd.offline.errors import EsqlError
from remedyd.offline.nodes import From, IndexPattern, LookupJoin, Query, TimeSeries, walk
from remedyd.offline.parser import parse


def prefixed(text: str, prefix: str) -> str | None:
    """Return the query over prefixed indices; None when it cannot be told what it reads.

    A query that does not parse stays as it is if no command that reads an index is in it.
    """
    try:
        query = parse(text)
    except EsqlError:
        return text if _reads_nothing(text) else None
    result = text
    for pattern in sorted(_patterns(query), key=lambda one: one.span.start, reverse=True):
        if pattern.cluster is not None:
            return None
        start, end = pattern.span.start, pattern.span.end
        written = result[start:end]
        result = f"{result[:start]}{_with_prefix(written, prefix)}{result[end:]}"
    return result


def _reads_nothing(text: str) -> bool:
    words = text.upper().replace("|", " ").replace("(", " ").split()
    return not {"FROM", "TS", "JOIN", "ENRICH"} & set(words)


def _patterns(query: Query) -> Iterator[IndexPattern]:
    for command in query.commands:
        if isinstance(command, From | TimeSeries):
            yield from command.sources
        elif isinstance(command, LookupJoin):
            yield command.index
        else:
            yield from (node for node in walk(command) if isinstance(node, IndexPattern))


def _with_prefix(written: str, prefix: str) -> str:
    """Insert the prefix after a minus and an opening quote."""
    for opening in ('-"""', '-"', "-", '"""', '"'):
        if written.startswith(opening):
            return f"{opening}{prefix}{written.removeprefix(opening)}"
    return f"{prefix}{written}"
