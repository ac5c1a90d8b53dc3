"""Reading an object as its Go type would: check types, canonicalise, drop what is unknown or empty.

A real server turns JSON into Go structs and back, which is why unknown fields vanish, `1024Mi`
becomes `1Gi` and empty lists disappear. Two decoders are at work there with different words for
the same mistake: the JSON one for whole bodies, and a converter for strategic merge patches.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Context, Decimal
from types import MappingProxyType
from typing import Any

from remedyd.lab.apiserver import gotime, quantity, schema
from remedyd.lab.apiserver.schema import FieldType
from remedyd.lab.apiserver.shapes import (
    ALWAYS,
    EMPTY_TEXT_KEPT,
    ZERO_LEFT_OUT,
    ZERO_LEFT_OUT_IN,
)
from remedyd.model.values import KubeObject

_BITS = {"int32": 32, "int64": 64}
_GO_KINDS = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
_GO_TYPES = {"bool": "bool", "string": "string", "number": "float64", "bytes": "[]uint8"}
_ZERO = {"string": "", "int32": 0, "int64": 0, "bool": False, "intstr": 0, "number": 0}
_MILLI = Decimal("0.001")
_WIDE = Context(prec=80)


@dataclass(slots=True)
class _Walk:
    """Where the decoder is and what it has met."""

    converter: bool
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The object as its type holds it, and the unknown fields as dotted paths."""

    object: KubeObject
    unknown: tuple[str, ...]


def decode(
    obj: KubeObject,
    kind: FieldType,
    *,
    converter: bool = False,
    known: Mapping[str, Any] = MappingProxyType({}),
) -> Decoded:
    """Read `obj` as `kind`; raises ValueError in the words of the decoder in use.

    `known` holds fields of an object that was read before: what is still as there is taken from
    there, and shared with it.
    """
    walk = _Walk(converter)
    if kind.shape == "any":
        return Decoded(obj, ())
    fresh = {key: item for key, item in obj.items() if key not in known or known[key] != item}
    decoded = _struct(fresh, kind.name, "", walk)
    if len(fresh) < len(obj):
        told = {key: decoded if key in fresh else known for key in obj}
        more = {key: item for key, item in decoded.items() if key not in obj}
        decoded = {key: source[key] for key, source in told.items() if key in source} | more
    for head in ("apiVersion", "kind"):
        if obj.get(head):
            decoded.pop(head, None)
            decoded = {head: obj[head], **decoded}
    return Decoded(decoded, tuple(walk.unknown))


def _items(value: dict[str, Any], walk: _Walk) -> Iterable[tuple[str, Any]]:
    return sorted(value.items()) if walk.converter else value.items()


def _struct(value: Any, name: str, path: str, walk: _Walk) -> dict[str, Any]:
    struct = schema.struct(name)
    result: dict[str, Any] = {}
    for key, item in _items(value, walk):
        where = f"{path}.{key}" if path else key
        known = struct.fields.get(key)
        if known is None:
            walk.unknown.append(where)
            continue
        if item is None:
            continue
        read = _value(item, known, where, walk, struct.name)
        if key in struct.required or not _left_out(read, known, key, name):
            result[key] = read
    for key in struct.required:
        if key not in result:
            result[key] = _zero(struct.fields[key])
    for key, empty in ALWAYS.get(name, {}).items():
        if key not in result:
            inner = struct.fields.get(key)
            made = _struct({}, inner.name, "", walk) if inner and inner.shape == "struct" else empty
            result[key] = made
    return result


def _zero(kind: FieldType) -> Any:
    if kind.shape == "struct":
        fields = schema.struct(kind.name).fields
        return None if "matchLabels" in fields else _struct({}, kind.name, "", _Walk(False))
    return _ZERO.get(kind.name)


