"""Server-side apply: merge what a manager wants, take what it names, drop what it let go."""

from typing import Any

from remedyd.lab.apiserver import bodies, fieldsets, managed, reading, versions
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.fieldsets import FieldSet, Path
from remedyd.lab.apiserver.managed import Manager
from remedyd.lab.apiserver.messages import Response, WriteOptions
from remedyd.lab.apiserver.patching import configuration
from remedyd.lab.apiserver.schema import ANY, FieldType, struct
from remedyd.lab.apiserver.status import Cause, bad_request, invalid
from remedyd.model.values import KubeObject


def _inner(kind: FieldType, key: str) -> FieldType:
    if kind.shape == "struct":
        return struct(kind.name).fields.get(key, ANY)
    return kind.item or ANY


def merge(live: Any, wanted: Any, kind: FieldType) -> Any:
    """Return `live` with the applied configuration merged in, lists by their keys."""
    if isinstance(wanted, dict) and isinstance(live, dict) and not fieldsets.atomic(kind, wanted):
        result = dict(live)
        for key, value in wanted.items():
            result[key] = merge(live.get(key), value, _inner(kind, key))
        return result
    if isinstance(wanted, list) and isinstance(live, list) and kind.relation in ("map", "set"):
        item = kind.item or ANY
        held = {fieldsets.element(each, kind): each for each in live}
        named = {fieldsets.element(each, kind): each for each in wanted}
        merged = [
            merge(each, named[key], item) if key in named else each for key, each in held.items()
        ]
        return merged + [each for key, each in named.items() if key not in held]
    return wanted


def _remove(value: Any, kind: FieldType, path: Path) -> None:
    """Take the field at `path` out of `value`."""
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        key = head[2:]
        if not rest:
            value.pop(key, None)
        elif key in value:
            _remove(value[key], _inner(kind, key), rest)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if fieldsets.element(each, kind) == head:
                if rest:
                    _remove(each, kind.item or ANY, rest)
                else:
                    del value[index]
                return


def prune(obj: KubeObject, kind: FieldType, gone: FieldSet, kept: FieldSet) -> None:
    """Remove the fields that a manager let go and nobody else owns."""
    for path in sorted(gone, key=len, reverse=True):
        if any(other[: len(path)] == path for other in kept):
            continue
        _remove(obj, kind, path)


def _check_options(call: Call) -> None:
    if not call.request.option("fieldManager"):
        text = "Required value: is required for apply patch"
        cause = Cause("FieldValueRequired", text, "fieldManager")
        raise invalid("PatchOptions", "meta.k8s.io", "", [cause])


def _wanted(call: Call, options: WriteOptions, warnings: list[str]) -> KubeObject:
    raw = configuration(call.request)
    resource = call.resource
    group, _, version = str(raw.get("apiVersion", "")).rpartition("/")
    if (raw.get("apiVersion"), raw.get("kind")) != (resource.group_version, resource.kind):
        kind = raw.get("kind", "")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={kind}")
    bodies.typed(raw, resource.kind, resource.group_version, options, warnings)
    bodies.check_identity(call, raw)
    raw["metadata"].setdefault("name", call.path.name)
    if raw["metadata"].pop("managedFields", None):
        raise bad_request("metadata.managedFields must be nil")
    return raw


def apply(call: Call, options: WriteOptions) -> Response:
    """Answer a PATCH with an applied configuration."""
    _check_options(call)
    warnings: list[str] = []
    wanted = _wanted(call, options, warnings)
    kind = call.resource.type
    named = fieldsets.members(wanted, kind)
    live = call.store.peek(call.gvr, call.namespace, call.path.name)
    if live is None:
        created = call.store.create(
            call.gvr,
            call.namespace,
            versions.stored_from(call.resource.gvr, wanted),
            manager=options.manager,
            dry_run=options.dry_run,
            named=named,
            api_version=call.resource.group_version,
        )
        return reading.answer(call, created, 201)
    with call.store.lock:
        answer = _onto(call, options, call.get(), wanted, named)
    answer.warnings = warnings
    return answer


def _onto(
    call: Call, options: WriteOptions, live: KubeObject, wanted: KubeObject, named: FieldSet
) -> Response:
    kind, resource = call.resource.type, call.resource
    subresource = call.path.subresource
    owner = Manager(options.manager, "Apply", resource.group_version, subresource)
    merged = merge(live, wanted, kind)
    found = managed.conflicts(live, merged, kind, owner)
    if found and not options.force:
        raise managed.refusal(found)
    managers = managed.read(live)
    before = managers.pop(owner, None)
    if before is not None:
        others = frozenset[Path]().union(*(entry.fields for entry in managers.values()))
        prune(merged, kind, before.fields - named, others | named)
    updated = call.store.update(
        call.gvr,
        call.namespace,
        call.path.name,
        merged,
        manager=options.manager,
        subresource=subresource or None,
        dry_run=options.dry_run,
        named=named,
        api_version=resource.group_version,
    )
    return reading.answer(call, updated)
