"""Reading index mappings as Elasticsearch returns them (`GET stream/_mapping`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from remedyd.errors import InvalidInput, Problem
from remedyd.offline.catalog.schema import Container, Leaf, Schema
from remedyd.offline.types import mapped

_OBJECTS = frozenset({"object", "nested", "passthrough"})


def read_mapping(stream: str, definition: Mapping[str, Any], *, path: str = "") -> Schema:
    """Return the schema of one stream.

    `definition` holds `mappings` (`properties`, `dynamic`) and optionally `settings`, as in
    an index template; `path` names the file for error messages. Raises InvalidInput.
    """
    mappings = definition.get("mappings", definition)
    if not isinstance(mappings, Mapping) or not isinstance(mappings.get("properties"), Mapping):
        message = f"mapping of stream {stream!r} has no `properties` object"
        raise InvalidInput(message, [Problem(message, path)])
    settings = definition.get("settings", {})
    reader = _Reader(path)
    reader.object("", mappings, dynamic=_dynamic(mappings, default=True))
    if reader.problems:
        raise InvalidInput(f"mapping of stream {stream!r} cannot be used", reader.problems)
    return Schema(
        stream=stream,
        mode=str(settings.get("index.mode", "standard")),
        leaves=reader.leaves,
        aliases=reader.aliases,
        containers=tuple(reader.containers),
        ignore_malformed=bool(settings.get("index.mapping.ignore_malformed", False)),
        date_detection=bool(mappings.get("date_detection", True)),
    )


def _dynamic(definition: Mapping[str, Any], *, default: bool) -> bool:
    return str(definition.get("dynamic", default)).lower() in {"true", "runtime"}


class _Reader:
    """Collects leaves, aliases and objects while descending."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.leaves: dict[str, Leaf] = {}
        self.aliases: dict[str, str] = {}
        self.containers: list[Container] = []
        self.problems: list[Problem] = []

    def object(self, prefix: str, definition: Mapping[str, Any], *, dynamic: bool) -> None:
        """Read an object and everything below it."""
        passthrough = definition.get("type") == "passthrough"
        self.containers.append(
            Container(
                prefix=prefix,
                dynamic=dynamic,
                priority=int(definition.get("priority", 0)) if passthrough else None,
                dimension=bool(definition.get("time_series_dimension", False)),
            )
        )
        for name, child in self._children(prefix, definition):
            if "properties" in child or child.get("type", "object") in _OBJECTS:
                self.object(f"{name}.", child, dynamic=_dynamic(child, default=dynamic))
            elif child["type"] == "alias":
                self.aliases[name] = str(child.get("path", ""))
            else:
                self._leaf(name, child, dimension=self.containers[-1].dimension and passthrough)

    def _children(
        self, prefix: str, definition: Mapping[str, Any]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for key, child in definition.get("properties", {}).items():
            if isinstance(child, Mapping):
                yield f"{prefix}{key}", child
            else:
                message = f"mapping of field {prefix}{key!s} must be an object"
                self.problems.append(Problem(message, self.path))

    def _leaf(self, name: str, definition: Mapping[str, Any], *, dimension: bool) -> None:
        metric = str(definition.get("time_series_metric", ""))
        constant = definition.get("value")
        leaf = Leaf(
            path=name,
            type=mapped(str(definition["type"]), metric),
            dimension=bool(definition.get("time_series_dimension", dimension)),
            metric=metric,
            constant=None if constant is None else str(constant),
            written=str(definition["type"]),
        )
        self.leaves[name] = leaf
        for suffix, sub in definition.get("fields", {}).items():
            self.leaves[f"{name}.{suffix}"] = Leaf(
                path=name, type=mapped(str(sub.get("type", ""))), dimension=False
            )
