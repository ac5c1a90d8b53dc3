"""Fields that are not mapped yet.

A field exists only after some document carried it: on a healthy cluster no container has a
termination reason, and a query that names it fails as a whole. So the mapping is asked first;
an optional field that is missing becomes a typed null, right after FROM, and the run says so.
The setting `unmapped_fields="nullify"` would do the same, but only from Elasticsearch 9.3 on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from remedyd.audits.definition import AuditDefinition, FieldSpec
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, QuerySource

_CONVERSIONS = {
    "keyword": "TO_STRING",
    "integer": "TO_INTEGER",
    "long": "TO_LONG",
    "double": "TO_DOUBLE",
    "boolean": "TO_BOOLEAN",
    "date": "TO_DATETIME",
    "date_nanos": "TO_DATE_NANOS",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A query ready to run; `unavailable` names the fields that are read as null in it."""

    text: str
    unavailable: tuple[str, ...]


def prepare(definition: AuditDefinition, source: QuerySource) -> Rendered:
    """Ask which fields are mapped and render the query; raise QueryError without enough."""
    names = frozenset(field.name for field in definition.fields)
    return render(definition, source.fields(definition.indices, names))


def render(definition: AuditDefinition, mapped: Mapping[str, str]) -> Rendered:
    """Render the query for the `mapped` fields.

    Raises QueryError: NoData where nothing is mapped at all (no such data stream yet),
    MissingField where a field is missing that the audit cannot do without.
    """
    if not mapped:
        raise QueryError(
            AuditOutcome.NO_DATA,
            f"no data stream matches {definition.indices}",
            hint="Check that the OpenTelemetry collectors send to this Elasticsearch.",
        )
    missing = [field for field in definition.fields if field.name not in mapped]
    required = [field.name for field in missing if not field.optional]
    if required:
        raise QueryError(
            AuditOutcome.MISSING_FIELD,
            f"not mapped in {definition.indices}: {', '.join(required)}",
            hint="Check which metrics and attributes the OpenTelemetry collectors send.",
        )
    return Rendered(_with_nulls(definition, missing), tuple(field.name for field in missing))


def _with_nulls(definition: AuditDefinition, missing: Iterable[FieldSpec]) -> str:
    """Insert one EVAL before the first pipe; lines of the query keep their numbers."""
    text, pipe = definition.query, definition.outline.pipe
    nulls = ", ".join(f"{_quoted(f.name)} = {_CONVERSIONS[f.type]}(NULL)" for f in missing)
    if not nulls:
        return text
    cut = len(text) if pipe < 0 else pipe
    return f"{text[:cut]}| EVAL {nulls} {text[cut:]}"


def _quoted(name: str) -> str:
    plain = all(part.replace("_", "a").isalnum() for part in name.removeprefix("@").split("."))
    return name if plain else "`" + name.replace("`", "``") + "`"
