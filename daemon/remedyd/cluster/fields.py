"""Fields of an object by readable path, and patches built from them.

A path such as `spec.template.spec.containers[app].resources.limits.memory` names a container by
name and an annotation by key (`metadata.annotations[remedyd.io/proposal]`), so that it stays
true when the list is reordered. The same paths are in plans, digests, and conflict messages;
patch and undo are both made of them and therefore touch nothing else.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from remedyd.cluster import quantities
from remedyd.errors import InvalidInput
from remedyd.model.hidden import short
from remedyd.model.plan import FieldChange
from remedyd.model.values import Json, KubeObject

_PART = re.compile(r"([A-Za-z0-9_-]+)((?:\[[^\]]+\])*)(?:\.|$)")
_KEYS = re.compile(r"\[([^\]]+)\]")
_AMOUNTS = re.compile(r"\.resources\.(limits|requests)\.")
_WHOLE = re.compile(r"[0-9]{1,18}")
_LISTS = frozenset({"containers", "initContainers", "env", "volumes"})

Part = str | tuple[str, str]
"""A key of a mapping, or (list, name of its item)."""


def whole(text: str) -> int | None:
    """Return the number that an annotation holds, None for anything but a few plain digits.

    Owners write what they like there: `²` is a digit to Python, and a row of digits is endless.
    """
    return int(text) if _WHOLE.fullmatch(text) else None


def split(path: str) -> tuple[Part, ...]:
    """Return the parts of a path; raise InvalidInput when it is malformed."""
    parts: list[Part] = []
    position = 0
    while position < len(path):
        match = _PART.match(path, position)
        if match is None:
            raise InvalidInput(f"{path!r} is not a field path")
        name, keys = match.group(1), _KEYS.findall(match.group(2))
        if name in _LISTS and keys:
            parts.append((name, keys[0]))
            keys = keys[1:]
        else:
            parts.append(name)
        parts += keys
        position = match.end()
    return tuple(parts)


def lookup(obj: Mapping[str, Any], path: str) -> Json:
    """Return the value at `path`, None when any part of it is absent."""
    value: Any = obj
    for part in split(path):
        if isinstance(part, tuple):
            value = _item(value, *part)
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None:
            return None
    found: Json = value
    return found


def _item(parent: Any, listing: str, name: str) -> Any:
    items = parent.get(listing) if isinstance(parent, Mapping) else None
    return next((item for item in items or () if item.get("name") == name), None)


def equal(path: str, first: Json, second: Json) -> bool:
    """Say whether two values of the field at `path` mean the same; amounts count as numbers."""
    if _AMOUNTS.search(path) and first is not None and second is not None:
        try:
            return quantities.same(first, second)
        except InvalidInput:
            return first == second
    return first == second


def moved(live: KubeObject, changes: Iterable[FieldChange], *, undo: bool = False) -> list[str]:
    """Return a sentence for each field whose live value is not the expected one.

    Expected is the value before the change, or with `undo` the one after it.
    """
    found = []
    for change in changes:
        expected = change.new if undo else change.old
        now = lookup(live, change.path)
        if not equal(change.path, now, expected):
            found.append(f"{change.path} is {short(now)}, expected {short(expected)}")
    return found


def landed(live: KubeObject, changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Return the fields whose live value differs from the planned one (old: planned)."""
    return tuple(
        FieldChange(change.path, change.new, now)
        for change in changes
        if not equal(change.path, now := lookup(live, change.path), change.new)
    )


def inverse(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Return the changes that take these back."""
    return tuple(FieldChange(change.path, change.new, change.old) for change in changes)


def changed(obj: KubeObject, changes: Iterable[FieldChange]) -> KubeObject:
    """Return `obj` with the changes made; what they do not touch is shared with it."""
    for change in changes:
        obj = _with(obj, split(change.path), change.new)
    return obj


def _with(place: KubeObject, parts: tuple[Part, ...], value: Json) -> KubeObject:
    part, rest = parts[0], parts[1:]
    if isinstance(part, tuple):
        key, name = part
        items = [_with(one, rest, value) if one["name"] == name else one for one in place[key]]
        return {**place, key: items}
    if rest:
        return {**place, part: _with(place.get(part) or {}, rest, value)}
    if value is None:
        return {key: kept for key, kept in place.items() if key != part}
    return {**place, part: value}


def patch_body(changes: Iterable[FieldChange], *, undo: bool = False) -> KubeObject:
    """Return the strategic merge patch that sets the new values, or with `undo` the old ones.

    An absent value becomes null, which removes the field.
    """
    body: KubeObject = {}
    for change in changes:
        *parents, last = split(change.path)
        place: Any = body
        for part in parents:
            place = _enter(place, part)
        if isinstance(last, tuple):
            raise InvalidInput(f"{change.path!r} names a list item, not a field of it")
        place[last] = change.old if undo else change.new
    return body


def _enter(place: KubeObject, part: Part) -> KubeObject:
    if isinstance(part, str):
        inner: KubeObject = place.setdefault(part, {})
        return inner
    listing, name = part
    items: list[KubeObject] = place.setdefault(listing, [])
    for item in items:
        if item["name"] == name:
            return item
    items.append({"name": name})
    return items[-1]


def merge(*bodies: KubeObject) -> KubeObject:
    """Return patch bodies laid over one another; lists of the later ones win."""
    result: KubeObject = {}
    for body in bodies:
        for key, value in body.items():
            inner = result.get(key)
            if isinstance(inner, dict) and isinstance(value, dict):
                result[key] = merge(inner, value)
            else:
                result[key] = value
    return result
