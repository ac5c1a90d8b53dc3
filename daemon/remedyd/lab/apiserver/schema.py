"""The types of the API: what a field holds, and how lists and maps are merged and owned.

Decoding, strategic merge and field ownership all ask the same question ("what is at this
path?"), so they share this one reading of the facts in `data/schema.json`.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Shape = Literal["scalar", "struct", "list", "map", "any"]
_SCALARS = frozenset(
    (
        "string",
        "int32",
        "int64",
        "bool",
        "number",
        "quantity",
        "intstr",
        "time",
        "microtime",
        "bytes",
    )
)


@dataclass(frozen=True, slots=True)
class FieldType:
    """What a field holds.

    `name` is the scalar's or struct's name; `item` the type of list items or map values;
    `relation` how managers share a list or map ("map" by `keys`, "set", "atomic", "" granular);
    `merge` and `merge_key` say how a strategic merge patch joins lists, `retain` that it honours
    `$retainKeys`.
    """

    shape: Shape
    name: str = ""
    item: "FieldType | None" = None
    relation: str = ""
    keys: tuple[str, ...] = ()
    merge: bool = False
    merge_key: str = ""
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Struct:
    """An object type: its fields, those always written, whether it is owned whole."""

    name: str
    fields: dict[str, FieldType]
    required: tuple[str, ...]
    atomic: bool


ANY = FieldType("any")


@cache
def _document() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("data/schema.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _shape(text: str) -> FieldType:
    if text.startswith("[]"):
        return FieldType("list", item=_shape(text[2:]))
    if text.startswith("{}"):
        return FieldType("map", item=_shape(text[2:]))
    if text == "any":
        return ANY
    return FieldType("scalar" if text in _SCALARS else "struct", name=text)


@cache
def field_type(text: str) -> FieldType:
    """Read one field's notation, such as `[]core.v1.Container|map:name|merge:name`."""
    head, *options = text.split("|")
    base = _shape(head)
    relation, merge, merge_key, retain = "", False, "", False
    keys: tuple[str, ...] = ()
    for option in options:
        word, _, value = option.partition(":")
        if word == "merge":
            merge, merge_key = True, value
        elif word == "retain":
            retain = True
        else:
            relation, keys = word, tuple(value.split(",")) if value else ()
    if base.shape == "list" and not relation:
        relation = "atomic"
    return FieldType(base.shape, base.name, base.item, relation, keys, merge, merge_key, retain)


@cache
def struct(name: str) -> Struct:
    """Return an object type by name; raises KeyError for one that is not known."""
    raw = _document()["types"][name]
    fields = {key: field_type(text) for key, text in raw.items() if key not in ("!", "~")}
    return Struct(name, fields, tuple(raw.get("!", "").split()), raw.get("~") == "atomic")


@cache
def kind(group_version: str, kind_name: str) -> FieldType:
    """Return the type of a kind, `any` for one whose fields are not known."""
    found = _document()["kinds"].get(f"{group_version}/{kind_name}")
    return FieldType("struct", name=found) if found else ANY


@cache
def kinds() -> tuple[str, ...]:
    """Return every known `group/version/Kind`."""
    return tuple(_document()["kinds"])
