"""Plain values: JSON, cells of a result, Kubernetes objects, and their stable hash."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

Cell: TypeAlias = "str | int | float | bool | datetime | tuple[Cell, ...] | None"
"""One value of a result row; a multivalue is a tuple, a date is an aware UTC datetime."""

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

KubeObject: TypeAlias = dict[str, Any]
"""A Kubernetes object as its JSON says, without a generated class in between."""


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, ISO dates."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), default=_plain, ensure_ascii=False
    )


def sha256(value: object) -> str:
    """Return the hex SHA-256 of the canonical JSON text of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
