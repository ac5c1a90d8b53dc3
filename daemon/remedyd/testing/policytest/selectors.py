"""Selectors as list requests carry them, answered over plain objects."""

import re
from collections.abc import Mapping
from typing import Any

from remedyd.model import KubeObject

_TERM = re.compile(
    r"\s*(?:(?P<key>[^\s=!,()]+)\s+(?P<verb>in|notin)\s*\((?P<values>[^)]*)\)"
    r"|(?P<name>[^\s=!,()]+)\s*(?P<sign>==|=|!=)\s*(?P<value>[^,\s]*)"
    r"|(?P<not>!)?(?P<present>[^\s=!,()]+))\s*(?:,|$)"
)


def labelled(obj: KubeObject, selector: str) -> bool:
    """Whether the object's labels fulfil a label selector; an empty one fits everything."""
    labels = obj["metadata"].get("labels") or {}
    return all(_term(match, labels) for match in _TERM.finditer(selector) if match.group().strip())


def fielded(obj: KubeObject, selector: str) -> bool:
    """Whether the object's fields, such as `metadata.name`, fulfil a field selector."""
    for match in _TERM.finditer(selector):
        if not match["name"]:
            continue
        value: Any = obj
        for part in match["name"].split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if (str(value or "") == match["value"]) == (match["sign"] == "!="):
            return False
    return True


def _term(match: re.Match[str], labels: Mapping[str, str]) -> bool:
    if match["verb"]:
        listed = [value.strip() for value in match["values"].split(",")]
        return (labels.get(match["key"]) in listed) == (match["verb"] == "in")
    if match["name"]:
        return (labels.get(match["name"]) == match["value"]) == (match["sign"] != "!=")
    return (match["present"] in labels) != bool(match["not"])
