"""The streams that can be queried, and the fields a list of them has together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from remedyd.offline.catalog.patterns import Pattern, select
from remedyd.offline.catalog.schema import Field, Schema
from remedyd.offline.types import DataType


@dataclass(frozen=True, slots=True)
class Resolution:
    """The streams behind an index list and their fields, merged by name.

    `memo` keeps what a reader derives from it, since audits ask for the same list every time.
    """

    streams: tuple[Schema, ...]
    missing: tuple[str, ...] = ()
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def names(self) -> list[str]:
        """Every field name of any of the streams, in alphabetical order."""
        return sorted({name for schema in self.streams for name in schema.fields})

    def variants(self, name: str) -> dict[str, Field]:
        """Return the field of that name per stream that maps it."""
        return {
            schema.stream: schema.fields[name] for schema in self.streams if name in schema.fields
        }

    def types(self, name: str) -> dict[DataType, list[str]]:
        """Return the types the name is mapped as, each with its streams."""
        found: dict[DataType, list[str]] = {}
        for stream, variant in self.variants(name).items():
            found.setdefault(variant.leaf.type, []).append(stream)
        return found


@dataclass(frozen=True, slots=True)
class Catalog:
    """A snapshot of all streams."""

    schemas: Mapping[str, Schema] = field(default_factory=dict)
    _resolved: dict[tuple[Pattern, ...], Resolution] = field(
        default_factory=dict, compare=False, repr=False
    )

    def resolve(self, patterns: Sequence[Pattern]) -> Resolution:
        """Return the streams an index list means.

        `missing` names the entries without wildcard that no stream has.
        """
        key = tuple(patterns)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(key)
        return self._resolved[key]

    def _resolve(self, patterns: tuple[Pattern, ...]) -> Resolution:
        chosen = select(patterns, self.schemas)
        missing = tuple(
            entry.text
            for entry in patterns
            if not entry.excluded and not entry.is_wildcard and entry.text not in self.schemas
        )
        return Resolution(tuple(self.schemas[name] for name in chosen), missing)
