"""GROK patterns, as far as they can be said exactly without look-around.

Elasticsearch's pattern library uses look-behind and atomic groups, which RE2 lacks. Patterns
that need neither are here; NUMBER and IP need them only to avoid starting within a longer
number or address, so they are accepted where their neighbours in the pattern rule that out.
"""

from __future__ import annotations

import re

from remedyd.offline.functions.dissect import BadPattern, Extraction
from remedyd.offline.functions.grok_library import BOUNDED, PLAIN, SUPPORTED

__all__ = ["SUPPORTED", "Unsupported", "grok"]

_MAY_BE_EMPTY = frozenset({"DATA", "GREEDYDATA", "SPACE"})
_GROUP = re.compile(r"\\.|\(\?<(\w+)>|\((?!\?)")
_TYPES = {"int", "long", "float", "double", "boolean"}
_ITEM = re.compile(r"%\{(\w+)(?::([\w.@\[\]-]+))?(?::(\w+))?\}")


class Unsupported(ValueError):
    """A pattern that only Elasticsearch can match."""


class _Groups:
    """The groups of a regular expression, counted from 1, and the names that some have."""

    def __init__(self) -> None:
        self.count = 0
        self.found: dict[str, tuple[int, ...]] = {}

    def named(self, name: str) -> None:
        """Count a group with a name."""
        self.count += 1
        self.found[name] = (*self.found.get(name, ()), self.count)

    def written(self, text: str) -> str:
        """Count the groups in a part of the pattern itself, and return it without their names."""

        def counted(match: re.Match[str]) -> str:
            if match[1]:
                self.named(match[1])
                return "("
            self.count += match[0] == "("
            return match[0]

        return _GROUP.sub(counted, text)


def grok(pattern: str) -> Extraction:
    """Translate a GROK pattern. Raises BadPattern and Unsupported."""
    literal = _ITEM.sub("", pattern)
    if "%{" in literal:
        raise BadPattern(f"Invalid GROK pattern [{pattern}]")
    if re.search(r"\(\?(?:=|!|<=|<!|>)|\\[1-9kg]|(?<!\\)[*+?}]\+", literal):
        raise Unsupported("look-around in a GROK pattern")
    optional = re.search(r"(?<!\\)(?:\||[*]|(?<!\()\?)", literal) is not None
    regex, end = "(?s)", 0
    groups = _Groups()
    types: list[tuple[str, str]] = []
    for match in _ITEM.finditer(pattern):
        syntax, name, kind = match.groups()
        regex += groups.written(pattern[end : match.start()])
        before, body, behind = _body(pattern, match)
        end = match.end()
        if name is None:
            regex += f"{before}(?:{body}){behind}"
            continue
        groups.named(name)
        regex += f"{before}({body}){behind}"
        if optional and syntax in _MAY_BE_EMPTY:
            raise Unsupported(f"GROK pattern {syntax} beside an optional part")
        if kind is not None:
            if kind not in _TYPES:
                raise BadPattern(f"Invalid GROK pattern [{pattern}]: unknown type [{kind}]")
            types.append((name, kind))
    regex += groups.written(pattern[end:])
    if not groups.found:
        raise BadPattern(f"Invalid GROK pattern [{pattern}]: no field to extract")
    may_lack = frozenset(groups.found) if optional else frozenset()
    return Extraction(regex, groups.found, may_lack, tuple(types))


def _body(pattern: str, match: re.Match[str]) -> tuple[str, str, str]:
    """Return what must precede a pattern, the pattern itself, and what must follow it."""
    syntax = match[1]
    if syntax in PLAIN:
        return "", PLAIN[syntax], ""
    if syntax not in BOUNDED:
        raise Unsupported(f"GROK pattern {syntax}")
    body, taboo = BOUNDED[syntax]
    after = pattern[match.end() : match.end() + 1]
    if _may_touch(after, taboo):
        raise Unsupported(f"GROK pattern {syntax} next to what may belong to it")
    behind = "(?:$|[^0-9])" if taboo == "0123456789" and not after else ""
    if not match.start():
        return rf"(?:^|[^{re.escape(taboo)}])", body, behind
    before = pattern[match.start() - 1]
    escaped = pattern[match.start() - 2 : match.start() - 1] == "\\" and before in "[]()|$^"
    if not escaped and before != "^" and _may_touch(before, taboo):
        raise Unsupported(f"GROK pattern {syntax} next to what may belong to it")
    return "", body, behind


def _may_touch(neighbour: str, taboo: str) -> bool:
    """Whether a neighbour is anything but a plain character that cannot belong to the value."""
    if not neighbour:
        return False
    return neighbour in taboo or not (neighbour.isalpha() or neighbour in _SEPARATORS)


_SEPARATORS = " :,;=\"'#&~@/%<>-_!"
