"""Small questions about Kubernetes objects that several controllers ask."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from remedyd.model.values import KubeObject, canonical

DEPLOYMENTS = "apps/v1/deployments"
REPLICASETS = "apps/v1/replicasets"
STATEFULSETS = "apps/v1/statefulsets"
DAEMONSETS = "apps/v1/daemonsets"
REVISIONS = "apps/v1/controllerrevisions"
PODS = "v1/pods"
NODES = "v1/nodes"
EVENTS = "v1/events"
QUOTAS = "v1/resourcequotas"
NAMESPACES = "v1/namespaces"

CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
KUBELET = "kubelet"

HASH_LABEL = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

Key = tuple[str, str]


def key_of(obj: KubeObject) -> Key:
    """Return (namespace, name); the namespace of a cluster-scoped object is empty."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


def stamp(moment: datetime) -> str:
    """Format a time as Kubernetes writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_stamp(text: str) -> datetime:
    """Read a time as Kubernetes writes it; aware, in UTC."""
    return datetime.fromisoformat(text)


def controller_ref(obj: KubeObject) -> dict[str, Any] | None:
    """Return the owner reference of the object's controller, if it has one."""
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            return dict(ref)
    return None


def owned_by(obj: KubeObject, uid: str) -> bool:
    """Say whether the controller of `obj` has this uid."""
    return any(
        ref.get("controller") and ref["uid"] == uid
        for ref in obj["metadata"].get("ownerReferences") or ()
    )


def owner_reference(owner: KubeObject, api_version: str, kind: str) -> dict[str, Any]:
    """Return the reference a controller puts on what it creates."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(status: KubeObject, type_: str) -> dict[str, Any] | None:
    """Return the condition of that type, if the status has it."""
    for found in status.get("conditions") or ():
        if found["type"] == type_:
            return dict(found)
    return None


def is_terminating(obj: KubeObject) -> bool:
    """Say whether the object is being deleted."""
    return "deletionTimestamp" in obj["metadata"]


def is_finished(pod: KubeObject) -> bool:
    """Say whether a pod's containers are done for good."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_active(pod: KubeObject) -> bool:
    """Say whether a pod counts as a replica."""
    return not is_terminating(pod) and not is_finished(pod)


def ready_since(pod: KubeObject) -> datetime | None:
    """Return since when a pod is ready, None when it is not."""
    found = condition(pod.get("status") or {}, "Ready")
    if found is None or found["status"] != "True":
        return None
    return parse_stamp(found["lastTransitionTime"])


def is_ready(pod: KubeObject) -> bool:
    """Say whether a pod's Ready condition is True."""
    found = condition(pod.get("status") or {}, "Ready")
    return found is not None and found["status"] == "True"


def resolve(value: int | str | None, total: int, *, up: bool) -> int:
    """Return an absolute number for `3` or `25%` of `total`."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value or 0)


def template_hash(template: KubeObject, collisions: int = 0) -> str:
    """Return a name suffix for a pod template: stable, in the alphabet of generated names."""
    number = 2166136261
    for byte in f"{canonical(template)}{collisions or ''}".encode():
        number = ((number ^ byte) * 16777619) & 0xFFFFFFFF
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))


def total(values: Iterable[KubeObject], part: str, field: str) -> int:
    """Sum `status.replicas` and the like over objects; absent counts as 0."""
    return sum(int((obj.get(part) or {}).get(field) or 0) for obj in values)
