"""/resize: requests and limits of a running pod, and nothing else of it."""

from typing import Any

from remedyd.lab.apiserver import (
    bodies,
    managed,
    patching,
    quantity,
    reading,
    status,
    validation_pods,
)
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.creating import check_version
from remedyd.lab.apiserver.managed import Manager
from remedyd.lab.apiserver.messages import Response, write_options
from remedyd.lab.apiserver.status import Cause, StatusError
from remedyd.lab.apiserver.strategies import quality_of_service
from remedyd.lab.apiserver.validation import forbidden, invalid
from remedyd.model.values import KubeObject


def _by_name(pod: KubeObject) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in pod["spec"]["containers"]}


def _removed(new: KubeObject, old: KubeObject) -> list[Cause]:
    causes = []
    before = _by_name(old)
    for index, each in enumerate(new["spec"]["containers"]):
        held = before.get(each.get("name", ""), {}).get("resources") or {}
        now = each.get("resources") or {}
        for part in ("requests", "limits"):
            if set(held.get(part) or {}) - set(now.get(part) or {}):
                field = f"spec.containers[{index}].resources.{part}"
                causes.append(forbidden(field, f"resource {part} cannot be removed"))
    return causes


def check(new: KubeObject, old: KubeObject) -> list[Cause]:
    """Return what a resize does wrong."""
    causes = validation_pods.pod_spec(new["spec"], "spec")
    names = [each.get("name") for each in new["spec"]["containers"]]
    if names != [each["name"] for each in old["spec"]["containers"]]:
        why = "containers may not be added or removed on resize"
        return [*causes, forbidden("spec.containers", why)]
    causes += _removed(new, old)
    was = quality_of_service(old)
    if not causes and quality_of_service(new) != was:
        why = "Pod QOS Class may not change as a result of resizing"
        causes.append(invalid("spec", was, why))
    return causes


def _fits(call: Call, new: KubeObject) -> None:
    """Refuse what the node could not hold even if it were empty."""
    node = call.store.peek("v1/nodes", None, new["spec"].get("nodeName", ""))
    allocatable = ((node or {}).get("status") or {}).get("allocatable") or {}
    for name in ("cpu", "memory"):
        if name not in allocatable:
            continue
        asked = sum(
            quantity.amount(((each.get("resources") or {}).get("requests") or {}).get(name, "0"))
            for each in new["spec"]["containers"]
        )
        have = quantity.amount(allocatable[name])
        if asked > have:
            scale = 1000 if name == "cpu" else 1
            why = (
                f"node didn't have enough allocatable resources: {name}, requested: "
                f"{int(asked * scale)}, allocatable: {int(have * scale)}"
            )
            error = status.forbidden("pods", "", new["metadata"]["name"], why)
            if error.details is not None:
                error.details["causes"] = [{"reason": "NodeCapacity"}]
            raise error


def _restricted(patched: KubeObject, stored: KubeObject) -> KubeObject:
    """Return the stored pod with the patched resources."""
    wanted = _by_name(patched)
    for each in stored["spec"]["containers"]:
        held = wanted[each["name"]]
        each["resources"] = held.get("resources") or {}
        if "resizePolicy" in held:
            each["resizePolicy"] = held["resizePolicy"]
    return stored


def _owners(call: Call, patched: KubeObject, stored: KubeObject, manager: str) -> list[KubeObject]:
    """Return who owns what: a resize takes even the fields that it asks for and does not get."""
    owner = Manager(manager, "Update", "v1", "resize")
    asked = {**patched, "status": stored.get("status", {}), "metadata": {**patched["metadata"]}}
    managed.update(stored, asked, call.resource.type, owner, call.store.timestamp())
    owners: list[KubeObject] = asked["metadata"].get("managedFields", [])
    return owners


def _write(call: Call, patched: KubeObject, *, dry_run: bool, manager: str) -> Response:
    stored = call.get()
    bodies.check_identity(call, patched)
    check_version(patched)
    sent = patched["metadata"].get("resourceVersion")
    if sent and sent != stored["metadata"]["resourceVersion"]:
        raise status.modified("pods", "", call.path.name)
    causes = check(patched, stored)
    if causes:
        raise status.invalid("Pod", "", call.path.name, causes)
    owners = _owners(call, patched, stored, manager)
    new = _restricted(patched, stored)
    _fits(call, new)
    updated = call.store.update(
        call.gvr,
        call.namespace,
        call.path.name,
        new,
        manager=manager,
        subresource="resize",
        dry_run=dry_run,
        owners=owners,
    )
    return reading.answer(call, updated)


def get(call: Call) -> Response:
    """Answer a GET of /resize: the pod."""
    return reading.answer(call, call.get())


def patch(call: Call) -> Response:
    """Answer a PATCH of /resize."""
    options = write_options(call.request, "PatchOptions")
    if call.request.content_type == patching.APPLY:
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", details={})
    with call.store.lock:
        patched = patching.apply(call.request, call.get(), call.resource.type, options)
        answer = _write(call, patched.object, dry_run=options.dry_run, manager=options.manager)
    answer.warnings = patched.warnings
    return answer


def update(call: Call) -> Response:
    """Answer a PUT of /resize."""
    options = write_options(call.request, "UpdateOptions")
    warnings: list[str] = []
    obj = bodies.read(call, "Pod", "v1", options, warnings)
    with call.store.lock:
        return _write(call, obj, dry_run=options.dry_run, manager=options.manager)
