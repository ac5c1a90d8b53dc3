"""What the server says about itself: version, groups, resources, health."""

from typing import Any

from remedyd.lab.apiserver import resources
from remedyd.lab.apiserver.messages import Request, Response, not_a_path, plain
from remedyd.lab.apiserver.resources import GroupVersion, Resource, Subresource
from remedyd.model.values import KubeObject

VERSION: KubeObject = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "2026-08-21T00:00:00Z",
    "goVersion": "go1.26.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_AGGREGATED = "as=APIGroupDiscoveryList"
_AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def _gvk(text: str, owner: Resource) -> tuple[str, str, str]:
    parts = text.split("/")
    if len(parts) == 1:
        return "", "", parts[0]
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", parts[0], parts[1])


def _flat(resource: Resource) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": resource.name,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.storage_hash:
        entry["storageVersionHash"] = resource.storage_hash
    return [entry, *(_flat_part(resource, each) for each in resource.subresources)]


def _flat_part(resource: Resource, part: Subresource) -> dict[str, Any]:
    group, version, kind = _gvk(part.kind, resource)
    entry: dict[str, Any] = {
        "name": f"{resource.name}/{part.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
    }
    if group:
        entry["group"] = group
    if version:
        entry["version"] = version
    return {**entry, "kind": kind, "verbs": list(part.verbs)}


def _resource_list(held: GroupVersion) -> KubeObject:
    name = f"{held.group}/{held.version}" if held.group else held.version
    entries = [entry for resource in held.resources for entry in _flat(resource)]
    head: KubeObject = {"kind": "APIResourceList"}
    if held.group:
        head["apiVersion"] = "v1"
    return {**head, "groupVersion": name, "resources": entries}


def _groups() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for held in resources.group_versions():
        if held.group:
            found.setdefault(held.group, []).append(held.version)
    return found


def _group(name: str, versions: list[str]) -> KubeObject:
    shown = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": shown, "preferredVersion": shown[0]}


def _response_kind(text: str, owner: Resource) -> dict[str, str]:
    group, version, kind = _gvk(text, owner)
    return {"group": group, "version": version, "kind": kind}


def _aggregated_resource(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource.name,
        "responseKind": {"group": "", "version": "", "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": each.name,
                "responseKind": _response_kind(each.kind, resource),
                "verbs": list(each.verbs),
            }
            for each in resource.subresources
        ]
    return entry


def _aggregated(core: bool) -> KubeObject:
    items: dict[str, list[dict[str, Any]]] = {}
    for held in resources.group_versions():
        if bool(held.group) is not core:
            version = {
                "version": held.version,
                "resources": [_aggregated_resource(each) for each in held.resources],
                "freshness": "Current",
            }
            items.setdefault(held.group, []).append(version)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {"metadata": {"name": name} if name else {}, "versions": versions}
            for name, versions in items.items()
        ],
    }


def _roots(request: Request, path: str, address: str) -> Response | None:
    if path == "/version":
        return Response(200, VERSION)
    if path in ("/healthz", "/livez", "/readyz"):
        return plain("ok")
    wants_all = _AGGREGATED in request.headers.get("accept", "")
    if path in ("/api", "/apis") and wants_all:
        public = {"Cache-Control": "public"}
        return Response(200, _aggregated(path == "/api"), _AGGREGATED_TYPE, headers=public)
    if path == "/api":
        served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
        versions = {"kind": "APIVersions", "versions": ["v1"]}
        return Response(200, {**versions, "serverAddressByClientCIDRs": served})
    if path == "/apis":
        groups = [_group(name, versions) for name, versions in _groups().items()]
        return Response(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    return None


def answer(request: Request, address: str) -> Response | None:
    """Answer a path of discovery; None when the path addresses objects."""
    path = request.path.rstrip("/") or "/"
    found = _roots(request, path, address)
    if found is not None:
        return found
    parts = path.strip("/").split("/")
    if parts[0] == "apis" and len(parts) == 2:
        versions = _groups().get(parts[1])
        if versions is None:
            return not_a_path()
        return Response(200, {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], versions)})
    wanted = ("", parts[1]) if parts[0] == "api" and len(parts) == 2 else None
    if parts[0] == "apis" and len(parts) == 3:
        wanted = (parts[1], parts[2])
    if wanted is None:
        return None
    for held in resources.group_versions():
        if (held.group, held.version) == wanted:
            return Response(200, _resource_list(held))
    return not_a_path()
