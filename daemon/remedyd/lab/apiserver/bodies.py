"""Bodies of writes: read, checked against their type, with warnings for what is unknown."""

from typing import Any

from remedyd.lab.apiserver import decoding, gojson, schema
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.messages import WriteOptions
from remedyd.lab.apiserver.schema import FieldType
from remedyd.lab.apiserver.status import StatusError, bad_request
from remedyd.model.values import KubeObject

_INTERNAL = {"v1": "v1", "apps/v1": "v1"}


def _not_handled(kind: str, version: str, why: str) -> StatusError:
    return bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {why}')


def _wrong_kind(found: KubeObject, wanted: str, group: str) -> StatusError:
    kind, group_version = found.get("kind", ""), found.get("apiVersion", "")
    version = group_version.rpartition("/")[2]
    target = f"{(group or 'core').split('.')[0]}.{wanted}"
    return bad_request(
        f'{kind} in version "{version}" cannot be handled as a {wanted}: converting '
        f"({version}.{kind}) to ({target}): unknown conversion"
    )


def read(
    call: Call, kind: str, group_version: str, options: WriteOptions, warnings: list[str]
) -> KubeObject:
    """Return the body as an object of a kind; adds to `warnings` what was ignored."""
    raw = call.request.document(kind)
    if not isinstance(raw, dict):
        raise _not_handled(kind, group_version.rpartition("/")[2], "json: cannot unmarshal")
    found = (raw.get("apiVersion") or group_version, raw.get("kind") or kind)
    if found != (group_version, kind):
        raise _wrong_kind(raw, kind, group_version.rpartition("/")[0])
    return typed(raw, kind, group_version, options, warnings)


def typed(
    raw: KubeObject, kind: str, group_version: str, options: WriteOptions, warnings: list[str]
) -> KubeObject:
    """Return `raw` as its type holds it; raises StatusError 400."""
    version = group_version.rpartition("/")[2]
    kind_type = schema.kind(group_version, kind)
    try:
        decoded = decoding.decode(raw, kind_type)
    except ValueError as error:
        raise _not_handled(kind, version, str(error)) from error
    problems = strict_problems(raw, decoded.unknown)
    if problems and options.validation == "Strict":
        raise _not_handled(kind, version, f"strict decoding error: {', '.join(problems)}")
    if options.validation != "Ignore":
        warnings += problems
    return decoded.object


def strict_problems(raw: Any, unknown: tuple[str, ...]) -> list[str]:
    """Return what strict validation objects to, in its words."""
    return [
        *(f'duplicate field "{path}"' for path in gojson.repeated(raw)),
        *(f'unknown field "{path}"' for path in unknown),
    ]


def resource_warnings(obj: KubeObject) -> list[str]:
    """Return the server's warnings about values that are accepted but make no sense."""
    spec = obj.get("spec") or {}
    field, pod = "spec", spec
    if isinstance(spec.get("template"), dict):
        field, pod = "spec.template.spec", spec["template"].get("spec") or {}
    found = []
    for index, each in enumerate(pod.get("containers") or []):
        held = each.get("resources") or {}
        for part in ("limits", "requests"):
            text = str((held.get(part) or {}).get("memory", ""))
            if text.endswith("m"):
                found.append(
                    f"{field}.containers[{index}].resources.{part}[memory]: fractional byte value "
                    f'"{text}" is invalid, must be an integer'
                )
    return found


def check_identity(call: Call, obj: KubeObject) -> None:
    """Refuse a body whose name or namespace is not that of the path."""
    meta = obj.setdefault("metadata", {})
    if call.path.name and meta.get("name") and meta["name"] != call.path.name:
        raise bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL "
            f"({call.path.name})"
        )
    check_namespace(call, meta)


def check_namespace(call: Call, meta: KubeObject) -> None:
    """Refuse a body of another namespace than the path's."""
    sent = meta.get("namespace")
    if call.namespace and sent and sent != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def kind_type(call: Call) -> FieldType:
    """Return the type that the resource of the call holds."""
    return call.resource.type
