"""How one write makes the object that is stored: what it may touch, what moves by itself.

Kept apart from the store so that the rules can be read without locks and queues around them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from remedyd.lab.apiserver import decoding, managed, quantity, resources, schema, status
from remedyd.lab.apiserver.copying import clone
from remedyd.lab.apiserver.fieldsets import FieldSet
from remedyd.lab.apiserver.managed import Manager
from remedyd.lab.apiserver.schema import FieldType
from remedyd.lab.apiserver.strategies import Strategy
from remedyd.model.values import KubeObject

View = Callable[[str, KubeObject], KubeObject]
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_SERVER_OWNED = (
    "name", "generateName", "namespace", "uid", "creationTimestamp", "generation",
    "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Write:
    """One write under way.

    `named` holds the fields that a server-side apply names, None for every other write;
    `api_version` the version that the writer speaks.
    """

    gvr: str
    manager: str
    api_version: str
    subresource: str | None = None
    dry_run: bool = False
    named: FieldSet | None = None

    @property
    def owner(self) -> Manager:
        """The entry of `managedFields` that this write goes into."""
        operation = "Update" if self.named is None else "Apply"
        return Manager(self.manager, operation, self.api_version, self.subresource or "")


def split(gvr: str) -> tuple[str, str, str]:
    """Return group, version and resource of `apps/v1/deployments` or `v1/pods`."""
    parts = gvr.split("/")
    return ("", parts[0], parts[1]) if len(parts) == 2 else (parts[0], parts[1], parts[2])


def type_of(gvr: str) -> FieldType:
    """Return what an object of this resource holds."""
    resource = resources.find(gvr)
    return resource.type if resource else schema.ANY


def kind_of(gvr: str) -> str:
    """Return the kind of this resource."""
    resource = resources.find(gvr)
    return resource.kind if resource else ""


def headed(gvr: str, obj: KubeObject) -> KubeObject:
    """Return the object with kind and apiVersion first, as answers carry them."""
    resource = resources.find(gvr)
    if resource is None:
        return obj
    rest = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
    return {"kind": resource.kind, "apiVersion": resource.group_version, **rest}


def normal(gvr: str, obj: KubeObject, known: Mapping[str, Any] = _NOTHING) -> KubeObject:
    """Return the object as its type holds it; raises StatusError for what does not fit.

    Fields that are as in `known`, of an object that was normal before, are taken from there.
    """
    kind = type_of(gvr)
    try:
        decoded: KubeObject = (
            clone(obj) if kind.shape == "any" else decoding.decode(obj, kind, known=known).object
        )
    except ValueError as error:
        raise status.bad_request(
            f'{kind_of(gvr)} in version "{split(gvr)[1]}" cannot be handled as a '
            f"{kind_of(gvr)}: {error}"
        ) from error
    return headed(gvr, decoded)


def settled(old: KubeObject, *names: str) -> Mapping[str, Any]:
    """Return the fields of a stored object but for those of these names."""
    return {key: value for key, value in old.items() if key not in names}


def empty(gvr: str) -> KubeObject:
    """Return the object that a new one is compared with to find its owner's fields."""
    kind = type_of(gvr)
    zero: KubeObject = {} if kind.shape == "any" else decoding.decode({}, kind).object
    zero.pop("status", None)
    return zero


def restrict(
    new: KubeObject, old: KubeObject, strategy: Strategy, subresource: str | None
) -> KubeObject:
    """Return `new` without the changes that this path may not make."""
    meta, was = new.setdefault("metadata", {}), old["metadata"]
    for fixed in _SERVER_OWNED:
        meta.pop(fixed, None)
        if fixed in was:
            meta[fixed] = was[fixed]
    new["metadata"] = {**{key: meta[key] for key in _SERVER_OWNED if key in meta}, **meta}
    if not strategy.status:
        return new
    if subresource == "status":
        for name in strategy.fixed_in_status:
            meta.pop(name, None)
            if name in was:
                new["metadata"][name] = was[name]
        return {**old, "metadata": new["metadata"], "status": new.get("status", {})}
    new.pop("status", None)
    if "status" in old:
        new["status"] = old["status"]
    return new


def _resets(raw: Any) -> bool:
    return raw is not None and (raw == [] or raw == [{}])


def record(new: KubeObject, old: KubeObject | None, write: Write, now: str, view: View) -> None:
    """Write into `new` who owns what after this write.

    Fields are named as in the version that the writer speaks; `view` shows an object in it.
    """
    spoken = f"{write.api_version}/{split(write.gvr)[2]}"
    if spoken != write.gvr and resources.find(spoken) is not None:
        shown = view(spoken, clone(new))
        seen = None if old is None else view(spoken, clone(old))
        record(shown, seen, replace(write, gvr=spoken), now, view)
        new["metadata"].pop("managedFields", None)
        if "managedFields" in shown["metadata"]:
            new["metadata"]["managedFields"] = shown["metadata"]["managedFields"]
        return
    kind = type_of(write.gvr)
    sent = new["metadata"].get("managedFields")
    if old is not None and _resets(sent):
        new["metadata"].pop("managedFields", None)
        return
    before = old if old is not None else empty(write.gvr)
    if write.named is not None:
        managed.take(before, new, kind, write.owner, write.named, now)
        return
    if sent and not write.subresource and managed.read(new):
        stored = before["metadata"].get("managedFields")
        told = stored if sent == stored else managed.spelled(sent)
        owners = {**before["metadata"], "managedFields": told}
        before = {**before, "metadata": owners}
    if old is None:
        before = {key: value for key, value in before.items() if key != "status"}
        bare = {key: value for key, value in new.items() if key != "status"}
        managed.update(before, bare, kind, write.owner, now)
        return
    managed.update(before, new, kind, write.owner, now)


def _number(text: Any) -> Any:
    try:
        return quantity.amount(text) if isinstance(text, str | int) else text
    except ValueError:
        return text


def same(new: Any, old: Any, held: str = "") -> bool:
    """Compare two values as the server does: quantities as numbers."""
    if new == old:
        return True
    if isinstance(new, dict) and isinstance(old, dict):
        return (
            new.keys() == old.keys() and all(same(new[key], old[key], key) for key in new)
            if held not in ("limits", "requests")
            else _same_amounts(new, old)
        )
    if isinstance(new, list) and isinstance(old, list):
        return len(new) == len(old) and all(same(a, b) for a, b in zip(new, old, strict=True))
    return False


def _same_amounts(new: dict[str, Any], old: dict[str, Any]) -> bool:
    return new.keys() == old.keys() and all(_number(new[k]) == _number(old[k]) for k in new)


def moves_generation(
    new: KubeObject, old: KubeObject, strategy: Strategy, subresource: str | None
) -> bool:
    """Say whether this change counts in metadata.generation."""
    if not strategy.generation or subresource == "status":
        return False
    if not same(new.get("spec"), old.get("spec")):
        return True
    return strategy.annotations and (new["metadata"].get("annotations") or {}) != (
        old["metadata"].get("annotations") or {}
    )
