"""PATCH of a stored object or of its status."""

from remedyd.lab.apiserver import applying, bodies, creating, patching, reading, status, versions
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.messages import Response, write_options
from remedyd.lab.apiserver.status import Cause
from remedyd.lab.apiserver.validation import IMMUTABLE, invalid
from remedyd.model.values import KubeObject


def _check_uid(call: Call, patched: KubeObject, stored: KubeObject) -> None:
    sent = patched["metadata"].get("uid")
    if sent is None or sent == stored["metadata"]["uid"]:
        return
    cause: Cause = invalid("metadata.uid", sent, IMMUTABLE)
    error = status.invalid(call.resource.kind, call.resource.group, call.path.name, [cause])
    if error.details is not None:
        error.details["causes"] = [cause.body(), cause.body()]
    raise error


def patch(call: Call) -> Response:
    """Answer a PATCH."""
    options = write_options(call.request, "PatchOptions")
    if call.request.content_type == patching.APPLY:
        return applying.apply(call, options)
    with call.store.lock:
        stored = call.store.peek(call.gvr, call.namespace, call.path.name)
        if stored is None:
            stored = call.get()
        current = call.shown(stored)
        patched = patching.apply(call.request, current, call.resource.type, options)
        bodies.check_identity(call, patched.object)
        creating.check_version(patched.object)
        sent = patched.object["metadata"].get("resourceVersion")
        if sent and sent != stored["metadata"]["resourceVersion"]:
            raise status.modified(call.resource.name, call.resource.group, call.path.name)
        _check_uid(call, patched.object, stored)
        updated = call.store.update(
            call.gvr,
            call.namespace,
            call.path.name,
            versions.stored_from(call.resource.gvr, patched.object),
            manager=options.manager,
            subresource=call.path.subresource or None,
            dry_run=options.dry_run,
            api_version=call.resource.group_version,
        )
    answer = reading.answer(call, call.shown(updated))
    answer.warnings = patched.warnings + bodies.resource_warnings(updated)
    return answer
