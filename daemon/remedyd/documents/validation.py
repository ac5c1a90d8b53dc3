"""From a pydantic model's complaints to problems with a file position and a plain sentence.

The document is validated as JSON, not as Python objects: in strict mode JSON is the input for
which text may become an enum, a date or a tuple, and for which nothing else is coerced.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from remedyd.documents.document import Document, problem
from remedyd.documents.nodes import Location
from remedyd.documents.suggest import did_you_mean
from remedyd.errors import InvalidInput, Problem

M = TypeVar("M", bound=BaseModel)

_LISTED = 6
"""Up to so many values are listed beside a suggestion."""

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "datetime_type": "a date and time",
    "none_required": "empty",
}


def validate(document: Document, model: type[M]) -> M:
    """Return the document as `model`; raise InvalidInput with every mistake at its place."""
    try:
        return model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        raise InvalidInput(
            f"{document.path} cannot be used",
            problems_of(error, document, model),
            hint="Correct the places listed.",
        ) from error


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel], at: Location = ()
) -> list[Problem]:
    """Translate the errors of `model`, validated against the part of the document at `at`."""
    errors = error.errors()
    places = [details["loc"] for details in errors]
    found = [
        _translate(details, document, model, at)
        for details in errors
        if not _consequence(details, places)
    ]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda p: (p.line, p.column))


def _consequence(details: ErrorDetails, places: Sequence[Location]) -> bool:
    """A list counts as too short also when its items are wrong; only those are worth telling."""
    loc = details["loc"]
    inside = (place for place in places if len(place) > len(loc) and place[: len(loc)] == loc)
    return details["type"] == "too_short" and any(inside)


def _translate(
    details: ErrorDetails, document: Document, model: type[BaseModel], at: Location
) -> Problem:
    loc, missing = _resolve(document.data, (*at, *details["loc"]))
    kind = details["type"]
    if kind == "extra_forbidden":
        near = did_you_mean(str(loc[-1]), _keys_at(model, loc[len(at) : -1]))
        return problem(document, loc, f'unknown key "{loc[-1]}"{near}', at_key=True)
    if kind == "missing":
        return problem(document, loc, f'the key "{missing}" is missing', at_key=True)
    at_key = details["loc"][-1:] == ("[key]",)
    return problem(document, loc, _sentence(details), at_key=at_key)


def _sentence(details: ErrorDetails) -> str:
    """Say what was expected and what was found."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in ("enum", "literal_error"):
        expected = str(context["expected"])
        near = did_you_mean(str(value), _quoted(expected)) if isinstance(value, str) else ""
        if near and len(_quoted(expected)) > _LISTED:
            return f"{_shown(value)} is not one of the known values{near}"
        choice = "one of " if len(_quoted(expected)) > 1 else ""
        return f"must be {choice}{_listed(expected)}; got {_shown(value)}{near}"
    if kind == "too_short":
        return f"must have at least {context['min_length']} item"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters, has {len(str(value))}"
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} does not match the pattern {context['pattern']}"
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, got {_shown(value)}"
    message = details["msg"]
    message = message.removeprefix("Input should ").removeprefix("be ")
    return f"must be {message}; got {_shown(value)}" if message != details["msg"] else message


def _quoted(expected: str) -> list[str]:
    """Take the words out of pydantic's `'A', 'B' or 'C'`."""
    return expected.split("'")[1::2]


def _listed(expected: str) -> str:
    return ", ".join(_quoted(expected)) or expected


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    shown = json.dumps(value, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"the text {shown}" if isinstance(value, str) else shown


def _resolve(data: object, loc: Location) -> tuple[Location, str]:
    """Keep the parts of `loc` that exist in the data; pydantic adds names of union members.

    Also returns the last part that does not exist: the missing key.
    """
    kept: list[str | int] = []
    missing = ""
    for part in loc:
        try:
            data = data[part]  # type: ignore[index]  # whatever cannot be entered is left out
        except (KeyError, IndexError, TypeError):
            missing = str(part)
            continue
        kept.append(part)
    return tuple(kept), missing


def _keys_at(model: type[BaseModel], loc: Location) -> set[str]:
    """Return the keys that the schema knows for the mapping at `loc`."""
    types: list[Any] = [model]
    for part in loc:
        types = [inner for outer in types for inner in _step(outer, part)]
    return {
        str(field.alias or name)
        for outer in types
        for member in _models(outer)
        for name, field in member.model_fields.items()
    }


def _step(outer: Any, part: str | int) -> list[Any]:
    """Return the types under one key or list position; containers stay as they are.

    `_models` looks through containers, so a list position or a key of a plain mapping needs no
    descent of its own.
    """
    found = [
        field.annotation
        for member in _models(outer)
        for name, field in member.model_fields.items()
        if part == (field.alias or name)
    ]
    return found or [outer]


def _models(outer: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in `outer`, through Optional, unions, Annotated and containers."""
    if _is_model(outer):
        yield outer
    else:
        for argument in get_args(outer):
            yield from _models(argument)


def _is_model(outer: Any) -> bool:
    return isinstance(outer, type) and issubclass(outer, BaseModel)
