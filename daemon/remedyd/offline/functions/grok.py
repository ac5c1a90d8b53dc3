"""GROK patterns, as far as they can be said exactly without look-around.

Elasticsearch's pattern library uses look-behind and atomic groups, which RE2 lacks. Patterns
that need neither are here; NUMBER and IP need them only to avoid starting within a longer
number or address, so they are accepted where their neighbours in the pattern rule that out.
"""

from __future__ import annotations

import re

from remedyd.offline.functions.dissect import BadPattern, Extraction

_PLAIN = {
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "INT": r"(?:[+-]?(?:[0-9]+))",
    "POSINT": r"\b(?:[1-9][0-9]*)\b",
    "NONNEGINT": r"\b(?:[0-9]+)\b",
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"[a-zA-Z0-9._-]+",
    "UUID": r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}",
    "LOGLEVEL": (
        r"(?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo?(?:rmation)?"
        r"|INFO?(?:RMATION)?|[Ww]arn?(?:ing)?|WARN?(?:ING)?|[Ee]rr?(?:or)?|ERR?(?:OR)?"
        r"|[Cc]rit?(?:ical)?|CRIT?(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|EMERG(?:ENCY)?"
        r"|[Ee]merg(?:ency)?)"
    ),
    "YEAR": r"(?:\d\d){1,2}",
    "MONTHNUM": r"(?:0?[1-9]|1[0-2])",
    "MONTHDAY": r"(?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9])",
    "HOUR": r"(?:2[0123]|[01]?[0-9])",
    "MINUTE": r"(?:[0-5][0-9])",
    "SECOND": r"(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?)",
    "ISO8601_TIMEZONE": r"(?:Z|[+-](?:2[0123]|[01]?[0-9])(?::?(?:[0-5][0-9])))",
}
_PLAIN["TIMESTAMP_ISO8601"] = (
    f"{_PLAIN['YEAR']}-{_PLAIN['MONTHNUM']}-{_PLAIN['MONTHDAY']}[T ]{_PLAIN['HOUR']}:?"
    f"{_PLAIN['MINUTE']}(?::?{_PLAIN['SECOND']})?{_PLAIN['ISO8601_TIMEZONE']}?"
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[0-1]?[0-9]{1,2})"
_BOUNDED = {
    "NUMBER": (r"(?:[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+)))", "0123456789.+-"),
    "BASE10NUM": (r"(?:[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+)))", "0123456789.+-"),
    "IPV4": (rf"(?:{_OCTET}[.]{_OCTET}[.]{_OCTET}[.]{_OCTET})", "0123456789"),
}
"""Pattern, and the characters that must not stand next to it."""

_MAY_BE_EMPTY = frozenset({"DATA", "GREEDYDATA", "SPACE"})
_TYPES = {"int", "long", "float", "double", "boolean"}
_ITEM = re.compile(r"%\{(\w+)(?::([\w.@\[\]-]+))?(?::(\w+))?\}")
SUPPORTED = tuple(sorted({*_PLAIN, *_BOUNDED}))


class Unsupported(ValueError):
    """A pattern that only Elasticsearch can match."""


def grok(pattern: str) -> Extraction:
    """Translate a GROK pattern. Raises BadPattern and Unsupported."""
    literal = _ITEM.sub("", pattern)
    if "%{" in literal:
        raise BadPattern(f"Invalid GROK pattern [{pattern}]")
    if re.search(r"\(\?(?:=|!|<=|<!|>|<\w)|\\[1-9kg]|(?<!\\)[*+?}]\+", literal):
        raise Unsupported("look-around in a GROK pattern")
    optional = re.search(r"(?<!\\)[|?*]", literal) is not None
    regex, group, end = "(?s)", 0, 0
    found: dict[str, tuple[int, ...]] = {}
    types: list[tuple[str, str]] = []
    may_lack: set[str] = set()
    for match in _ITEM.finditer(pattern):
        syntax, name, kind = match.groups()
        between = pattern[end : match.start()]
        regex += between
        group += len(re.findall(r"(?<!\\)\((?!\?)", between))
        before, body, behind = _body(pattern, match)
        regex += before
        end = match.end()
        if name is None:
            regex += f"(?:{body}){behind}"
            continue
        group += 1
        regex += f"({body}){behind}"
        found[name] = (*found.get(name, ()), group)
        if optional and syntax in _MAY_BE_EMPTY:
            raise Unsupported(f"GROK pattern {syntax} beside an optional part")
        if optional:
            may_lack.add(name)
        if kind is not None:
            if kind not in _TYPES:
                raise BadPattern(f"Invalid GROK pattern [{pattern}]: unknown type [{kind}]")
            types.append((name, kind))
    if not found:
        raise BadPattern(f"Invalid GROK pattern [{pattern}]: no field to extract")
    return Extraction(regex + pattern[end:], found, frozenset(may_lack), tuple(types))


def _body(pattern: str, match: re.Match[str]) -> tuple[str, str, str]:
    """Return what must precede a pattern, the pattern itself, and what must follow it."""
    syntax = match[1]
    if syntax in _PLAIN:
        return "", _PLAIN[syntax], ""
    if syntax not in _BOUNDED:
        raise Unsupported(f"GROK pattern {syntax}")
    body, taboo = _BOUNDED[syntax]
    after = pattern[match.end() : match.end() + 1]
    if _may_touch(after, taboo):
        raise Unsupported(f"GROK pattern {syntax} next to what may belong to it")
    behind = "(?:$|[^0-9])" if syntax == "IPV4" and not after else ""
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
