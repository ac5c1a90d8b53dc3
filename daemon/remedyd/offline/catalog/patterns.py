"""Index patterns: which streams a FROM list means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of an index list, `*` allowed; `excluded` for `-name`."""

    text: str
    excluded: bool = False

    @property
    def is_wildcard(self) -> bool:
        """Whether it may match nothing without being an error."""
        return "*" in self.text

    def matches(self, name: str) -> bool:
        """Whether a stream's name fits; only `*` is special."""
        escaped = self.text.replace("[", "[[]").replace("?", "[?]")
        return fnmatchcase(name, escaped)


def parse_patterns(text: str) -> tuple[Pattern, ...]:
    """Split a comma-separated index list as it is written in a URL."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    return tuple(Pattern(entry.removeprefix("-"), entry.startswith("-")) for entry in entries)


def select(patterns: Sequence[Pattern], names: Iterable[str]) -> tuple[str, ...]:
    """Return the matching names in alphabetical order.

    An exclusion takes away what the entries before it matched.
    """
    known = list(names)
    chosen: set[str] = set()
    for pattern in patterns:
        matching = {name for name in known if pattern.matches(name)}
        chosen = chosen - matching if pattern.excluded else chosen | matching
    return tuple(sorted(chosen))
