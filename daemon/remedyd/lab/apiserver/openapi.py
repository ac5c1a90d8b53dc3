"""OpenAPI documents, made from the schema: enough for clients that look before they write.

kubectl reads them to learn which query parameters a PATCH takes, how lists are merged, and what
`explain` should list; descriptions are not kept.
"""

from functools import cache
from typing import Any

from remedyd.lab.apiserver import resources, schema
from remedyd.lab.apiserver.messages import Response, not_a_path
from remedyd.lab.apiserver.resources import GroupVersion, Resource
from remedyd.lab.apiserver.schema import FieldType

_SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "bool": {"type": "boolean"},
    "number": {"type": "number", "format": "double"},
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "intstr": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    "time": {"type": "string", "format": "date-time"},
    "microtime": {"type": "string", "format": "date-time"},
    "bytes": {"type": "string", "format": "byte"},
}
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_METHODS = {
    "get": ("get", ()),
    "create": ("post", _WRITE),
    "update": ("put", _WRITE),
    "patch": ("patch", (*_WRITE, "force")),
    "delete": ("delete", ("dryRun", "gracePeriodSeconds", "propagationPolicy")),
}


def _name(type_name: str) -> str:
    return f"io.k8s.api.{type_name}" if not type_name.startswith("io.") else type_name


def _field(kind: FieldType, prefix: str, seen: set[str]) -> dict[str, Any]:
    if kind.shape == "scalar":
        shown = dict(_SCALARS[kind.name])
    elif kind.shape == "struct":
        seen.add(kind.name)
        shown = {"allOf": [{"$ref": f"{prefix}{_name(kind.name)}"}]}
    elif kind.shape == "list":
        shown = {"type": "array", "items": _field(kind.item or schema.ANY, prefix, seen)}
        if kind.relation:
            shown["x-kubernetes-list-type"] = kind.relation
        if kind.keys:
            shown["x-kubernetes-list-map-keys"] = list(kind.keys)
    elif kind.shape == "map":
        inner = _field(kind.item or schema.ANY, prefix, seen)
        shown = {"type": "object", "additionalProperties": inner}
    else:
        shown = {"type": "object"}
    strategy = ["merge"] * kind.merge + ["retainKeys"] * kind.retain
    if strategy:
        shown["x-kubernetes-patch-strategy"] = ",".join(strategy)
    if kind.merge_key:
        shown["x-kubernetes-patch-merge-key"] = kind.merge_key
    return shown


def _struct(name: str, prefix: str, seen: set[str]) -> dict[str, Any]:
    held = schema.struct(name)
    fields = {key: _field(kind, prefix, seen) for key, kind in held.fields.items() if key}
    shown: dict[str, Any] = {"type": "object", "properties": fields}
    if held.required:
        shown["required"] = list(held.required)
    return shown


def _definitions(found: list[Resource], prefix: str) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    pending: set[str] = set()
    for resource in found:
        kind = resource.type
        if kind.shape != "struct":
            continue
        shown[kind.name] = _struct(kind.name, prefix, pending)
        shown[kind.name]["x-kubernetes-group-version-kind"] = [_gvk(resource)]
    while pending:
        name = pending.pop()
        if name not in shown:
            shown[name] = _struct(name, prefix, pending)
    return {_name(name): value for name, value in sorted(shown.items())}


def _gvk(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _paths(resource: Resource) -> dict[str, Any]:
    root = f"/apis/{resource.group_version}" if resource.group else f"/api/{resource.version}"
    place = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{root}{place}/{resource.name}"
    shown: dict[str, Any] = {collection: {}, f"{collection}/{{name}}": {}}
    for verb, (method, names) in _METHODS.items():
        if verb not in resource.verbs:
            continue
        path = collection if verb == "create" else f"{collection}/{{name}}"
        shown[path][method] = {
            "parameters": [
                {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
                for name in names
            ],
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": verb,
            "x-kubernetes-group-version-kind": _gvk(resource),
        }
    return {path: methods for path, methods in shown.items() if methods}


@cache
def _v3(group: str, version: str) -> dict[str, Any] | None:
    held = next(
        (v for v in resources.group_versions() if (v.group, v.version) == (group, version)), None
    )
    if held is None:
        return None
    paths: dict[str, Any] = {}
    for resource in held.resources:
        paths |= _paths(resource)
    prefix = "#/components/schemas/"
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": paths,
        "components": {"schemas": _definitions(list(held.resources), prefix)},
    }


@cache
def _v2() -> dict[str, Any]:
    found = [each for version in resources.group_versions() for each in version.resources]
    paths: dict[str, Any] = {}
    for resource in found:
        paths |= _paths(resource)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": paths,
        "definitions": _definitions(found, "#/definitions/"),
    }


def _root(held: GroupVersion) -> str:
    return f"apis/{held.group}/{held.version}" if held.group else f"api/{held.version}"


def answer(path: str) -> Response | None:
    """Answer a path under /openapi; None for any other path."""
    parts = path.strip("/").split("/")
    if parts[0] != "openapi":
        return None
    if parts[1:] == ["v2"]:
        return Response(200, _v2())
    if parts[1:] == ["v3"]:
        listed = {
            _root(held): {"serverRelativeURL": f"/openapi/v3/{_root(held)}?hash=lab"}
            for held in resources.group_versions()
        }
        return Response(200, {"paths": listed})
    if parts[1:3] == ["v3", "api"] and len(parts) == 4:
        document = _v3("", parts[3])
    elif parts[1:3] == ["v3", "apis"] and len(parts) == 5:
        document = _v3(parts[3], parts[4])
    else:
        document = None
    return Response(200, document) if document else not_a_path()
