"""Types that YAML files share: durations, shares, names, and the strict base of every schema."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from remedyd.documents.described import Described

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
DURATION_PATTERN = r"^(?=[0-9])([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
_DURATION = re.compile(DURATION_PATTERN)
_LONGEST = timedelta(days=36_500)
"""A longer one, taken off a date, would leave the calendar."""


class Model(Described):
    """Base of the schemas of files: unknown keys and coercions refused, camelCase keys."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
    )


def parse_duration(value: Any) -> timedelta:
    """Read `30s`, `5m`, `1h30m`, `2d`; raise ValueError otherwise."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        shown = f'"{value}"' if isinstance(value, str) else repr(value)
        raise ValueError(f"must be a duration such as 30s, 5m or 1h30m; got {shown}")
    parts = (
        int(part[:-1]) * seconds
        for part, (_, seconds) in zip(match.groups(), _UNITS, strict=True)
        if part
    )
    span = timedelta(seconds=sum(parts))
    if span > _LONGEST:
        raise ValueError(f'must be at most {format_duration(_LONGEST)}; got "{value}"')
    return span


def format_duration(span: timedelta) -> str:
    """Write a duration as `parse_duration` reads it; fractions of a second are dropped."""
    rest, text = int(span.total_seconds()), ""
    for unit, seconds in _UNITS:
        count, rest = divmod(rest, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _positive(value: Any) -> timedelta:
    span = parse_duration(value)
    if span <= timedelta(0):
        raise ValueError("must be longer than 0s")
    return span


_SCHEMA = WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["5m"]})
_WRITE = PlainSerializer(format_duration, return_type=str)

Duration = Annotated[timedelta, PlainValidator(parse_duration), _SCHEMA, _WRITE]
"""A length of time, written as `30s`, `5m`, `1h30m` or `2d`."""

PositiveDuration = Annotated[timedelta, PlainValidator(_positive), _SCHEMA, _WRITE]
"""A `Duration` that is not zero."""

Percent = Annotated[float, Field(gt=0, le=100)]
"""A share above 0 and up to 100."""

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63),
]
"""A name in lower case, as Kubernetes spells them."""
