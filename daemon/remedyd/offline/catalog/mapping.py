"""Reading index mappings as Elasticsearch returns them (`GET stream/_mapping`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remedyd.errors import InvalidInput, Problem
from remedyd.offline.catalog.checking import mistakes
from remedyd.offline.catalog.lines import line_of
from remedyd.offline.catalog.schema import Container, Leaf, Schema
from remedyd.offline.types import mapped

_OBJECTS = frozenset({"object", "nested", "passthrough"})


def read_mapping(
    stream: str, definition: Mapping[str, Any], *, path: str = "", text: str = ""
) -> Schema:
    """Return the schema of one stream.

    `definition` holds `mappings` (`properties`, `dynamic`) and optionally `settings`, as in
    an index template; `path` names the file for error messages and `text` is what it holds, to
    tell the line. Raises InvalidInput.
    """
    problems = [
        Problem(f"mapping of stream {stream!r}: {what}", path, line, min(line, 1))
        for keys, what in mistakes(definition)
        for line in (line_of(text, (stream, *keys)) if text else 0,)
    ]
    if problems:
        raise InvalidInput(str(problems[0]), problems, hint="Correct the mapping.")
    mappings = definition.get("mappings", definition)
    settings = definition.get("settings", {})
    reader = _Reader()
    reader.object("", mappings, dynamic=_dynamic(mappings, default=True))
    return Schema(
        stream=stream,
        mode=str(settings.get("index.mode", "standard")),
        leaves=reader.leaves,
        aliases=reader.aliases,
        containers=tuple(reader.containers),
        ignore_malformed=_flag(settings.get("index.mapping.ignore_malformed")),
        date_detection=bool(mappings.get("date_detection", True)),
    )


def _flag(value: object) -> bool:
    """Read a setting, which Elasticsearch returns as text."""
    return str(value).lower() == "true"


def _dynamic(definition: Mapping[str, Any], *, default: bool) -> bool:
    return str(definition.get("dynamic", default)).lower() in {"true", "runtime"}


class _Reader:
    """Collects leaves, aliases and objects while descending."""

    def __init__(self) -> None:
        self.leaves: dict[str, Leaf] = {}
        self.aliases: dict[str, str] = {}
        self.containers: list[Container] = []

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
        for key, child in definition.get("properties", {}).items():
            name = f"{prefix}{key}"
            if "properties" in child or child.get("type", "object") in _OBJECTS:
                self.object(f"{name}.", child, dynamic=_dynamic(child, default=dynamic))
            elif child["type"] == "alias":
                self.aliases[name] = str(child.get("path", ""))
            else:
                self._leaf(name, child, dimension=self.containers[-1].dimension and passthrough)

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
