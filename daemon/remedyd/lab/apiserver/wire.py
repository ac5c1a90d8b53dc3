"""Stored objects as JSON bytes, encoded once per version of the object.

Lists of thousands of pods are answered from these bytes; without them each list would spend
most of its time in the JSON encoder.
"""

import json
from collections.abc import Iterable

from remedyd.model.values import KubeObject

Key = tuple[str, str, str]
_HEADS = ("kind", "apiVersion")


def encode(value: object) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Wire:
    """Encoded list items (without kind and apiVersion) by object identity."""

    def __init__(self) -> None:
        """Start empty."""
        self._held: dict[Key, tuple[KubeObject, bytes]] = {}

    def item(self, gvr: str, obj: KubeObject) -> bytes:
        """Return the object as a list item."""
        meta = obj["metadata"]
        key = (gvr, meta.get("namespace", ""), meta.get("name", ""))
        held = self._held.get(key)
        if held is not None and held[0] is obj:
            return held[1]
        text = encode({name: value for name, value in obj.items() if name not in _HEADS})
        self._held[key] = (obj, text)
        return text

    def whole(self, gvr: str, obj: KubeObject) -> bytes:
        """Return the object with kind and apiVersion."""
        head = encode({name: obj[name] for name in _HEADS if name in obj})
        rest = self.item(gvr, obj)
        return rest if head == b"{}" else head[:-1] + b"," + rest[1:] + b"\n"

    def items(self, gvr: str, objects: Iterable[KubeObject], head: KubeObject) -> bytes:
        """Return a list answer: `head` holds kind, apiVersion and metadata."""
        inner = b",".join(self.item(gvr, obj) for obj in objects)
        return encode(head)[:-1] + b',"items":[' + inner + b"]}\n"

    def forget(self, gvr: str, obj: KubeObject) -> None:
        """Drop a deleted object's bytes."""
        meta = obj["metadata"]
        self._held.pop((gvr, meta.get("namespace", ""), meta.get("name", "")), None)
