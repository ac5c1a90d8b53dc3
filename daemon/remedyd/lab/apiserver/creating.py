"""POST of a new object, and PUT of a whole one."""

from remedyd.lab.apiserver import bodies, reading, status, versions
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.messages import Response, write_options
from remedyd.lab.apiserver.status import Cause, StatusError
from remedyd.lab.apiserver.strategies import strategy
from remedyd.model.values import KubeObject

_CREATED_BY_PUT = frozenset(("coordination.k8s.io/v1/leases", "v1/events"))
_EVENT_TIME = Cause("FieldValueRequired", "Required value", "eventTime")


def _check_event(call: Call, obj: KubeObject) -> None:
    if call.resource.gvr == "events.k8s.io/v1/events" and not obj.get("eventTime"):
        raise status.invalid("Event", "", obj["metadata"].get("name", ""), [_EVENT_TIME])


def create(call: Call) -> Response:
    """Answer a POST of a collection."""
    options = write_options(call.request, "CreateOptions")
    warnings: list[str] = []
    resource = call.resource
    obj = bodies.read(call, resource.kind, resource.group_version, options, warnings)
    obj.setdefault("metadata", {})
    bodies.check_namespace(call, obj["metadata"])
    _check_event(call, obj)
    created = call.store.create(
        call.gvr,
        call.namespace,
        versions.stored_from(resource.gvr, obj),
        manager=options.manager,
        dry_run=options.dry_run,
        api_version=resource.group_version,
    )
    answer = reading.answer(call, call.shown(created), 201)
    answer.warnings = warnings + bodies.resource_warnings(created)
    return answer


def _wrong_uid(call: Call, sent: str, stored: KubeObject) -> StatusError:
    place = f"/{call.namespace}" if call.namespace else ""
    key = f"/registry/{call.resource.name}{place}/{call.path.name}"
    why = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
        f"AdditionalErrorMsg: Precondition failed: UID in precondition: {sent}, "
        f"UID in object meta: {stored['metadata']['uid']}"
    )
    return status.conflict(call.resource.name, call.resource.group, call.path.name, why)


def needs_version(call: Call, obj: KubeObject) -> None:
    """Refuse an update without resourceVersion where the resource wants one."""
    if strategy(call.gvr).needs_version and not obj["metadata"].get("resourceVersion"):
        text = "Invalid value: 0: must be specified for an update"
        cause = Cause("FieldValueInvalid", text, "metadata.resourceVersion")
        resource = call.resource
        raise status.invalid(resource.name, resource.group, call.path.name, [cause])


def check_version(obj: KubeObject) -> None:
    """Refuse a resourceVersion that is no number, as the server does: with a 500."""
    sent = obj.get("metadata", {}).get("resourceVersion") or ""
    if sent and not sent.isdigit():
        message = f'strconv.ParseUint: parsing "{sent}": invalid syntax'
        raise StatusError(500, "", message)


def update(call: Call) -> Response:
    """Answer a PUT of an object or of its status."""
    options = write_options(call.request, "UpdateOptions")
    warnings: list[str] = []
    resource = call.resource
    obj = bodies.read(call, resource.kind, resource.group_version, options, warnings)
    bodies.check_identity(call, obj)
    stored = call.store.peek(call.gvr, call.namespace, call.path.name)
    if stored is None and call.gvr in _CREATED_BY_PUT:
        return create(call)
    if stored is None:
        stored = call.get()
    check_version(obj)
    sent = obj["metadata"].get("uid")
    if sent and sent != stored["metadata"]["uid"]:
        raise _wrong_uid(call, sent, stored)
    needs_version(call, obj)
    updated = call.store.update(
        call.gvr,
        call.namespace,
        call.path.name,
        versions.stored_from(resource.gvr, obj),
        manager=options.manager,
        subresource=call.path.subresource or None,
        dry_run=options.dry_run,
        api_version=resource.group_version,
    )
    answer = reading.answer(call, call.shown(updated))
    answer.warnings = warnings + bodies.resource_warnings(updated)
    return answer
