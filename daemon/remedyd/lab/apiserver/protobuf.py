"""Bodies in protobuf, which kubectl's `create` and `auth can-i` send without asking.

Only requests are read this way; answers are JSON, which every client accepts. Field numbers are
facts of the API and never change; a field without a known number is left out.
"""

import base64
import json
import struct as structs
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from remedyd.lab.apiserver import schema
from remedyd.lab.apiserver.schema import FieldType
from remedyd.model.values import KubeObject

MEDIA = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Raw = int | bytes


@cache
def _numbers() -> dict[str, dict[str, Any]]:
    text = resources.files(__package__).joinpath("data/protobuf.json").read_text()
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("unexpected EOF")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Raw]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
        elif wire == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("unexpected EOF")
            yield number, data[at : at + size]
            at += size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            yield number, data[at : at + size]
            at += size
        else:
            raise ValueError(f"proto: illegal wireType {wire}")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _text(value: Raw) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _time(data: bytes, *, micro: bool) -> str | None:
    held = dict(_fields(data))
    seconds, nanos = held.get(1, 0), held.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int) or not data:
        return None
    moment = _EPOCH + timedelta(seconds=_signed(seconds), microseconds=nanos // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def _scalar(value: Raw, name: str) -> Any:
    if isinstance(value, int):
        return bool(value) if name == "bool" else _signed(value)
    if name in ("time", "microtime"):
        return _time(value, micro=name == "microtime")
    if name == "quantity":
        return _text(dict(_fields(value)).get(1, b"0"))
    if name == "intstr":
        held = dict(_fields(value))
        return _text(held.get(3, b"")) if held.get(1) else _signed(int(held.get(2, 0)))
    if name == "bytes":
        return base64.b64encode(value).decode()
    if name == "number":
        return structs.unpack("<d", value)[0]
    return _text(value)


def _value(value: Raw, kind: FieldType) -> Any:
    if kind.shape == "struct" and isinstance(value, bytes):
        return _message(value, kind.name, _numbers().get(kind.name, {}))
    return _scalar(value, kind.name)


def _add(result: dict[str, Any], key: str, value: Raw, kind: FieldType) -> None:
    item = kind.item or schema.ANY
    if kind.shape == "list":
        result.setdefault(key, []).append(_value(value, item))
    elif kind.shape == "map" and isinstance(value, bytes):
        held = dict(_fields(value))
        name = _text(held.get(1, b""))
        result.setdefault(key, {})[name] = _value(held.get(2, b""), item)
    elif kind.shape != "any":
        read = _value(value, kind)
        if read is not None and read != "":
            result[key] = read


def _message(data: bytes, name: str, numbers: dict[str, Any]) -> dict[str, Any]:
    known = schema.struct(name).fields
    result: dict[str, Any] = {}
    for number, value in _fields(data):
        key = numbers.get(str(number))
        if isinstance(key, dict) and isinstance(value, bytes):
            result |= _message(value, name, key)
        elif isinstance(key, str):
            _add(result, key, value, known[key])
    return result


def loads(body: bytes) -> KubeObject:
    """Read a body; raises ValueError for what is no Kubernetes protobuf or no known kind."""
    if not body.startswith(_MAGIC):
        raise ValueError("provided data does not appear to be a protobuf message")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    head, raw = envelope.get(1, b""), envelope.get(2, b"")
    if not isinstance(head, bytes) or not isinstance(raw, bytes):
        raise ValueError("provided data does not appear to be a protobuf message")
    meta = dict(_fields(head))
    api_version, kind = _text(meta.get(1, b"")), _text(meta.get(2, b""))
    found = schema.kind(api_version, kind)
    if found.shape == "any" or found.name not in _numbers():
        raise ValueError(f"the lab reads no protobuf of {api_version}, Kind={kind}; send JSON")
    obj = _message(raw, found.name, _numbers()[found.name])
    return {"apiVersion": api_version, "kind": kind, **obj}
