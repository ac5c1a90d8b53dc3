"""The YAML file of an audit: what it may say. The committed JSON Schema is made from here."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from remedyd.documents import Duration, Model, Name, PositiveDuration

ColumnType = Literal["keyword", "integer", "long", "double", "boolean", "date"]
ParameterType = ColumnType
FieldType = Literal["keyword", "integer", "long", "double", "boolean", "date", "date_nanos"]


def _spelt(pattern: str, wanted: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Return a check that a text has a form, with a message for people, and its JSON Schema."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(f'must be {wanted}; got "{value}"')
        return value

    schema = {"type": "string", "pattern": f"^{pattern}$", "maxLength": 100}
    return AfterValidator(check), WithJsonSchema(schema)


ParameterName = Annotated[
    str, *_spelt(r"[a-z_][a-z0-9_]{0,62}", "lower-case letters, digits and underscores")
]
Release = Annotated[str, *_spelt(r"[1-9][0-9]?\.[0-9]{1,2}", 'a release such as "9.0"')]
Cron = Annotated[str, *_spelt(r"\S+( +\S+){4}", "a cron expression of five fields, in UTC")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Metadata(Model):
    """Name and purpose."""

    name: Name
    """The audit's name, the same as its file's."""
    description: Text
    """What the rows say, in a sentence or two."""


class Schedule(Model):
    """When the audit runs: by interval or by cron expression."""

    every: PositiveDuration | None = None
    """Interval between runs."""
    cron: Cron | None = None
    """Five-field cron expression, in UTC."""

    @model_validator(mode="after")
    def _one(self) -> "Schedule":
        if (self.every is None) == (self.cron is None):
            raise ValueError('must have exactly one of "every" and "cron"')
        return self


class Parameter(Model):
    """A named value of the query that a run may set."""

    name: ParameterName
    """Its name in the query, without the question mark."""
    type: ParameterType
    """ES|QL type of the value."""
    default: str | int | float | bool
    """The value where a run gives none."""
    description: str = ""
    """What it means."""


class FieldUse(Model):
    """A field that the query reads."""

    name: Text
    """Its name as the query spells it."""
    type: FieldType
    """Its ES|QL type."""
    optional: bool = False
    """Read as null while it is not mapped, instead of refusing the run."""


class ColumnUse(Model):
    """A column of the result."""

    name: Text
    """Its name in the result."""
    type: ColumnType
    """Its ES|QL type."""
    nullable: bool = False
    """Whether a cell may be null."""
    description: str = ""
    """What the number or text means."""


class IdentityUse(Model):
    """The columns that say what a row is about."""

    cluster: str | None = None
    """Column with the cluster's name."""
    namespace: str | None = None
    """Column with the namespace."""
    kind: str | None = None
    """Column with the Kubernetes kind."""
    name: str | None = None
    """Column with the workload's name."""
    container: str | None = None
    """Column with the container's name."""


class Constants(Model):
    """Parts of the identity that are the same for every row."""

    namespace: str | None = None
    """The namespace of every row."""
    kind: str | None = None
    """The Kubernetes kind of every row."""


class Spec(Model):
    """The contract between the query and those who read its rows."""

    query: str | None = None
    """File with the query, beside this one; the audit's name with .esql by default."""
    elasticsearch: Release
    """Oldest Elasticsearch release that runs the query."""
    window: PositiveDuration
    """Length of the time range."""
    lag: Duration
    """How far the end of the range stays behind now, for documents still on their way."""
    schedule: Schedule
    """When it runs."""
    verbatim: bool = False
    """The query is kept as written elsewhere: LIMIT, time range and scope are not demanded."""
    gate: bool = False
    """Its rows tell whether telemetry is fresh; every other audit is refused while it is not."""
    parameters: tuple[Parameter, ...] = ()
    """Values that a run may set, besides start, end, cluster, namespace and name."""
    fields: Annotated[tuple[FieldUse, ...], Field(min_length=1)]
    """Every field that the query reads."""
    columns: Annotated[tuple[ColumnUse, ...], Field(min_length=1)]
    """Every column of the result."""
    identity: IdentityUse
    """What a row is about."""
    constants: Constants = Constants()
    """Parts of the identity that no column carries."""
    severity: str
    """Integer column: 1 healthy, 2 warning, 3 critical."""
    samples: str | None = None
    """Column with the number of readings behind a row."""
    last_seen: str | None = None
    """Date column with the time of the newest reading behind a row."""
    minimum_samples: Annotated[int, Field(ge=0)] = 0
    """Readings below which a row is set aside."""
    freshness: PositiveDuration | None = None
    """Age of the newest reading, at the end of the range, above which a row is set aside."""


class AuditFile(Model):
    """A whole audit file."""

    api_version: Literal["remedyd.io/v1alpha1"]
    """Version of this format."""
    kind: Literal["Audit"]
    """What the file is."""
    metadata: Metadata
    """Name and purpose."""
    spec: Spec
    """The contract between the query and those who read its rows."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of audit files, for editors."""
    made = AuditFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "remedyd audit",
        **{key: value for key, value in made.items() if key != "title"},
    }
