"""The settings of a daemon on a lab, as the settings file would have them."""

from collections.abc import Mapping
from typing import Any


def sections(told: Mapping[str, str], **changes: Any) -> dict[str, Any]:
    """Return environment variables as sections; `changes` are top-level settings or sections."""
    found: dict[str, Any] = {}
    for name, value in told.items():
        head, _, rest = name.lower().partition("__")
        if rest:
            found.setdefault(head, {})[rest] = value
        else:
            found[head] = value
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(found.get(name), dict)
        found[name] = {**found[name], **value} if both else value
    return found
