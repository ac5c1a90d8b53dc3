"""Query text with positions: every message and every unaliased column name is cut from it.

Nodes carry offsets only (two integers); lines and columns are derived here on demand,
because most queries are never wrong and need no line table.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of code point offsets into the query text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column, both counted from 1 as Elasticsearch prints them."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(index + 1 for index, char in enumerate(text) if char == "\n"))


@dataclass(frozen=True, slots=True)
class Source:
    """The query as written."""

    text: str
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", _line_starts(self.text))

    def position(self, offset: int) -> Position:
        """Line and column of an offset; an offset past the end is the end."""
        bounded = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, bounded)
        return Position(line, bounded - self._starts[line - 1] + 1)

    def cut(self, span: Span) -> str:
        """The text a span covers, exactly as written."""
        return self.text[span.start : span.end]
