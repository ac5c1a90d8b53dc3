"""The words of a validation error, and the checks that every object goes through."""

import json
import re
from collections.abc import Iterable
from typing import Any

from remedyd.lab.apiserver.status import Cause
from remedyd.model.values import KubeObject

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
    "'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
NAME_PART_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_PATH_NAMED = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
NOT_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"


def shown(value: Any) -> str:
    """Write a value as it stands in a message: compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def invalid(field: str, value: Any, why: str) -> Cause:
    """Return the cause for a value that breaks a rule."""
    return Cause("FieldValueInvalid", f"Invalid value: {shown(value)}: {why}", field)


def required(field: str, why: str = "") -> Cause:
    """Return the cause for a missing value."""
    message = f"Required value: {why}" if why else "Required value"
    return Cause("FieldValueRequired", message, field)


def forbidden(field: str, why: str) -> Cause:
    """Return the cause for a value that must not be there."""
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def duplicate(field: str, value: Any) -> Cause:
    """Return the cause for a value that is there twice."""
    return Cause("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field)


def unsupported(field: str, value: Any, allowed: Iterable[str]) -> Cause:
    """Return the cause for a value that is none of the allowed ones."""
    listed = ", ".join(f'"{each}"' for each in allowed)
    return Cause(
        "FieldValueNotSupported",
        f"Unsupported value: {shown(value)}: supported values: {listed}",
        field,
    )


def too_long(field: str, limit: int) -> Cause:
    """Return the cause for a value over a limit in bytes."""
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", field)


def not_negative(field: str, value: Any) -> list[Cause]:
    """Check a number that counts something."""
    if isinstance(value, int) and value < 0:
        return [invalid(field, value, NOT_NEGATIVE)]
    return []


def labels(values: Any, field: str) -> list[Cause]:
    """Check a map of labels."""
    causes = []
    for key, value in sorted((values or {}).items()):
        prefix, slash, name = key.rpartition("/")
        if not _QUALIFIED.fullmatch(name) or len(name) > 63:
            causes.append(invalid(field, key, NAME_PART_RULE))
        elif slash and not _SUBDOMAIN.fullmatch(prefix):
            causes.append(invalid(field, key, f"prefix part {SUBDOMAIN_RULE}"))
        if not _VALUE.fullmatch(str(value)) or len(str(value)) > 63:
            causes.append(invalid(field, value, VALUE_RULE))
    return causes


def dns_label(value: str, field: str) -> list[Cause]:
    """Check a name of at most 63 characters without dots."""
    return (
        [] if _LABEL.fullmatch(value) and len(value) < 64 else [invalid(field, value, LABEL_RULE)]
    )


def _path_segment(name: str) -> list[Cause]:
    """Check the name of a role or binding, such as `system:auth-delegator`."""
    if name in (".", ".."):
        return [invalid("metadata.name", name, f"may not be '{name}'")]
    found = [part for part in "/%" if part in name]
    return [invalid("metadata.name", name, f"may not contain '{part}'") for part in found]


def metadata(new: KubeObject, old: KubeObject | None, *, label_name: bool = False) -> list[Cause]:
    """Check name, labels and annotations; `label_name` for names that must be a DNS label."""
    meta = new["metadata"]
    name = meta.get("name") or ""
    causes: list[Cause] = []
    if old is None:
        if not name:
            return [required("metadata.name", "name or generateName is required")]
        if label_name:
            causes += dns_label(name, "metadata.name")
        elif new.get("kind") in _PATH_NAMED:
            causes += _path_segment(name)
        elif not _SUBDOMAIN.fullmatch(name) or len(name) > 253:
            causes.append(invalid("metadata.name", name, SUBDOMAIN_RULE))
    causes += labels(meta.get("labels"), "metadata.labels")
    for key in meta.get("annotations") or {}:
        if not _QUALIFIED.fullmatch(key.rpartition("/")[2]):
            causes.append(invalid("metadata.annotations", key, NAME_PART_RULE))
    return causes
