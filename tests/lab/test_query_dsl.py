"""The part of the Query DSL that the endpoint offers, over documents and as ES|QL."""

from typing import Any

import pytest

from remedyd.lab.elasticsearch.filters import compile_query, value_of
from remedyd.lab.elasticsearch.messages import Failure
from remedyd.lab.elasticsearch.rewriting import condition_of, rewrite
from remedyd.offline.parser import parse

DOCUMENT = {
    "@timestamp": "2026-01-05T09:00:00.000Z",
    "metrics": {"k8s.container.restarts": 4},
    "resource": {"attributes": {"k8s.namespace.name": "shop"}},
    "event": {"action": "applied", "tags": ["a", "b"]},
}
TYPES = {
    "@timestamp": "date",
    "k8s.namespace.name": "keyword",
    "k8s.container.restarts": "long",
    "event.ok": "boolean",
}


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"match_all": {}}, True),
        ({"match_none": {}}, False),
        ({"term": {"k8s.namespace.name": "shop"}}, True),
        ({"term": {"k8s.namespace.name": {"value": "tight"}}}, False),
        ({"match": {"event.action": "applied"}}, True),
        ({"term": {"event.tags": "b"}}, True),
        ({"terms": {"metrics.k8s.container.restarts": [3, 4]}}, True),
        ({"exists": {"field": "event.action"}}, True),
        ({"exists": {"field": "event.reason"}}, False),
        ({"range": {"k8s.container.restarts": {"gt": 3, "lte": 4}}}, True),
        ({"range": {"k8s.container.restarts": {"lt": 4}}}, False),
        ({"range": {"@timestamp": {"gte": "2026-01-05", "lt": "2026-01-06T00:00:00+02:00"}}}, True),
        ({"range": {"no.such.field": {"gte": 1}}}, False),
        ({"range": {"event.action": {"gte": 1}}}, False),
        ({"bool": {"must": {"exists": {"field": "event"}}, "must_not": {"match_all": {}}}}, False),
        ({"bool": {"should": [{"match_none": {}}, {"match_all": {}}]}}, True),
        ({"bool": {"should": [{"match_none": {}}]}}, False),
        ({"bool": {}}, True),
    ],
)
def test_a_query_decides_about_a_document(query: dict[str, Any], holds: bool) -> None:
    """Each query means what it means in Elasticsearch."""
    assert compile_query(query)(DOCUMENT) is holds


@pytest.mark.parametrize(
    "query",
    [
        {},
        "text",
        {"fuzzy": {"a": "b"}},
        {"term": {"a": 1, "b": 2}},
        {"range": {"a": {"from": 1}}},
        {"bool": {"must": [{"regexp": {"a": "b"}}]}},
    ],
)
def test_unknown_queries_are_refused(query: Any) -> None:
    """What is not offered is an error, never ignored."""
    with pytest.raises(Failure) as failure:
        compile_query(query)
    assert (failure.value.status, failure.value.kind) == (400, "parsing_exception")


def test_a_field_is_found_by_any_of_its_names() -> None:
    """By path, by passthrough name, and in nested objects."""
    assert value_of(DOCUMENT, "k8s.namespace.name") == "shop"
    assert value_of(DOCUMENT, "resource.attributes.k8s.namespace.name") == "shop"
    assert value_of(DOCUMENT, "event.action") == "applied"
    assert value_of(DOCUMENT, "event.nothing.more") is None


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"match_all": {}}, "true"),
        ({"match_none": {}}, "false"),
        ({"term": {"k8s.namespace.name": 'a"b'}}, r'`k8s.namespace.name` == "a\"b"'),
        ({"term": {"event.ok": True}}, "`event.ok` == true"),
        ({"term": {"unmapped": 1}}, "false"),
        ({"exists": {"field": "unmapped"}}, "false"),
        ({"exists": {"field": "event.ok"}}, "`event.ok` IS NOT NULL"),
        ({"terms": {"k8s.container.restarts": [1, 2]}}, "`k8s.container.restarts` IN (1, 2)"),
        (
            {"range": {"@timestamp": {"gte": "2026-01-05T00:00:00Z"}}},
            '`@timestamp` >= TO_DATETIME("2026-01-05T00:00:00.000Z")',
        ),
        (
            {"bool": {"filter": [{"match_all": {}}], "must_not": {"match_none": {}}}},
            "(true) AND NOT COALESCE(false, false)",
        ),
        ({"bool": {"should": [{"match_all": {}}]}}, "(COALESCE(true, false))"),
    ],
)
def test_a_query_becomes_a_condition(query: dict[str, Any], condition: str) -> None:
    """A request filter is the same condition in ES|QL."""
    assert condition_of(query, TYPES) == condition


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"fuzzy": {"a": "b"}}, "parsing_exception"),
        ([], "parsing_exception"),
        ({"range": {"@timestamp": {"near": "now"}}}, "parsing_exception"),
        ({"range": {"@timestamp": {"gte": "soon"}}}, "parse_exception"),
    ],
)
def test_filters_that_are_not_offered_are_refused(query: Any, kind: str) -> None:
    """A filter that cannot be applied faithfully is an error."""
    with pytest.raises(Failure) as failure:
        condition_of(query, TYPES)
    assert failure.value.kind == kind


def test_a_rewritten_query_keeps_its_lines() -> None:
    """Hidden streams and the filter go onto the line of FROM."""
    text = "FROM logs-*\n| LIMIT 1"
    assert rewrite(text, parse(text), ["logs-x"], "a == 1") == (
        "FROM logs-*, -logs-x | WHERE a == 1\n| LIMIT 1"
    )


def test_a_query_without_streams_is_left_alone() -> None:
    """ROW reads nothing, so there is nothing to hide or filter."""
    assert rewrite("ROW a = 1", parse("ROW a = 1"), ["logs-x"], "true") == "ROW a = 1"