def _left_out(value: Any, kind: FieldType, key: str, struct_name: str) -> bool:
    if value in ({}, []) and kind.shape in ("list", "map"):
        return True
    if value == "" and isinstance(value, str):
        return kind.name == "string" and key not in EMPTY_TEXT_KEPT
    if value == 0 and kind.name in ("int32", "int64", "bool"):
        return key in ZERO_LEFT_OUT or (struct_name, key) in ZERO_LEFT_OUT_IN
    return False


def _value(value: Any, kind: FieldType, path: str, walk: _Walk, owner: str) -> Any:
    if kind.shape == "any":
        return value
    if kind.shape == "scalar":
        return _scalar(value, kind.name, path, walk, owner)
    if kind.shape == "list":
        if not isinstance(value, list):
            raise ValueError(_mismatch(value, f"[]{_go_type(kind.item)}", path, walk, owner))
        item = kind.item or schema.ANY
        return [
            _value(each, item, f"{path}[{index}]", walk, owner) for index, each in enumerate(value)
        ]
    if not isinstance(value, dict):
        raise ValueError(_mismatch(value, _go_type(kind), path, walk, owner))
    if kind.shape == "struct":
        return _struct(value, kind.name, path, walk)
    item = kind.item or schema.ANY
    if item.name == "quantity":
        return {key: _milli(_quantity(each)) for key, each in value.items() if each is not None}
    return {key: _value(each, item, path, walk, owner) for key, each in value.items()}


def _go_type(kind: FieldType | None) -> str:
    if kind is None:
        return "interface {}"
    if kind.shape == "map":
        return f"map[string]{_go_type(kind.item)}"
    if kind.shape == "list":
        return f"[]{_go_type(kind.item)}"
    if kind.shape == "struct":
        version = kind.name.split(".")[-2]
        return f"{version}.{kind.name.rsplit('.', 1)[-1]}"
    return _GO_TYPES.get(kind.name, kind.name)


def _mismatch(value: Any, go_type: str, path: str, walk: _Walk, owner: str) -> str:
    if walk.converter:
        return f"unrecognized type: {go_type}"
    plain = ".".join(part.split("[")[0] for part in path.split("."))
    found = _GO_KINDS.get(type(value), "null")
    if found == "number" and go_type in _BITS:
        found = f"number {value}"
    struct_name = owner.rsplit(".", 1)[-1]
    place = f"Go struct field {struct_name}.{plain}"
    return f"json: cannot unmarshal {found} into {place} of type {go_type}"


def _quantity(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(quantity.SYNTAX)
    return quantity.canonical(value)


def _milli(text: str) -> str:
    read = quantity.parse(text)
    up = read.value.quantize(_MILLI, rounding=ROUND_CEILING, context=_WIDE)
    if up == read.value:
        return text
    return quantity.Quantity(up, read.form).text()


def _integer(value: Any, name: str, path: str, walk: _Walk, owner: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(_mismatch(value, name, path, walk, owner))
    bits = _BITS[name]
    if walk.converter:
        if isinstance(value, float) and value % 1:
            raise ValueError(f"cannot convert float64 to {name}")
        wrapped = int(value) & ((1 << bits) - 1)
        return wrapped - (1 << bits) if wrapped >> (bits - 1) else wrapped
    if isinstance(value, float) or not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ValueError(_mismatch(value, name, path, walk, owner))
    return value


def _scalar(value: Any, name: str, path: str, walk: _Walk, owner: str) -> Any:
    if name in _BITS:
        return _integer(value, name, path, walk, owner)
    if name == "quantity":
        return _quantity(value)
    if name == "intstr":
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValueError(_mismatch(value, "intstr.IntOrString", path, walk, owner))
        return value
    if name == "bool":
        if not isinstance(value, bool):
            raise ValueError(_mismatch(value, "bool", path, walk, owner))
        return value
    if name == "number":
        return value
    if not isinstance(value, str):
        raise ValueError(_mismatch(value, _GO_TYPES.get(name, "string"), path, walk, owner))
    if name == "time":
        return gotime.seconds(value)
    return gotime.micro(value) if name == "microtime" else value
