"""Which resources the server announces: names, kinds, verbs, subresources.

The table is the one that a Kubernetes 1.36 server announces, so that discovery looks the same;
a resource whose types are not known is stored as it comes.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from remedyd.lab.apiserver import schema
from remedyd.lab.apiserver.schema import FieldType

STORED_AS = {
    "events.k8s.io/v1/events": "v1/events",
    "autoscaling/v1/horizontalpodautoscalers": "autoscaling/v2/horizontalpodautoscalers",
}
"""Resources that are another version's view of the same objects."""


@dataclass(frozen=True, slots=True)
class Subresource:
    """A part of an object with its own path; `kind` is `group/version/Kind` or the owner's."""

    name: str
    kind: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one API version."""

    group: str
    version: str
    name: str
    kind: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    storage_hash: str
    subresources: tuple[Subresource, ...]

    @property
    def group_version(self) -> str:
        """`apps/v1` or `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def gvr(self) -> str:
        """`apps/v1/deployments` or `v1/pods`."""
        return f"{self.group_version}/{self.name}"

    @property
    def stored_as(self) -> str:
        """The name under which the store keeps the objects."""
        return STORED_AS.get(self.gvr, self.gvr)

    @property
    def type(self) -> FieldType:
        """What an object of this resource holds."""
        return schema.kind(self.group_version, self.kind)

    def subresource(self, name: str) -> Subresource | None:
        """Return a subresource by name."""
        return next((each for each in self.subresources if each.name == name), None)


@dataclass(frozen=True, slots=True)
class GroupVersion:
    """One version of an API group with its resources."""

    group: str
    version: str
    resources: tuple[Resource, ...]


def _resource(group: str, version: str, raw: dict[str, Any]) -> Resource:
    subresources = tuple(
        Subresource(name, kind, tuple(verbs.split())) for name, kind, verbs in raw.get("sub", [])
    )
    return Resource(
        group=group,
        version=version,
        name=raw["resource"],
        kind=raw["kind"],
        singular=raw["singular"],
        namespaced=raw["namespaced"],
        verbs=tuple(raw["verbs"].split()),
        short_names=tuple(raw.get("short", ())),
        categories=tuple(raw.get("categories", ())),
        storage_hash=raw.get("hash", ""),
        subresources=subresources,
    )


@cache
def group_versions() -> tuple[GroupVersion, ...]:
    """Return every announced version, in the server's order; the core group comes first."""
    text = resources.files(__package__).joinpath("data/resources.json").read_text()
    return tuple(
        GroupVersion(
            raw["group"],
            raw["version"],
            tuple(_resource(raw["group"], raw["version"], each) for each in raw["resources"]),
        )
        for raw in json.loads(text)["groups"]
    )


@cache
def _by_gvr() -> dict[str, Resource]:
    return {each.gvr: each for version in group_versions() for each in version.resources}


def find(gvr: str) -> Resource | None:
    """Return a resource by `apps/v1/deployments`, None when there is none."""
    return _by_gvr().get(gvr)


@cache
def find_kind(group_version: str, kind: str) -> Resource | None:
    """Return the resource that holds objects of a kind."""
    for resource in _by_gvr().values():
        if resource.group_version == group_version and resource.kind == kind:
            return resource
    return None
