"""/scale: one number of a workload, with its own kind but the parent's resourceVersion."""

from remedyd.lab.apiserver import bodies, patching, reading, schema, status, validation
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.creating import check_version
from remedyd.lab.apiserver.messages import Response, WriteOptions, write_options
from remedyd.model.values import KubeObject

_KIND, _VERSION = "Scale", "autoscaling/v1"


def _selector_text(selector: KubeObject | None) -> str:
    parts = [f"{k}={v}" for k, v in sorted(((selector or {}).get("matchLabels") or {}).items())]
    for each in (selector or {}).get("matchExpressions") or []:
        values = ",".join(each.get("values") or [])
        parts.append(f"{each['key']} {each['operator'].lower()} ({values})")
    return ",".join(parts)


def scale_of(obj: KubeObject) -> KubeObject:
    """Return the Scale of a workload."""
    meta = obj["metadata"]
    keep = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = obj["spec"].get("replicas", 0)
    have = {"replicas": (obj.get("status") or {}).get("replicas", 0)}
    text = _selector_text(obj["spec"].get("selector"))
    return {
        "kind": _KIND,
        "apiVersion": _VERSION,
        "metadata": {key: meta[key] for key in keep if key in meta},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {**have, "selector": text} if text else have,
    }


def get(call: Call) -> Response:
    """Answer a GET of /scale."""
    return reading.answer(call, scale_of(call.get()))


def _check(call: Call, scale: KubeObject, stored: KubeObject) -> int:
    meta, resource = scale.setdefault("metadata", {}), call.resource
    bodies.check_identity(call, scale)
    check_version(scale)
    version, uid = meta.get("resourceVersion"), meta.get("uid")
    if version and version != stored["metadata"]["resourceVersion"]:
        raise status.modified(resource.name, resource.group, call.path.name)
    if uid and uid != stored["metadata"]["uid"]:
        why = (
            f"Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {stored['metadata']['uid']}"
        )
        raise status.conflict(f"{resource.name}/scale", resource.group, call.path.name, why)
    replicas = int((scale.get("spec") or {}).get("replicas") or 0)
    causes = validation.not_negative("spec.replicas", replicas)
    if causes:
        raise status.invalid(_KIND, "autoscaling", call.path.name, causes)
    return replicas


def _write(call: Call, options: WriteOptions, stored: KubeObject, replicas: int) -> Response:
    stored["spec"]["replicas"] = replicas
    updated = call.store.update(
        call.gvr,
        call.namespace,
        call.path.name,
        stored,
        manager=options.manager,
        subresource="scale",
        dry_run=options.dry_run,
    )
    return reading.answer(call, scale_of(updated))


def update(call: Call) -> Response:
    """Answer a PUT of /scale."""
    options = write_options(call.request, "UpdateOptions")
    warnings: list[str] = []
    with call.store.lock:
        stored = call.get()
        scale = bodies.read(call, _KIND, _VERSION, options, warnings)
        return _write(call, options, stored, _check(call, scale, stored))


def patch(call: Call) -> Response:
    """Answer a PATCH of /scale."""
    options = write_options(call.request, "PatchOptions")
    with call.store.lock:
        stored = call.get()
        kind = schema.kind(_VERSION, _KIND)
        patched = patching.apply(call.request, scale_of(stored), kind, options)
        answer = _write(call, options, stored, _check(call, patched.object, stored))
    answer.warnings = patched.warnings
    return answer
