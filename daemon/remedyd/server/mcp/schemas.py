"""JSON schemas as agents and their gateways like them: flat, without references and titles."""

from typing import Any

from pydantic import BaseModel

_NOISE = ("title", "$defs")


def schema(model: type[BaseModel], *, inputs: bool = False) -> dict[str, Any]:
    """Return the schema of `model` with every reference replaced by what it names.

    For `inputs`, "a value or null" becomes the value alone: an argument is given or left out, and
    several models' function calling knows no alternatives.
    """
    whole = model.model_json_schema(mode="validation" if inputs else "serialization")
    flat = _flat(whole, whole.get("$defs", {}), inputs)
    assert isinstance(flat, dict)
    return flat


def _flat(node: Any, known: dict[str, Any], inputs: bool, names: bool = False) -> Any:
    """Return `node` without references; where its keys are `names` of fields, all are kept."""
    if isinstance(node, list):
        return [_flat(item, known, inputs) for item in node]
    if not isinstance(node, dict):
        return node
    if not names and "$ref" in node:
        named = known[node["$ref"].rpartition("/")[2]]
        return _flat({**named, **{k: v for k, v in node.items() if k != "$ref"}}, known, inputs)
    if not names and inputs and "anyOf" in node:
        node = _given(node)
    return {
        key: _flat(value, known, inputs, names=key == "properties" and not names)
        for key, value in node.items()
        if names or key not in _NOISE
    }


def _given(node: dict[str, Any]) -> dict[str, Any]:
    """Return the one alternative that is not null."""
    rest = {k: v for k, v in node.items() if k not in ("anyOf", "default")}
    (kept,) = [each for each in node["anyOf"] if each != {"type": "null"}]
    return {**kept, **rest}
