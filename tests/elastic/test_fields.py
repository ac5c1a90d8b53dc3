"""Which fields are mapped, and which the credentials may see."""

import pytest

from remedyd.errors import QueryError
from remedyd.model import AuditOutcome
from support.elastic import Reply, refusal

NAMES = frozenset({"a", "b", "c", "d"})
PATTERNS = "metrics-x-*,metrics-y-*"
VISIBLE = [".ds-metrics-x-default-2026.11.22-000001", "metrics-y-default"]


def caps(**fields: tuple[str, ...]) -> Reply:
    made = {name: {kind: {"type": kind} for kind in kinds} for name, kinds in fields.items()}
    return Reply(body={"indices": VISIBLE, "fields": made})


def test_mapped_fields_come_with_their_esql_type(fake, source):
    """Mapping types are named as ES|QL reads them; fields never asked for are left out."""
    fake.on("/_field_caps", caps(a=("constant_keyword",), b=("float",), c=("long",), z=("long",)))
    got = source().fields(PATTERNS, NAMES)
    assert got == {"a": "keyword", "b": "double", "c": "long"}


def test_a_conflict_between_indices_is_shown(fake, source):
    """A field of two types is named with both: no query can use it uncast."""
    fake.on("/_field_caps", caps(a=("long", "double"), b=("long", "unmapped"), c=("unmapped",)))
    assert source().fields(PATTERNS, NAMES) == {"a": "double|long", "b": "long"}


def test_a_missing_index_is_not_an_error(fake, source):
    """Where nothing matches, no field is mapped; the request tolerates absent indices."""
    assert source().fields(PATTERNS, NAMES) == {}
    path = fake.sent("/_field_caps")[0].path
    assert "ignore_unavailable=true" in path
    assert "allow_no_indices=true" in path


def test_a_pattern_that_may_not_be_read_is_forbidden(fake, source):
    """One readable stream does not hide that another one is not: its columns would be null."""
    fake.on(
        "/_field_caps",
        Reply(body={"indices": VISIBLE[:1], "fields": {"a": {"long": {}}}}),
    )
    fake.on("/_security", Reply(body={"index": {"metrics-y-*": {"read": False}}}))
    with pytest.raises(QueryError) as caught:
        source().fields(PATTERNS, NAMES)
    assert caught.value.outcome == AuditOutcome.FORBIDDEN
    assert fake.sent("/_security")[0].body["index"][0]["names"] == ["metrics-y-*"]


def test_privileges_are_not_asked_for_what_is_visible(fake, source):
    """A pattern with a visible stream needs no second question."""
    fake.on("/_field_caps", caps(a=("long",)))
    source().fields(PATTERNS, NAMES)
    assert fake.sent("/_security") == []


@pytest.mark.parametrize("body", [[], {"fields": []}, {"indices": "x", "fields": {}}])
def test_garbage_instead_of_fields_is_unavailable(fake, source, body):
    """An answer of another shape says nothing about the mapping."""
    fake.on("/_field_caps", Reply(body=body))
    with pytest.raises(QueryError) as caught:
        source().fields(PATTERNS, NAMES)
    assert caught.value.outcome == AuditOutcome.UNAVAILABLE


def test_a_refused_preflight_is_forbidden(fake, source):
    """Without the right to see the mapping nothing is run."""
    fake.on("/_field_caps", refusal(403, "security_exception", "unauthorized"))
    with pytest.raises(QueryError) as caught:
        source().fields(PATTERNS, NAMES)
    assert caught.value.outcome == AuditOutcome.FORBIDDEN
