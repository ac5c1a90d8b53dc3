"""Strategic merge patch: lists of named things are merged by their key, not replaced.

Follows the reference behaviour in its quirks too: items new to the list go in front, and a
patch item without the merge key is a server error, not a client's.
"""

import json
from typing import Any

from remedyd.lab.apiserver import schema
from remedyd.lab.apiserver.copying import clone
from remedyd.lab.apiserver.schema import ANY, FieldType
from remedyd.lab.apiserver.status import StatusError, bad_request

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_FROM = "$deleteFromPrimitiveList/"


def go_map(value: Any) -> str:
    """Write a JSON value as Go prints it: `map[spec:map[replicas:3]]`."""
    if isinstance(value, dict):
        inner = " ".join(f"{key}:{go_map(item)}" for key, item in sorted(value.items()))
        return f"map[{inner}]"
    if isinstance(value, list):
        return f"[{' '.join(go_map(item) for item in value)}]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return json.dumps(value)
    return str(value)


def _no_key(item: Any, key: str) -> StatusError:
    message = f"map: {go_map(item)} does not contain declared merge key: {key}"
    return StatusError(500, "", message)


def _bad_directive(value: Any) -> StatusError:
    return bad_request(f"Invalid value of $patch: {go_map(value)}")


def apply(target: dict[str, Any], patch: dict[str, Any], kind: FieldType) -> dict[str, Any]:
    """Return `target` with `patch` merged into it, field by field as `kind` says."""
    return _map(target, patch, kind, False)


def _field(kind: FieldType, key: str) -> FieldType:
    if kind.shape == "struct":
        return schema.struct(kind.name).fields.get(key, ANY)
    return kind.item or ANY if kind.shape == "map" else ANY


def _map(
    target: dict[str, Any], patch: dict[str, Any], kind: FieldType, retain: bool
) -> dict[str, Any]:
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        replaced: dict[str, Any] = _plain(patch)
        return replaced
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise _bad_directive(directive)
    result = dict(target)
    if retain and isinstance(patch.get(_RETAIN), list):
        result = {key: item for key, item in result.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key in (_DIRECTIVE, _RETAIN):
            continue
        if key.startswith(_DELETE_FROM):
            name = key.removeprefix(_DELETE_FROM)
            result[name] = [item for item in result.get(name) or [] if item not in value]
        elif key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            if name not in patch and isinstance(result.get(name), list):
                inner = _field(kind, name)
                result[name] = _ordered([], result[name], value, result[name], inner.merge_key)
        elif value is None:
            result.pop(key, None)
        else:
            order = patch.get(_ORDER + key)
            result[key] = _merged(result.get(key), value, _field(kind, key), order)
    return result


def _merged(current: Any, value: Any, kind: FieldType, order: Any) -> Any:
    if isinstance(value, dict):
        return _map(current if isinstance(current, dict) else {}, value, kind, kind.retain)
    if isinstance(value, list) and kind.shape == "list" and kind.merge:
        base: list[Any] = current if isinstance(current, list) else []
        if kind.merge_key:
            return _keyed(base, value, kind, order)
        return _primitives(base, value, order)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a patch value without directives and nulls, for places where nothing was before."""
    if isinstance(value, dict):
        return {
            key: _plain(item)
            for key, item in value.items()
            if item is not None and not key.startswith("$")
        }
    if isinstance(value, list):
        return [
            _plain(item) for item in value if not (isinstance(item, dict) and _DIRECTIVE in item)
        ]
    return clone(value)


def _primitives(base: list[Any], value: list[Any], order: Any) -> list[Any]:
    joined = base + [item for item in value if item not in base]
    if isinstance(order, list):
        return _ordered(
            [item for item in joined if item in order],
            [item for item in joined if item not in order],
            order,
            base,
            "",
        )
    return joined


def _keyed(base: list[Any], patch: list[Any], kind: FieldType, order: Any) -> list[Any]:
    key, item_type = kind.merge_key, kind.item or ANY
    for item in patch:
        if isinstance(item, dict) and item.get(_DIRECTIVE) == "replace":
            return [_plain(each) for each in patch if each.get(_DIRECTIVE) != "replace"]
    current = list(base)
    touched: list[Any] = []
    for item in patch:
        if not isinstance(item, dict):
            raise bad_request("invalid list element in a strategic merge patch: want an object")
        if key not in item:
            raise _no_key(item, key)
        found = next((each for each in current if each.get(key) == item[key]), None)
        if item.get(_DIRECTIVE) == "delete":
            current = [each for each in current if each.get(key) != item[key]]
            continue
        merged = _map(found or {}, item, item_type, kind.retain)
        if found is None:
            current.append(merged)
        else:
            current[current.index(found)] = merged
        touched.append(merged)
    wanted = order if isinstance(order, list) else [{key: item[key]} for item in patch]
    named = [entry.get(key) for entry in wanted if isinstance(entry, dict)]
    chosen = [item for item in current if item.get(key) in named]
    others = [item for item in current if item.get(key) not in named]
    return _ordered(chosen, others, wanted, base, key)


def _position(items: list[Any], item: Any, key: str) -> int:
    name = item.get(key) if key else item
    for index, other in enumerate(items):
        if (other.get(key) if key else other) == name:
            return index
    return -1


def _ordered(
    chosen: list[Any], others: list[Any], order: list[Any], before: list[Any], key: str
) -> list[Any]:
    """Interleave the patch's items, in its order, with the rest in the order they had."""
    right = sorted(chosen, key=lambda item: _position(order, item, key))
    left = sorted(others, key=lambda item: _position(before, item, key))
    result: list[Any] = []
    while left and right:
        was, now = _position(before, left[0], key), _position(before, right[0], key)
        result.append(left.pop(0) if 0 <= was < now else right.pop(0))
    return result + left + right
