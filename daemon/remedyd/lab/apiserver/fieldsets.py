"""Sets of fields: which parts of an object differ, and how `managedFields` writes them down.

A field is a path of elements as `fieldsV1` spells them: `f:spec`, `k:{"name":"app"}`, `v:"x"`.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from remedyd.lab.apiserver import schema
from remedyd.lab.apiserver.schema import ANY, FieldType

Path = tuple[str, ...]
FieldSet = frozenset[Path]
_ABSENT = object()
_KEY_DEFAULTS = {"protocol": "TCP"}


class Difference(NamedTuple):
    """What one object has and the other has not."""

    added: FieldSet
    removed: FieldSet
    modified: FieldSet

    @property
    def changed(self) -> FieldSet:
        """Fields that are new or have a new value."""
        return self.added | self.modified


def tree(fields: Iterable[Path]) -> dict[str, Any]:
    """Write a set as `fieldsV1`."""
    root: dict[str, Any] = {}
    members = set(fields)
    for path in sorted(members):
        node = root
        for element in path:
            node = node.setdefault(element, {})
    for path in members:
        node = root
        for element in path:
            node = node[element]
        if node and "." not in node:
            node["."] = {}
    return root


def _paths(node: dict[str, Any], path: Path) -> Iterator[Path]:
    for element, inner in node.items():
        if element == ".":
            yield path
        elif not inner:
            yield (*path, element)
        else:
            yield from _paths(inner, (*path, element))


def from_tree(node: dict[str, Any]) -> FieldSet:
    """Read `fieldsV1`."""
    return frozenset(_paths(node, ()))


def element(item: Any, kind: FieldType) -> str:
    """Return the path element that names one item of an associative list."""
    if kind.relation == "set":
        return "v:" + json.dumps(item, separators=(",", ":"))
    keys = {key: item.get(key, _KEY_DEFAULTS.get(key)) for key in sorted(kind.keys)}
    return "k:" + json.dumps(keys, separators=(",", ":"))


def atomic(kind: FieldType, value: Any) -> bool:
    """Say whether managers own this whole: scalars, atomic lists and maps, empty ones."""
    if kind.shape == "scalar" or kind.relation == "atomic":
        return True
    if kind.shape == "struct" and schema.struct(kind.name).atomic:
        return True
    return not isinstance(value, dict | list) or (kind.shape == "any" and isinstance(value, list))


def children(value: Any, kind: FieldType) -> Iterator[tuple[str, Any, FieldType]]:
    """Yield the elements below a value: path element, value, type."""
    if kind.shape == "struct" and isinstance(value, dict):
        fields = schema.struct(kind.name).fields
        for key, item in value.items():
            yield f"f:{key}", item, fields.get(key, ANY)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"f:{key}", item, kind.item or ANY
    elif isinstance(value, list):
        for item in value:
            yield element(item, kind), item, kind.item or ANY


class _Comparison:
    def __init__(self) -> None:
        self.added: set[Path] = set()
        self.removed: set[Path] = set()
        self.modified: set[Path] = set()

    def note(self, old: Any, new: Any, path: Path) -> None:
        if old is _ABSENT:
            self.added.add(path)
        elif new is _ABSENT:
            self.removed.add(path)
        elif old != new:
            self.modified.add(path)

    def walk(self, old: Any, new: Any, kind: FieldType, path: Path) -> None:
        if old is new or (type(old) is type(new) and old == new):
            return
        empty = (old is _ABSENT or not old) and (new is _ABSENT or not new)
        if empty or self._leaf(old, kind) or self._leaf(new, kind):
            self.note(old, new, path)
            return
        before = {name: (item, inner) for name, item, inner in self._below(old, kind)}
        after = {name: (item, inner) for name, item, inner in self._below(new, kind)}
        for name in before | after:
            was, inner = before.get(name, (_ABSENT, ANY))
            now, inner = after.get(name, (_ABSENT, inner))
            self.walk(was, now, inner, (*path, name))
        if old is _ABSENT or new is _ABSENT:
            self.note(old, new, path)

    def _leaf(self, value: Any, kind: FieldType) -> bool:
        return value is not _ABSENT and value is not None and atomic(kind, value)

    def _below(self, value: Any, kind: FieldType) -> Iterator[tuple[str, Any, FieldType]]:
        return iter(()) if value is _ABSENT or value is None else children(value, kind)


def compare(old: Any, new: Any, kind: FieldType) -> Difference:
    """Return what changed from `old` to `new`."""
    comparison = _Comparison()
    comparison.walk(old, new, kind, ())
    return Difference(
        frozenset(comparison.added - {()}),
        frozenset(comparison.removed - {()}),
        frozenset(comparison.modified - {()}),
    )


def _collect(value: Any, kind: FieldType, path: Path, found: set[Path]) -> None:
    if atomic(kind, value):
        found.add(path)
        return
    for name, item, inner in children(value, kind):
        below = (*path, name)
        if name[0] in "kv" or kind.shape == "map" or item is None or item == {}:
            found.add(below)
        _collect(item, inner, below, found)


def members(value: Any, kind: FieldType) -> FieldSet:
    """Return the fields that an applied configuration names."""
    found: set[Path] = set()
    _collect(value, kind, (), found)
    return frozenset(found - {()})


def dotted(path: Path) -> str:
    """Return a path as people read it: `.spec.template.spec.containers[name="app"].image`."""
    text = ""
    for part in path:
        if part.startswith("f:"):
            text += f".{part[2:]}"
        elif part.startswith("k:"):
            keys = json.loads(part[2:])
            inner = ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items())
            text += f"[{inner}]"
        else:
            text += f"[={part[2:]}]"
    return text
