"""When an object may go: preconditions, grace, finalizers.

An object that is deleted lingers with a deletionTimestamp while it has finalizers, while a
scheduled pod has time to stop, or while a namespace is not empty.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from remedyd.lab.apiserver import status, writing
from remedyd.model.values import KubeObject

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def timestamp(moment: datetime) -> str:
    """Return an aware UTC time as Kubernetes writes it, to the second."""
    return moment.strftime(_TIME)


def check(gvr: str, old: KubeObject, uid: str | None, resource_version: str | None) -> None:
    """Refuse a delete whose preconditions the object does not meet: 409."""
    meta = old["metadata"]
    for label, wanted, have in (
        ("UID", uid, meta["uid"]),
        ("ResourceVersion", resource_version, meta["resourceVersion"]),
    ):
        if wanted is not None and wanted != have:
            after = "deleted and then recreated" if label == "UID" else "modified"
            raise status.conflict(
                writing.kind_of(gvr),
                writing.split(gvr)[0],
                meta["name"],
                f"the {label} in the precondition ({wanted}) does not match the {label} in "
                f"record ({have}). The object might have been {after}",
            )


def grace_of(gvr: str, old: KubeObject, asked: int | None) -> int:
    """Return the seconds that an object has to stop: only scheduled, living pods have any."""
    if gvr != "v1/pods" or not (old.get("spec") or {}).get("nodeName"):
        return 0
    if (old.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    if asked is not None:
        return asked
    return int(old["spec"].get("terminationGracePeriodSeconds", 30))


def held_namespace(gvr: str, obj: KubeObject) -> bool:
    """Say whether this is a namespace that must be emptied first."""
    return gvr == "v1/namespaces" and bool((obj.get("spec") or {}).get("finalizers"))


def released(gvr: str, new: KubeObject) -> bool:
    """Say whether a deleted object has nothing left to wait for."""
    meta = new["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers") or held_namespace(gvr, new):
        return False
    return int(meta.get("deletionGracePeriodSeconds") or 0) == 0


def mark(gvr: str, new: KubeObject, grace: int, finalizers: Sequence[str], now: datetime) -> None:
    """Write into an object that it is being deleted."""
    meta = new["metadata"]
    if gvr == "v1/namespaces":
        meta.setdefault("deletionTimestamp", timestamp(now))
        new["status"] = {**new.get("status", {}), "phase": "Terminating"}
        return
    if "deletionTimestamp" not in meta:
        meta["deletionTimestamp"] = timestamp(now + timedelta(seconds=grace))
        meta["generation"] = int(meta.get("generation", 0)) + 1
    meta["deletionGracePeriodSeconds"] = min(grace, meta.get("deletionGracePeriodSeconds", grace))
    if finalizers:
        meta["finalizers"] = [*finalizers]


def cut_grace(new: KubeObject) -> bool:
    """Take away what is left of an object's grace; say whether there was any."""
    meta = new["metadata"]
    grace = int(meta.get("deletionGracePeriodSeconds") or 0)
    if not grace:
        return False
    end = datetime.strptime(meta["deletionTimestamp"], _TIME).replace(tzinfo=UTC)
    meta["deletionTimestamp"] = timestamp(end - timedelta(seconds=grace))
    meta["deletionGracePeriodSeconds"] = 0
    return True
