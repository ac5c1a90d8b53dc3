"""A schema written as the mapping that it was read from: the inverse of `mapping`.

Recordings keep mappings in files, and dynamic mapping goes on while documents are read; what was
learnt has to be written down again, or the next reader would learn something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from remedyd.offline.catalog.schema import Container, Leaf, Schema
from remedyd.offline.types import COUNTERS, DataType, plain

_UNREADABLE = "histogram"
"""Stands for a field type that ES|QL cannot read, where its name is not known."""


def render_mapping(schema: Schema) -> dict[str, Any]:
    """Return `settings` and `mappings` that `read_mapping` turns into this schema.

    What a mapping does not say is left out: whether a field had several values.
    """
    root: dict[str, Any] = {"date_detection": schema.date_detection}
    objects: dict[str, dict[str, Any]] = {"": root}
    for container in sorted(schema.containers, key=lambda one: len(one.prefix)):
        if container.prefix:
            objects[container.prefix] = _object(container)
            _put(objects, container.prefix.removesuffix("."), objects[container.prefix])
        else:
            root["dynamic"] = _word(container.dynamic)
    passthrough = {one.prefix: one for one in schema.containers if one.priority is not None}
    for name, leaf in schema.leaves.items():
        if name == leaf.path:
            _put(objects, name, _field(leaf, schema.leaves.items(), passthrough))
    for alias, path in schema.aliases.items():
        _put(objects, alias, {"type": "alias", "path": path})
    root.setdefault("properties", {})
    settings = {
        "index.mode": schema.mode,
        "index.mapping.ignore_malformed": schema.ignore_malformed,
    }
    return {"settings": settings, "mappings": root}


def _object(container: Container) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "dynamic": _word(container.dynamic)}
    if container.priority is not None:
        found |= {"type": "passthrough", "priority": container.priority}
    if container.dimension:
        found["time_series_dimension"] = True
    return found | {"properties": {}}


def _word(flag: bool) -> str:
    return "true" if flag else "false"


def _put(objects: dict[str, dict[str, Any]], name: str, definition: dict[str, Any]) -> None:
    """Hang a definition into the innermost object around it."""
    around = [prefix for prefix in objects if name.startswith(prefix) and f"{name}." != prefix]
    prefix = max(around, key=len)
    objects[prefix].setdefault("properties", {})[name.removeprefix(prefix)] = definition


def _field(
    leaf: Leaf, leaves: Iterable[tuple[str, Leaf]], passthrough: dict[str, Container]
) -> dict[str, Any]:
    if leaf.constant is not None:
        return {"type": "constant_keyword", "value": leaf.constant}
    found: dict[str, Any] = {"type": _type(leaf)}
    metric = "counter" if leaf.type in COUNTERS else leaf.metric
    if metric:
        found["time_series_metric"] = metric
    around = max((p for p in passthrough if leaf.path.startswith(p)), key=len, default="")
    usual = bool(around) and passthrough[around].dimension
    if leaf.dimension is not usual:
        found["time_series_dimension"] = leaf.dimension
    below = {
        name.removeprefix(f"{leaf.path}."): {"type": _type(sub)}
        for name, sub in leaves
        if sub.path == leaf.path and name != leaf.path
    }
    return found | ({"fields": below} if below else {})


def _type(leaf: Leaf) -> str:
    """Return the type as it was written; fields that were mapped on the way have ES|QL's."""
    usual = _UNREADABLE if leaf.type is DataType.UNSUPPORTED else plain(leaf.type).value
    return leaf.written or usual
