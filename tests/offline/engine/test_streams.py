"""Streams that grow: appends, mapping on the way, retention, several threads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remedyd.offline.catalog.otel import otel_schema
from remedyd.offline.sources.batch import BadDocument, Batch
from support.offline import NOW
from support.offline import engine as make_engine

STREAM = "metrics-k8sclusterreceiver.otel-default"


def _document(minute: int, **metrics: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 22, 22, 0, tzinfo=UTC) + timedelta(minutes=minute)
    resource = {"attributes": {"k8s.namespace.name": "shop", "k8s.pod.name": f"p{minute}"}}
    return {"@timestamp": at.isoformat(), "metrics": metrics, "resource": resource}


def test_appends_add_to_what_is_there() -> None:
    """Every append is seen by the next query."""
    engine = make_engine()
    for minute in range(3):
        engine.add_documents(STREAM, [_document(minute, up=1)])
        assert engine.query(f"FROM {STREAM} | STATS c = COUNT(*)").rows == ((minute + 1,),)


def test_new_metrics_are_mapped_by_the_otel_templates() -> None:
    """A whole number is a long gauge, a fraction a double; both answer without their prefix."""
    engine = make_engine({STREAM: [_document(0, pods=3)]})
    engine.add_documents(STREAM, [_document(1, load=0.5)])
    names = ["metrics.pods", "pods", "load", "kubernetes.pod.name", "k8s.pod.name", "nothing"]
    assert engine.fields("metrics-*", names) == {
        "metrics.pods": "long",
        "pods": "long",
        "load": "double",
        "kubernetes.pod.name": "keyword",
        "k8s.pod.name": "keyword",
    }


def test_a_bulk_request_may_name_the_template() -> None:
    """With its template a metric is a counter from its first document on."""
    engine = make_engine()
    template = {"metrics.cpu.time": "counter_double"}
    engine.add_documents(STREAM, [_document(0, **{"cpu.time": 5})], [template])
    assert engine.fields("metrics-*", ["cpu.time"]) == {"cpu.time": "counter_double"}


def test_a_field_becomes_multivalued_when_a_document_holds_several() -> None:
    """Values written before stay single, and nothing is lost."""
    engine = make_engine({"plain": [{"a": "x"}]})
    engine.add_documents("plain", [{"a": ["z", "y"]}, {"b": 1}])
    rows = engine.query("FROM plain | KEEP a | SORT a").rows
    assert rows == (("x",), (("y", "z"),), (None,))


def test_what_documents_share_is_in_each_of_them() -> None:
    """Objects of the same identity are read once, in whichever append, and told everywhere."""
    shared = {"attributes": {"k8s.pod.name": "p"}}
    documents = [_document(n, up=n) | {"resource": shared} for n in range(40)]
    engine = make_engine({STREAM: documents[:35]})
    engine.add_documents(STREAM, documents[35:])
    query = f"FROM {STREAM} | STATS c = COUNT(*), s = SUM(up) BY k8s.pod.name"
    assert engine.query(query).rows == ((40, 780, "p"),)


def test_a_path_may_be_written_in_two_ways_in_one_document() -> None:
    """`a.b` beside an object `a` with `b`: the later one counts, and the append goes through."""
    engine = make_engine({"plain": [{"a": {"b": "x"}, "a.b": "y"}, {"a": {"b": "z"}}]})
    assert engine.query("FROM plain | KEEP a.b | SORT a.b").rows == (("y",), ("z",))


def test_a_bad_document_takes_the_whole_append_with_it() -> None:
    """Nothing is half-loaded: the documents before it are not there either."""
    engine = make_engine({STREAM: [_document(0, up=1)]})
    with pytest.raises(BadDocument, match="@timestamp"):
        engine.add_documents(STREAM, [_document(1, up=1), {"@timestamp": "soon"}])
    assert engine.count(STREAM) == 1


def test_a_document_that_is_refused_leaves_no_field_behind() -> None:
    """The batch goes on as if it had never come: its fields are mapped by the next ones."""
    resource = {"attributes": {"first.seen": "here"}}
    batch = Batch(otel_schema(STREAM))
    with pytest.raises(BadDocument):
        batch.add({"metrics": {"up": 0.5}, "resource": resource, "@timestamp": "soon"})
    batch.add(_document(1, up=1) | {"resource": resource})
    engine = make_engine()
    engine.add_batch(batch)
    assert engine.fields("metrics-*", ["up", "first.seen"]) == {
        "up": "long",
        "first.seen": "keyword",
    }
    assert engine.count(STREAM) == 1


def test_a_malformed_metric_is_dropped_and_its_document_kept() -> None:
    """OpenTelemetry streams ignore malformed values."""
    engine = make_engine({STREAM: [_document(0, up=1), _document(1, up="many")]})
    assert engine.query(f"FROM {STREAM} | STATS COUNT(*), COUNT(up)").rows == ((2, 1),)


def test_retention_forgets_what_is_older() -> None:
    """Documents before the moment go from every stream, the others stay."""
    engine = make_engine({STREAM: [_document(minute, up=1) for minute in range(10)]})
    engine.drop_before(datetime(2026, 11, 22, 22, 7, tzinfo=UTC))
    rows = engine.query(f"FROM {STREAM} | STATS COUNT(*), MIN(@timestamp)").rows
    assert rows == ((3, datetime(2026, 11, 22, 22, 7, tzinfo=UTC)),)


def test_threads_may_append_and_ask_at_once() -> None:
    """Every query sees whole appends, and in the end everything is there."""
    engine = make_engine({STREAM: [_document(0, up=1)] * 10})

    def append(_: int) -> int:
        engine.add_documents(STREAM, [_document(1, up=1)] * 10)
        return 0

    def ask(_: int) -> int:
        ((count,),) = engine.query(f"FROM {STREAM} | STATS COUNT(*)").rows
        assert isinstance(count, int)
        return count % 10

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(append if n % 2 else ask, n) for n in range(40)]
        assert [job.result() for job in jobs] == [0] * 40
    assert engine.count(STREAM) == 210


def test_now_is_the_given_moment() -> None:
    """NOW() reads the clock of the engine, or the moment named with the query."""
    engine = make_engine()
    later = NOW + timedelta(hours=1)
    assert engine.query("ROW a = NOW()").rows == ((NOW,),)
    assert engine.query("ROW a = NOW()", now=later).rows == ((later,),)


def test_a_query_without_limit_is_cut_and_says_so() -> None:
    """1000 rows come back, with Elasticsearch's warning; with a LIMIT there is none."""
    engine = make_engine({"plain": [{"n": n} for n in range(1200)]})
    table = engine.query("FROM plain")
    assert len(table.rows) == 1000
    assert table.warnings == ("No limit defined, adding default limit of [1000]",)
    assert engine.query("FROM plain | LIMIT 1100").warnings == ()


def test_no_limit_goes_beyond_ten_thousand() -> None:
    """A larger LIMIT is cut to what Elasticsearch returns at most."""
    engine = make_engine({"plain": [{"n": n} for n in range(10_050)]})
    assert len(engine.query("FROM plain | LIMIT 20000").rows) == 10_000


def test_at_most_twenty_causes_are_shown() -> None:
    """Beside the summary of a failed evaluation stand at most twenty causes."""
    engine = make_engine({"plain": [{"t": f"x{n}"} for n in range(50)]})
    warnings = engine.query("FROM plain | EVAL n = TO_INTEGER(t) | LIMIT 100").warnings
    assert len(warnings) == 21
    assert warnings[0].startswith("Line 1:23: evaluation of [TO_INTEGER(t)] failed")
