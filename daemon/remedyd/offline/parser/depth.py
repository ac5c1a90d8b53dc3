"""How deep an expression is, found without recursion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.nodes import Expression, below
from remedyd.offline.parser.cursor import MAX_DEPTH

if TYPE_CHECKING:
    from remedyd.offline.nodes import Node
    from remedyd.offline.parser.cursor import Cursor


def check_depth(cursor: Cursor, node: Expression, start: int, tokens: int) -> None:
    """Refuse an expression nested deeper than MAX_DEPTH.

    The parser counts brackets as it goes, but a chain such as `a + b + c ...` nests to the
    left without any. An expression of few tokens cannot be deep, so most are not walked.
    """
    if tokens <= MAX_DEPTH:
        return
    pending: list[tuple[Node, int]] = [(node, 1)]
    while pending:
        current, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise cursor.too_deep(start)
        pending.extend((child, depth + 1) for child in below(current))
