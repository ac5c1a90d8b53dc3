"""Where remedyd keeps its hands off: protected namespaces, and whatever its owner marked.

The annotation `remedyd.io/mode` on a workload or its namespace lowers what a policy may do there;
it never raises it. A value that is not one of the four words counts as `off`: whoever wrote it
wanted something less than the usual, and guessing what would be a guess in the wrong direction.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from remedyd.model.decision import Mode, strictest
from remedyd.model.values import KubeObject
from remedyd.policy.guardrails.snapshot import Snapshot

ANNOTATION = "remedyd.io/mode"
_WORDS = {
    "off": Mode.DISABLED,
    "dry-run": Mode.DRY_RUN,
    "propose": Mode.PROPOSE,
    "auto": Mode.AUTO,
}


def ceiling(*objects: KubeObject) -> tuple[Mode, str]:
    """Return how far the annotations of the objects let a change go, and which one says so."""
    found = [asked for obj in objects if (asked := _asked(obj)) is not None]
    if not found:
        return Mode.AUTO, ""
    lowest = strictest(*(mode for mode, _ in found))
    return next((mode, said) for mode, said in found if mode is lowest)


def _asked(obj: KubeObject) -> tuple[Mode, str] | None:
    meta: Mapping[str, str | dict[str, str]] = obj.get("metadata") or {}
    annotations = meta.get("annotations")
    value = annotations.get(ANNOTATION) if isinstance(annotations, dict) else None
    if value is None:
        return None
    said = f"{obj.get('kind', 'object')} {meta.get('name', '')} says {ANNOTATION}: {value}"
    mode = _WORDS.get(value)
    if mode is None:
        return Mode.DISABLED, f"{said}, which is none of {', '.join(_WORDS)} and counts as off"
    return mode, said


def protected(s: Snapshot) -> str:
    """Return why nothing is written in the namespace."""
    name = s.target.namespace
    for pattern in s.guardrails.protected_namespaces:
        if fnmatchcase(name, pattern):
            return f"the namespace {name} is protected"
    return ""


def opted_out(s: Snapshot) -> str:
    """Return who wants no changes at all here."""
    return s.said if s.ceiling is Mode.DISABLED else ""


def beyond_mode(s: Snapshot) -> str:
    """Return who allows less than this change would go."""
    return s.said if s.ceiling.stricter_than(s.mode) else ""
