"""The order of hits, and where a search goes on after the last one of a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remedyd.lab.elasticsearch.filters import comparable, value_of

SHARD_DOC = "_shard_doc"
"""The tie-breaker of a point in time: the document's place in it."""

Key = tuple[bool, Any]
"""Whether a document has the field, and the value to compare; a date in milliseconds."""


@dataclass(frozen=True, slots=True)
class Order:
    """A field to sort by."""

    name: str
    descending: bool


def sorting(sort: Any) -> list[Order]:
    """Read the `sort` of a search: names, or names with their order."""
    found: list[Order] = []
    for one in sort if isinstance(sort, list) else [sort] if sort else []:
        if isinstance(one, str):
            found.append(Order(one, descending=False))
            continue
        for name, order in one.items():
            word = order["order"] if isinstance(order, Mapping) else order
            found.append(Order(name, descending=word == "desc"))
    return found


def keys_of(document: Mapping[str, Any], number: int, orders: Sequence[Order]) -> tuple[Key, ...]:
    """Return what a document is sorted by; `number` is its place."""
    return tuple(
        (True, number) if order.name == SHARD_DOC else _key(value_of(document, order.name))
        for order in orders
    )


def beyond(keys: Sequence[Key], after: Sequence[Any], orders: Sequence[Order]) -> bool:
    """Whether a hit comes after the one whose sort values are `after`."""
    for key, last, order in zip(keys, after, orders, strict=True):
        mark = (last is not None, last)
        if key != mark:
            return (key > mark) is not order.descending
    return False


def _key(found: Any) -> Key:
    value = comparable(found)
    if isinstance(value, datetime):
        return True, round(value.timestamp() * 1000)
    return value is not None, value if isinstance(value, (int, float)) else str(value)
