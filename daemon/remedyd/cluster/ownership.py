"""Who set a field, as managedFields say: the proof that a value is still ours.

A value alone does not tell: somebody else may have written the same one on purpose since. The
API server records the manager of every field, and moves it when another one changes the value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remedyd.cluster import fields
from remedyd.model.values import KubeObject


@dataclass(frozen=True, slots=True)
class Owner:
    """A manager of a field: `operation` is Update or Apply, `at` its last change (aware, UTC)."""

    manager: str
    operation: str
    at: datetime | None


def owners(obj: KubeObject, path: str) -> tuple[Owner, ...]:
    """Return the managers of the field at `path`, the latest first; empty when not recorded."""
    parts = fields.split(path)
    found = [
        Owner(str(entry.get("manager", "")), str(entry.get("operation", "")), moment(entry))
        for entry in _entries(obj)
        if _holds(entry.get("fieldsV1"), parts)
    ]
    return tuple(sorted(found, key=lambda owner: _order(owner.at), reverse=True))


def recorded(obj: KubeObject) -> bool:
    """Say whether the object carries managedFields at all; some proxies strip them."""
    return any(entry.get("fieldsV1") for entry in _entries(obj))


def latest(obj: KubeObject, manager: str) -> datetime | None:
    """Return when `manager` last changed the object, None when it never did."""
    times = [moment(entry) for entry in _entries(obj) if entry.get("manager") == manager]
    return max((time for time in times if time), default=None)


def managers(obj: KubeObject) -> tuple[str, ...]:
    """Return every manager of the object but those that only write its status."""
    names = {str(e.get("manager", "")) for e in _entries(obj) if e.get("subresource") != "status"}
    return tuple(sorted(names))


def moment(entry: Mapping[str, Any]) -> datetime | None:
    """Return the time of a managedFields entry."""
    text = entry.get("time")
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _entries(obj: KubeObject) -> Iterator[KubeObject]:
    yield from (obj.get("metadata") or {}).get("managedFields") or ()


def _order(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0


def _holds(tree: Any, parts: tuple[fields.Part, ...]) -> bool:
    for part in parts:
        if isinstance(part, tuple):
            tree = _child(tree, f"f:{part[0]}")
            tree = _child(tree, f'k:{{"name":"{part[1]}"}}')
        else:
            tree = _child(tree, f"f:{part}")
    return tree is not None


def _child(tree: Any, key: str) -> Any:
    return tree.get(key) if isinstance(tree, Mapping) else None
