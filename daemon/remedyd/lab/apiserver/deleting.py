"""DELETE of one object or of many."""

from dataclasses import dataclass
from typing import Any

from remedyd.lab.apiserver import reading, status
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.messages import Response, WriteOptions, write_options
from remedyd.lab.apiserver.status import Cause, StatusError
from remedyd.lab.apiserver.validation import unsupported
from remedyd.model.values import KubeObject

_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
_RETURNS_OBJECT = frozenset(
    ("v1/pods", "v1/serviceaccounts", "v1/persistentvolumes", "v1/persistentvolumeclaims",
     "v1/resourcequotas", "v1/services", "v1/replicationcontrollers", "v1/podtemplates")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Options:
    write: WriteOptions
    policy: str
    grace: int | None
    uid: str | None
    version: str | None


def _options(call: Call) -> _Options:
    body: dict[str, Any] = {}
    if call.request.body.strip():
        document = call.request.document("DeleteOptions")
        body = document if isinstance(document, dict) else {}
    write = write_options(call.request, "DeleteOptions", body.get("dryRun"))
    policy = body.get("propagationPolicy") or call.request.option("propagationPolicy")
    if policy and policy not in ("Foreground", "Background", "Orphan"):
        allowed = ("Foreground", "Background", "Orphan", "nil")
        cause: Cause = unsupported("propagationPolicy", policy, allowed)
        raise status.invalid("DeleteOptions", "meta.k8s.io", "", [cause])
    grace = body.get("gracePeriodSeconds")
    if grace is None and (text := call.request.option("gracePeriodSeconds")):
        grace = int(text)
    wanted = body.get("preconditions") or {}
    return _Options(write, policy, grace, wanted.get("uid"), wanted.get("resourceVersion"))


def success(call: Call, obj: KubeObject) -> KubeObject:
    """Return the Status that says that an object is gone."""
    meta, resource = obj["metadata"], call.resource
    details = {"name": meta["name"], "group": resource.group, "kind": resource.name}
    shown = {key: value for key, value in {**details, "uid": meta["uid"]}.items() if value}
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**head, "details": shown}


def _one(call: Call, options: _Options, obj: KubeObject) -> KubeObject | None:
    meta = obj["metadata"]
    return call.store.delete(
        call.gvr,
        meta.get("namespace"),
        meta["name"],
        uid=options.uid,
        resource_version=options.version,
        grace_seconds=options.grace,
        finalizer=_FINALIZERS.get(options.policy),
        manager=options.write.manager,
        dry_run=options.write.dry_run,
    )


def delete(call: Call) -> Response:
    """Answer a DELETE of one object: a Status, or the object while it lingers."""
    options = _options(call)
    with call.store.lock:
        stored = call.get()
        if call.gvr == "v1/pods" and options.grace == 0 and not options.write.dry_run:
            stored = call.store.cut_grace(call.gvr, call.namespace, call.path.name)
        lingering = _one(call, options, stored)
    if lingering is not None:
        return reading.answer(call, call.shown(lingering))
    if call.gvr in _RETURNS_OBJECT:
        return reading.answer(call, call.shown(stored))
    return Response(200, success(call, stored))


def delete_collection(call: Call) -> Response:
    """Answer a DELETE of a collection: the list of what was deleted."""
    options = _options(call)
    chosen, metadata = reading.select(call)
    gone: list[KubeObject] = []
    for obj in chosen:
        try:
            gone.append(_one(call, options, obj) or obj)
        except StatusError as error:
            if error.code != 404:
                raise
    metadata["resourceVersion"] = str(call.store.version)
    items = [{k: v for k, v in obj.items() if k not in ("kind", "apiVersion")} for obj in gone]
    return Response(200, {**reading.list_head(call, metadata), "items": items})
