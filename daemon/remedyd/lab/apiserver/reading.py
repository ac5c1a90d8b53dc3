"""GET: one object, and lists with selectors, pages and earlier versions."""

from typing import Any

import yaml

from remedyd.lab.apiserver import history, negotiation, selectors, tables, versions
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.messages import Response
from remedyd.lab.apiserver.negotiation import Form
from remedyd.lab.apiserver.resources import STORED_AS
from remedyd.lab.apiserver.status import Cause, StatusError, invalid
from remedyd.model.values import KubeObject

_PARTIAL = "PartialObjectMetadata"
_EXACT_TOO_OLD = "The resourceVersion for the provided list is too old."


def form_of(call: Call) -> Form:
    """Return the form that the client accepts."""
    return negotiation.choose(call.request.headers.get("accept", ""))


def partial(obj: KubeObject) -> KubeObject:
    """Return an object's metadata alone."""
    return {"kind": _PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def as_yaml(value: Any) -> bytes:
    """Write an object as YAML."""
    text: str = yaml.safe_dump(value, default_flow_style=False, sort_keys=True)
    return text.encode()


def answer(call: Call, obj: KubeObject, status: int = 200) -> Response:
    """Return one object in the form that is wanted."""
    form = form_of(call)
    if form.shape == "Table":
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        include = call.request.option("includeObject") or "Metadata"
        now = call.store.clock.now()
        kind = obj.get("kind", call.resource.kind)
        return Response(status, tables.table(kind, [obj], metadata, now, include))
    if form.shape == _PARTIAL:
        return Response(status, partial(obj))
    if form.media == "application/yaml":
        return Response(status, as_yaml(obj), "application/yaml")
    return Response(status, obj)


def get(call: Call) -> Response:
    """Answer a GET of one object."""
    stored = call.store.peek(call.gvr, call.namespace, call.path.name)
    if stored is None:
        stored = call.get()
    form = form_of(call)
    if form == Form() and call.resource.gvr not in STORED_AS:
        return Response(200, call.backend.wire.whole(call.gvr, stored))
    return answer(call, call.shown(stored))


def check_versions(call: Call) -> int | None:
    """Read resourceVersion of a list; return it, None when it does not matter."""
    wanted = call.request.option("resourceVersion")
    match = call.request.option("resourceVersionMatch")
    if match and not wanted and not call.request.flag("sendInitialEvents"):
        text = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        cause = Cause("FieldValueForbidden", text, "resourceVersionMatch")
        raise invalid("ListOptions", "meta.k8s.io", "", [cause])
    if not wanted or wanted == "0":
        return None
    version = parse_version(wanted)
    if version > call.store.version:
        raise _too_large(version, call.store.version)
    if match != "Exact":
        return None
    if version < call.store.oldest_version:
        raise StatusError(410, "Expired", _EXACT_TOO_OLD)
    return version


def parse_version(text: str) -> int:
    """Read a resourceVersion; raises StatusError 500 as the server does."""
    if not text.isdigit():
        message = (
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": '
            "invalid syntax"
        )
        raise StatusError(500, "", message)
    return int(text)


def _too_large(wanted: int, current: int) -> StatusError:
    message = f"Timeout: Too large resource version: {wanted}, current: {current}"
    causes = [Cause("ResourceVersionTooLarge", "Too large resource version", "").body()]
    details = {"causes": causes, "retryAfterSeconds": 1}
    return StatusError(504, "Timeout", message, details=details, headers={"Retry-After": "1"})


def matcher(call: Call) -> selectors.Match | None:
    """Return the selectors of the request, joined."""
    by_label = selectors.labels(call.request.option("labelSelector"))
    by_field = selectors.fields(call.request.option("fieldSelector"), call.resource.gvr)
    named = selectors.both(by_label, by_field)
    if call.path.watch and call.path.name:
        name = call.path.name
        return selectors.both(named, lambda obj: obj["metadata"]["name"] == name)
    return named


def _window(call: Call) -> tuple[history.Listing, int, str]:
    """Return the objects to choose from, as of which version, and the key to start after."""
    token = call.request.option("continue")
    start = ""
    if token:
        position = history.decode(token)
        if 0 <= position.version < call.store.oldest_version:
            raise history.expired(position)
        version = None if position.version < 0 else position.version
        start = position.start if position.start.startswith("/") else f"/{position.start}"
    else:
        version = check_versions(call)
    at = call.store.version if version is None else version
    labels = call.request.option("labelSelector")
    return history.listing(call.store, call.gvr, call.namespace, at, labels), at, start


def select(call: Call) -> tuple[list[KubeObject], KubeObject]:
    """Return the objects of a list and the list's metadata."""
    match = matcher(call)
    text = call.request.option("limit")
    limit = int(text) if text.lstrip("-").isdigit() else 0
    chosen: list[KubeObject] = []
    with call.store.lock:
        found, version, start = _window(call)
        metadata: KubeObject = {"resourceVersion": str(version)}
        for place in range(found.after(start, call.namespace), len(found.keys)):
            obj = found.get(found.keys[place])
            if obj is None or (match is not None and not match(obj)):
                continue
            if len(chosen) == limit > 0:
                last = history.key_of(chosen[-1], call.namespace)
                metadata["continue"] = history.encode(history.Position(version, last))
                if match is None:
                    metadata["remainingItemCount"] = len(found.keys) - place
                break
            chosen.append(obj)
    return chosen, metadata


def list_head(call: Call, metadata: KubeObject) -> KubeObject:
    """Return a list answer without its items."""
    return {
        "kind": f"{call.resource.kind}List",
        "apiVersion": call.resource.group_version,
        "metadata": metadata,
    }


def list_answer(call: Call, chosen: list[KubeObject], metadata: KubeObject) -> Response:
    """Return objects as a list in the form that is wanted."""
    form = form_of(call)
    head = list_head(call, metadata)
    if form.shape == "Table":
        include = call.request.option("includeObject") or "Metadata"
        now = call.store.clock.now()
        objects = [call.shown(obj) for obj in chosen]
        return Response(200, tables.table(call.resource.kind, objects, metadata, now, include))
    if form.shape == f"{_PARTIAL}List":
        head |= {"kind": form.shape, "apiVersion": "meta.k8s.io/v1"}
        return Response(200, {**head, "items": [partial(obj) for obj in chosen]})
    if form.media == "application/yaml":
        items = [{k: v for k, v in obj.items() if k != "kind"} for obj in chosen]
        return Response(200, as_yaml({**head, "items": items}), "application/yaml")
    if call.resource.gvr in STORED_AS:
        shown = [versions.shown_as(call.resource.gvr, obj) for obj in chosen]
        items = [{k: v for k, v in obj.items() if k not in ("kind", "apiVersion")} for obj in shown]
        return Response(200, {**head, "items": items})
    return Response(200, call.backend.wire.items(call.gvr, chosen, head))


def list_objects(call: Call) -> Response:
    """Answer a GET of a collection."""
    form_of(call)
    chosen, metadata = select(call)
    return list_answer(call, chosen, metadata)
