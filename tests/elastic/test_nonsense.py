"""Whatever JSON comes back, it is an answer or a named failure, never a bug."""

from collections.abc import Callable
from typing import Any

import pytest

from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.elastic.sink import TrailSink
from remedyd.errors import QueryError, SinkError
from support.elastic import FakeElasticsearch, Reply, table

LARGE = 10**400
ANSWERS: list[tuple[str, Any, Callable[[ElasticSource], object]]] = [
    ("/_query", table({"a": LARGE}, types={"a": "double"}), lambda s: s.query("FROM a", {})),
    ("/_query", table() | {"_clusters": "lost"}, lambda s: s.query("FROM a", {})),
    ("/_query", table() | {"_clusters": {"failed": "x"}}, lambda s: s.query("FROM a", {})),
    ("/_query", table() | {"values": [7]}, lambda s: s.query("FROM a", {})),
    ("/_field_caps", {"indices": [], "fields": {"a": 7}}, lambda s: s.fields("x", frozenset("a"))),
    ("/_field_caps", {"indices": 7, "fields": {}}, lambda s: s.fields("x", frozenset("a"))),
    ("/_security", {"index": {"x": 7}}, lambda s: s.privileges(["x"])),
    ("/_security", {"index": 7}, lambda s: s.privileges(["x"])),
    ("/", {"version": "9.5.1"}, lambda s: s.version()),
]


@pytest.mark.parametrize(("path", "body", "ask"), ANSWERS)
def test_a_question_is_answered_or_fails_by_name(
    fake: FakeElasticsearch,
    source: Callable[..., ElasticSource],
    path: str,
    body: Any,
    ask: Callable[[ElasticSource], object],
) -> None:
    """An answer of the wrong shape is Elasticsearch being unavailable."""
    fake.on(path, Reply(body=body))
    with pytest.raises(QueryError, match="sent an answer without"):
        ask(source())


@pytest.mark.parametrize("items", [[7], [{"create": 7}], [{"create": {"status": "x"}}], 7])
def test_a_document_counts_as_stored_only_when_that_is_said(
    fake: FakeElasticsearch, items: Any
) -> None:
    """Anything else leaves it in the outbox."""
    fake.on("/logs-x", Reply(body={"items": items}))
    sink = TrailSink(Connection(fake.url), "logs-x")
    try:
        delivery = sink.create([("1", {"a": 1})])
    except SinkError:
        return
    finally:
        sink.close()
    assert not [*delivery.created, *delivery.known, *delivery.refused]
    assert delivery.trouble
