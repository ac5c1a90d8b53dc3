"""The reference of test files as Markdown, from the models that read them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from remedyd.documents import Model
from remedyd.policy.schema import schema_of
from remedyd.testing.policytest import schema

Parts: TypeAlias = Sequence[tuple[str, type[Model]]]

PARTS: Parts = (
    ("The file", schema.PolicyTestFile),
    ("metadata", schema.Metadata),
    ("fixtures", schema.Fixtures),
    ("cases[]", schema.CaseSpec),
    ("cases[].rows[]", schema.RowSpec),
    ("cases[].telemetry", schema.TelemetrySpec),
    ("cases[].telemetry.series[]", schema.SeriesSpec),
    ("cases[].events[]", schema.EventSpec),
    ("cases[].expect[]", schema.ExpectSpec),
)
_DURATION = "duration"


def reference(parts: Parts = PARTS) -> str:
    """Return a table of fields for each part of a file."""
    return "\n".join(line for title, model in parts for line in _section(title, model))


def _section(title: str, model: type[Model]) -> Iterator[str]:
    found = schema_of(model)
    yield f"### {title if ' ' in title else f'`{title}`'}"
    yield ""
    yield (model.__doc__ or "").splitlines()[0]
    yield ""
    yield "| field | value | meaning |"
    yield "| --- | --- | --- |"
    for name, field in found["properties"].items():
        needed = name in found.get("required", ())
        value = _value(field, found.get("$defs", {}))
        default = field.get("default")
        told = default not in (None, "", [], {}) and not isinstance(default, dict)
        given = f"; by default `{_plain(default)}`" if told else ""
        must = ", **required**" if needed else given
        yield f"| `{name}` | {value}{must} | {field['description'].replace(chr(10), ' ')} |"
    yield ""


def _value(field: dict[str, Any], known: dict[str, Any]) -> str:
    """Say in words what may stand there."""
    choices = field.get("anyOf") or field.get("oneOf")
    if choices:
        told = [_value(one, known) for one in choices if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(told))
    if "$ref" in field:
        target = known.get(field["$ref"].rpartition("/")[2], {})
        return ", ".join(map(str, target["enum"])) if "enum" in target else "mapping"
    if "const" in field:
        return f"`{field['const']}`"
    kind = field.get("type")
    if isinstance(kind, list):
        return " or ".join(_value({**field, "type": one}, known) for one in kind)
    if kind == "array":
        return f"list of {_plural(_value(field.get('items', {}), known))}"
    if kind == "string":
        duration = "[0-9]{1,6}d" in field.get("pattern", "")
        return _DURATION if duration else "time" if field.get("format") == "date-time" else "text"
    return {"object": "mapping", "integer": "whole number", "boolean": "true or false"}.get(
        str(kind), str(kind)
    )


def _plural(word: str) -> str:
    return " or ".join(f"{one}s" if one in ("mapping",) else one for one in word.split(" or "))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
