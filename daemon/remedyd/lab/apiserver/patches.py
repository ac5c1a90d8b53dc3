"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386), with the server's refusals.

Every JSON patch that cannot be applied gives the same 422 without a reason: a client cannot tell
a failed `test` from a bad path, and must not try.
"""

from typing import Any

from remedyd.lab.apiserver.copying import clone
from remedyd.lab.apiserver.status import StatusError

_OPERATIONS = frozenset(("add", "remove", "replace", "move", "copy", "test"))


def merge(target: Any, patch: Any) -> Any:
    """Return `target` with a merge patch applied; null removes, a list replaces."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def _refused() -> StatusError:
    message = "the server rejected our request due to an error in our request"
    return StatusError(422, "Invalid", message, details={})


def _steps(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise _refused()
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _index(text: str, length: int) -> int:
    if not text.isdigit() or int(text) >= length:
        raise _refused()
    return int(text)


def _find(document: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(document, list):
            document = document[_index(step, len(document))]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            raise _refused()
    return document


def _put(document: Any, steps: list[str], value: Any, *, insert: bool) -> None:
    parent, last = _find(document, steps[:-1]), steps[-1]
    if isinstance(parent, dict):
        if not insert and last not in parent:
            raise _refused()
        parent[last] = value
    elif not isinstance(parent, list):
        raise _refused()
    elif not insert:
        parent[_index(last, len(parent))] = value
    else:
        parent.insert(len(parent) if last == "-" else _index(last, len(parent) + 1), value)


def _take(document: Any, steps: list[str]) -> Any:
    value = _find(document, steps)
    parent = _find(document, steps[:-1])
    del parent[int(steps[-1]) if isinstance(parent, list) else steps[-1]]
    return value


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    name = operation.get("op")
    if name not in _OPERATIONS or "path" not in operation:
        raise _refused()
    steps = _steps(operation["path"])
    if name in ("add", "replace", "test") and "value" not in operation:
        raise _refused()
    if name == "test":
        if _find(document, steps) != operation["value"]:
            raise _refused()
        return document
    if name == "remove":
        if not steps:
            raise _refused()
        _take(document, steps)
        return document
    if name == "move":
        value = _take(document, _steps(operation.get("from")))
    elif name == "copy":
        value = clone(_find(document, _steps(operation.get("from"))))
    else:
        value = clone(operation["value"])
    if not steps:
        return value
    _put(document, steps, value, insert=name != "replace")
    return document


def apply_json(target: Any, operations: list[dict[str, Any]]) -> Any:
    """Return `target` with a JSON patch applied; raises the one 422 for every failure."""
    document = clone(target)
    for operation in operations:
        document = _apply(document, operation)
    return document
