"""PATCH in its four kinds, on any object: what is patched is given, what comes out is returned.

The scale and resize subresources patch other things than stored objects, so this module knows
neither paths nor the store.
"""

import json
from dataclasses import dataclass
from typing import Any

import yaml

from remedyd.lab.apiserver import decoding, gojson, patches, strategic
from remedyd.lab.apiserver.bodies import strict_problems
from remedyd.lab.apiserver.messages import Request, WriteOptions
from remedyd.lab.apiserver.schema import FieldType
from remedyd.lab.apiserver.status import Cause, StatusError, bad_request, invalid
from remedyd.model.values import KubeObject

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Patched:
    """The object after the patch, and what was ignored in it."""

    object: KubeObject
    warnings: list[str]


def unsupported() -> StatusError:
    """Return the 415."""
    message = "415: Unsupported Media Type"
    return StatusError(415, "UnsupportedMediaType", message, details={})


def _document(body: bytes, wanted: type, go_type: str) -> Any:
    try:
        document = gojson.loads(body)
    except ValueError as error:
        raise bad_request(str(error)) from error
    if not isinstance(document, wanted):
        names: dict[type, str] = {dict: "object", list: "array", str: "string"}
        found = names.get(type(document), "number")
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {found} into Go value of type {go_type}"
        )
    return document


def _refused(shown: str, why: str) -> StatusError:
    text = f"Invalid value: {json.dumps(shown, ensure_ascii=False)}: {why}"
    return invalid("", "", "", [Cause("FieldValueInvalid", text, "patch")])


def _typed(
    raw: KubeObject, shown: str, kind: FieldType, options: WriteOptions, *, converter: bool
) -> Patched:
    try:
        decoded = decoding.decode(raw, kind, converter=converter)
    except ValueError as error:
        raise _refused(shown, str(error)) from error
    problems = strict_problems(raw, decoded.unknown)
    if problems and options.validation == "Strict":
        raise _refused(shown, f"strict decoding error: {', '.join(problems)}")
    return Patched(decoded.object, problems if options.validation != "Ignore" else [])


def _whole(raw: KubeObject) -> str:
    head = {key: raw[key] for key in sorted(raw)}
    return json.dumps(head, separators=(",", ":"), ensure_ascii=False)


def apply(request: Request, current: KubeObject, kind: FieldType, options: WriteOptions) -> Patched:
    """Return `current` with the request's patch applied; raises StatusError."""
    media = request.content_type
    if media == STRATEGIC and kind.shape != "any":
        patch = _document(request.body, dict, "map[string]interface {}")
        raw = strategic.apply(current, patch, kind)
        return _typed(raw, strategic.go_map(patch), kind, options, converter=True)
    if media == MERGE:
        patch = _document(request.body, dict, "map[string]interface {}")
        raw = patches.merge(current, patch)
    elif media == JSON_PATCH:
        operations = _document(request.body, list, "[]handlers.jsonPatchOp")
        raw = patches.apply_json(current, operations)
    else:
        raise unsupported()
    return _typed(raw, _whole(raw), kind, options, converter=False)


def configuration(request: Request) -> KubeObject:
    """Return the body of a server-side apply, which is YAML (or JSON, which is YAML too)."""
    try:
        document = yaml.safe_load(request.body)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if not isinstance(document, dict):
        raise bad_request("invalid object type: /, Kind=")
    return document
