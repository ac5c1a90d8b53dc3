"""A stream's mapped fields and every name each of them answers to.

A value is stored once, under its path in the document (a leaf). Queries may name it by that
path, by the path without its passthrough prefix, or by an alias: `k8s.pod.name`,
`resource.attributes.k8s.pod.name` and `kubernetes.pod.name` are one leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from remedyd.offline.types import DataType

TIMESTAMP = "@timestamp"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A stored value. `multi` once any document held several values there.

    `written` is the type in the mapping, which ES|QL may not know. `metric` is `gauge`, `counter`
    or empty; `constant` is set for a constant_keyword, which has that value in every document.
    """

    path: str
    type: DataType
    multi: bool = False
    dimension: bool = False
    metric: str = ""
    constant: str | None = None
    written: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A name that a query may use, and the leaf it reads."""

    name: str
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Container:
    """An object of the mapping into which new leaves may be mapped.

    `priority` is None unless it is a passthrough object; `dynamic` says whether a field that
    first appears in a document is mapped.
    """

    prefix: str
    dynamic: bool
    priority: int | None = None
    dimension: bool = False


@dataclass(frozen=True)
class Schema:
    """The mapping of one stream; immutable, so that a running query keeps its snapshot."""

    stream: str
    mode: str = "standard"
    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[Container, ...] = ()
    ignore_malformed: bool = False
    date_detection: bool = False

    @property
    def is_time_series(self) -> bool:
        """Whether TS may read it."""
        return self.mode == "time_series"

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Every name and its leaf.

        A mapped path wins over an alias of the same name, an alias over a passthrough name,
        and among passthrough objects the higher priority wins.
        """
        names: dict[str, Leaf] = {}
        for container in sorted(self._passthrough, key=lambda item: item.priority or 0):
            for path, leaf in self.leaves.items():
                if path.startswith(container.prefix):
                    names[path.removeprefix(container.prefix)] = leaf
        for alias, path in self.aliases.items():
            if path in self.leaves:
                names[alias] = self.leaves[path]
        names.update(self.leaves)
        return MappingProxyType({name: Field(name, leaf) for name, leaf in sorted(names.items())})

    @cached_property
    def stored(self) -> Mapping[str, Leaf]:
        """The leaf that decides how each path is stored; sub-fields read the same value."""
        return {name: leaf for name, leaf in self.leaves.items() if name == leaf.path}

    @property
    def _passthrough(self) -> list[Container]:
        return [item for item in self.containers if item.priority is not None]

    def container_of(self, path: str) -> Container | None:
        """Return the innermost mapped object around a path."""
        around = [item for item in self.containers if path.startswith(item.prefix)]
        return max(around, key=lambda item: len(item.prefix), default=None)

    def with_leaves(self, added: Mapping[str, Leaf]) -> Schema:
        """Return the schema with leaves added or replaced, sub-fields along with their field."""
        leaves = {**self.leaves, **added}
        for name, leaf in leaves.items():
            main = leaves.get(leaf.path, leaf)
            if main.multi != leaf.multi:
                leaves[name] = replace(leaf, multi=main.multi)
        return replace(self, leaves=leaves)
