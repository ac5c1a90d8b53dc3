"""Deep copies of JSON values, several times faster than the general `copy.deepcopy`."""

from typing import Any


def clone(value: Any) -> Any:
    """Return a copy of a JSON value that shares no container with it."""
    kind = type(value)
    if kind is dict:
        return {
            key: clone(item) if type(item) in (dict, list) else item for key, item in value.items()
        }
    if kind is list:
        return [clone(item) if type(item) in (dict, list) else item for item in value]
    return value
