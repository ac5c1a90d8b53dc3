"""Who owns which field: the `managedFields` of an object, kept as a real server keeps them.

An update takes the fields that it changes from everybody else. An apply takes the fields that
its configuration names, is refused where another manager holds a different value, and gives up
what it named last time and names no longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from remedyd.lab.apiserver.fieldsets import (
    FieldSet,
    Path,
    compare,
    dotted,
    from_tree,
    tree,
)
from remedyd.lab.apiserver.schema import FieldType
from remedyd.lab.apiserver.shapes import words
from remedyd.lab.apiserver.status import StatusError
from remedyd.model.values import KubeObject

_UNOWNED: frozenset[Path] = frozenset(
    (
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in words(
                "name namespace creationTimestamp selfLink uid clusterName generation "
                "managedFields resourceVersion"
            )
        ),
    )
)
_UPDATE_MANAGERS_KEPT = 10


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry's identity: who, by update or apply, in which API version and subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


@dataclass(slots=True)
class Entry:
    """What a manager owns, and when it last took a field."""

    fields: FieldSet
    time: str
    written: dict[str, Any] | None = None
    """`fields` as the object that was read has them; None for what changed since."""


Managers = dict[Manager, Entry]


def read(obj: KubeObject) -> Managers:
    """Read `metadata.managedFields`."""
    managers: Managers = {}
    for raw in obj.get("metadata", {}).get("managedFields") or []:
        if not raw.get("manager"):
            continue
        key = Manager(
            raw["manager"],
            raw.get("operation", "Update"),
            raw.get("apiVersion", ""),
            raw.get("subresource", ""),
        )
        written = raw.get("fieldsV1") or {}
        managers[key] = Entry(from_tree(written), raw.get("time", ""), written)
    return managers


def spelled(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return entries that a client sent with their fields in the server's order."""
    return [{**raw, "fieldsV1": tree(from_tree(raw.get("fieldsV1") or {}))} for raw in sent]


def _encode(key: Manager, entry: Entry) -> dict[str, Any]:
    raw: dict[str, Any] = {"manager": key.name, "operation": key.operation}
    raw["apiVersion"] = key.api_version
    if entry.time:
        raw["time"] = entry.time
    written = tree(entry.fields) if entry.written is None else entry.written
    raw |= {"fieldsType": "FieldsV1", "fieldsV1": written}
    if key.subresource:
        raw["subresource"] = key.subresource
    return raw


def write(obj: KubeObject, managers: Managers) -> None:
    """Write `metadata.managedFields`, in the server's order."""
    ordered = sorted(
        managers.items(),
        key=lambda pair: (
            pair[0].operation, pair[1].time, pair[0].name, pair[0].api_version, pair[0].subresource
        ),
    )  # fmt: skip
    meta = obj.setdefault("metadata", {})
    meta.pop("managedFields", None)
    if ordered:
        meta["managedFields"] = [_encode(key, entry) for key, entry in ordered]


def _without(managers: Managers, fields: FieldSet) -> Managers:
    kept = {}
    for key, entry in managers.items():
        rest = entry.fields - fields
        if len(rest) == len(entry.fields):
            kept[key] = entry
        elif rest:
            kept[key] = Entry(rest, entry.time)
    return kept


def _owned(fields: FieldSet) -> FieldSet:
    return frozenset(path for path in fields if path not in _UNOWNED)


def _capped(managers: Managers) -> Managers:
    """Fold the oldest updates into one entry when there are too many."""
    updates = sorted(
        (key for key, entry in managers.items() if key.operation == "Update" and entry.time),
        key=lambda key: (managers[key].time, key.name),
    )
    surplus = len(updates) - _UPDATE_MANAGERS_KEPT
    if surplus <= 0:
        return managers
    folded = updates[: surplus + 1]
    fields = frozenset[Path]().union(*(managers[key].fields for key in folded))
    time = managers[folded[-1]].time
    api_version = folded[-1].api_version
    kept = {key: entry for key, entry in managers.items() if key not in folded}
    kept[Manager("ancient-changes", "Update", api_version)] = Entry(fields, time)
    return kept


def update(old: KubeObject, new: KubeObject, kind: FieldType, manager: Manager, now: str) -> None:
    """Record in `new` what `manager` changed from `old`; `old` holds the owners so far."""
    difference = compare(_bare(old), _bare(new), kind)
    taken = _owned(difference.changed)
    managers = _without(read(old), difference.changed | difference.removed)
    if taken:
        before = managers.get(manager)
        managers[manager] = Entry(taken | (before.fields if before else frozenset()), now)
    write(new, _capped(managers))


def _bare(obj: KubeObject) -> KubeObject:
    meta = {key: value for key, value in obj.get("metadata", {}).items() if key != "managedFields"}
    return {**obj, "metadata": meta}


def conflicts(
    old: KubeObject, merged: KubeObject, kind: FieldType, manager: Manager
) -> list[tuple[Manager, Path]]:
    """Return who holds other values of the fields that an apply would change."""
    changed = compare(_bare(old), _bare(merged), kind).changed
    found = [
        (key, path)
        for key, entry in read(old).items()
        if key != manager
        for path in entry.fields & changed
    ]
    return sorted(found, key=lambda pair: (pair[0].name, pair[1]))


def refusal(found: list[tuple[Manager, Path]]) -> StatusError:
    """Return the 409 that names every conflict."""
    texts: dict[str, list[str]] = {}
    causes = []
    for key, path in found:
        who = f'conflict with "{key.name}"'
        if key.subresource:
            who += f' with subresource "{key.subresource}"'
        if key.operation == "Update":
            who += f" using {key.api_version}"
        texts.setdefault(who, []).append(dotted(path))
        causes.append({"reason": "FieldManagerConflict", "message": who, "field": dotted(path)})
    noun = "conflict" if len(found) == 1 else "conflicts"
    if len(found) == 1:
        listed = f"{causes[0]['message']}: {causes[0]['field']}"
    else:
        listed = "conflicts with " + "\nconflicts with ".join(
            f"{who.removeprefix('conflict with ')}:\n" + "\n".join(f"- {one}" for one in fields)
            for who, fields in texts.items()
        )
    message = f"Apply failed with {len(found)} {noun}: {listed}"
    return StatusError(409, "Conflict", message, details={"causes": causes})


def take(
    old: KubeObject, new: KubeObject, kind: FieldType, manager: Manager, named: FieldSet, now: str
) -> None:
    """Record in `new` that `manager` applied the fields `named`."""
    difference = compare(_bare(old), _bare(new), kind)
    managers = read(old)
    before = managers.pop(manager, None)
    managers = _without(managers, difference.changed | difference.removed)
    fields = _owned(named)
    if fields:
        same = before is not None and before.fields == fields and not difference.changed
        managers[manager] = Entry(fields, before.time if before is not None and same else now)
    write(new, managers)
