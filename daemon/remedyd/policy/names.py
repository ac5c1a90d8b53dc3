"""Which names a CEL expression mentions, without parsing it.

The library keeps its syntax tree to itself. Whatever an expression reads it has to spell, so the
words in its text are a superset of what it depends on; that is all the callers need.
"""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_RESERVED = re.compile(
    "as|break|const|continue|else|false|for|function|if|import|in|let|loop|package|namespace|null|"
    "return|true|var|void|while"
)


def declarable(name: str) -> bool:
    """Return whether CEL can refer to a variable of this (possibly dotted) name."""
    first = name.partition(".")[0]
    return bool(_VARIABLE.fullmatch(name)) and not _RESERVED.fullmatch(first)


def mentioned(expression: str, variables: Iterable[str]) -> tuple[str, ...]:
    """Return those of `variables` that the expression may read, in their order."""
    words = frozenset(_WORD.findall(expression))
    return tuple(name for name in variables if words.issuperset(name.split(".")))
