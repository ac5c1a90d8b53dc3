"""DISSECT patterns: keys between literal delimiters.

A pattern becomes a regular expression whose keys are as short as possible. That is the same as
DISSECT's search for each delimiter in turn, because what follows a delimiter's first occurrence
always holds what follows a later one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEY = re.compile(r"%\{([^}]*)\}")
_NAME = re.compile(r"(?P<sign>[+*&?]?)(?P<name>[^/]*?)(?:/(?P<order>\d+))?(?P<pad>->)?")


class BadPattern(ValueError):
    """A pattern that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """A regular expression and what its groups mean.

    `keys` gives the groups of each column, in the order in which they are joined. `may_lack`
    are keys that may have taken no part in a match, `types` are conversions asked for.
    """

    regex: str
    keys: dict[str, tuple[int, ...]]
    may_lack: frozenset[str] = frozenset()
    types: tuple[tuple[str, str], ...] = ()


def dissect(pattern: str) -> Extraction:
    """Translate a DISSECT pattern. Raises BadPattern."""
    pieces = _KEY.split(pattern)
    if len(pieces) < 3:
        raise BadPattern(f"Invalid pattern for dissect: [{pattern}]")
    regex = "(?s)^" + re.escape(pieces[0])
    found: dict[str, list[tuple[int, int]]] = {}
    appended: set[str] = set()
    count = 0
    for place, (written, delimiter) in enumerate(zip(pieces[1::2], pieces[2::2], strict=True)):
        match = _NAME.fullmatch(written)
        if match is None:
            raise BadPattern(f"Invalid pattern for dissect: [{pattern}]")
        sign, name = match["sign"], match["name"]
        if sign in {"*", "&"}:
            raise BadPattern(f"Reference keys not supported in dissect patterns: [%{{{written}}}]")
        value = ".*?" if delimiter else ".*"
        if name and sign != "?":
            count += 1
            order = int(match["order"]) if match["order"] else place
            if sign == "+":
                appended.add(name)
            found.setdefault(name, []).append((order, count))
            regex += f"({value})"
        else:
            regex += f"(?:{value})"
        last = not delimiter and place == len(pieces) // 2 - 1
        if not delimiter and not last:
            raise BadPattern(f"Invalid pattern for dissect: [{pattern}]")
        repeated = f"(?:{re.escape(delimiter)})+" if match["pad"] else re.escape(delimiter)
        regex += repeated if delimiter else "$"
    if not found:
        raise BadPattern(f"Invalid pattern for dissect: [{pattern}]")
    keys = {name: tuple(group for _, group in sorted(places)) for name, places in found.items()}
    for name in keys.keys() - appended:  # the last one written is the one that stays
        keys[name] = (found[name][-1][1],)
    return Extraction(regex, keys)
