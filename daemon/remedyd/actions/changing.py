"""What all plans that change fields share: patch, undo, diff, from the list of changes alone."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from remedyd.cluster import fields
from remedyd.model.hidden import hidden
from remedyd.model.plan import FieldChange, Patch, Plan
from remedyd.model.target import Target
from remedyd.model.values import KubeObject


def changing_plan(
    target: Target,
    action: str,
    params: Mapping[str, Any],
    live: KubeObject,
    changes: Sequence[FieldChange],
    consequence: str,
    *,
    undoable: bool = True,
) -> Plan:
    """Return the plan that makes `changes` to `live`, a workload, and takes them back."""
    kept = tuple(changes)
    return Plan(
        target=target.with_uid(live["metadata"]["uid"]),
        action=action,
        params=params,
        changes=kept,
        patch=Patch(fields.patch_body(kept)),
        undo=Patch(fields.patch_body(kept, undo=True)) if undoable else None,
        diff=diff(target, live, kept),
        consequence=consequence,
        resource_version=str(live["metadata"].get("resourceVersion", "")),
    )


def diff(what: object, live: KubeObject, changes: Sequence[FieldChange]) -> str:
    """Return a unified diff, as YAML, of what surrounds each change of an object."""
    live, after = hidden(live, fields.changed(live, changes))
    lines = [f"--- {what} (live)", f"+++ {what} (planned)"]
    for place in dict.fromkeys(_place(change.path) for change in changes):
        hunk = difflib.unified_diff(_yaml(live, place), _yaml(after, place), n=2, lineterm="")
        lines += [f"@@ {place} @@", *list(hunk)[3:]]
    return "\n".join(lines)


def _place(path: str) -> str:
    """Return the part of the object that is worth showing around a field."""
    head, found, _ = path.partition(".resources.")
    if found:
        return f"{head}.resources"
    return path[: path.rindex("[")] if path.endswith("]") else path


def _yaml(obj: KubeObject, place: str) -> list[str]:
    value = fields.lookup(obj, place)
    if value is None:
        return []
    name = place.rpartition(".")[2]
    shown = _brief(value) if isinstance(value, dict) else value
    return str(yaml.safe_dump({name: shown}, sort_keys=True, width=100)).splitlines()


def _brief(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out annotations that hold whole objects: nobody reads those in a diff."""
    return {k: v for k, v in value.items() if not (isinstance(v, str) and len(v) > 200)}
