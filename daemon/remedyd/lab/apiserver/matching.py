"""Plain equality selections of objects, for readers inside the lab."""

from collections.abc import Mapping

from remedyd.model.values import KubeObject


def matches_labels(wanted: Mapping[str, str] | None, obj: KubeObject) -> bool:
    """Say whether every wanted label is on the object with that value."""
    have = obj["metadata"].get("labels") or {}
    return all(have.get(key) == value for key, value in (wanted or {}).items())


def lookup(obj: KubeObject, path: str) -> str:
    """Return the value at a dotted path as text, empty when it is absent."""
    value: object = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def matches_fields(wanted: Mapping[str, str] | None, obj: KubeObject) -> bool:
    """Say whether every dotted path has the wanted value."""
    return all(lookup(obj, path) == value for path, value in (wanted or {}).items())
