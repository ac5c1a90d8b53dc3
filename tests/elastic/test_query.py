"""What is sent to `_query`, and how an answer becomes a table."""

from datetime import UTC, datetime

import pytest

from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, Column
from remedyd.model.instants import from_nanos
from support.elastic import Reply, refusal, table


def test_parameters_travel_by_name_beside_the_unchanged_text(fake, source):
    """A value can not change the query: it is sent as a named parameter."""
    fake.on("/_query", Reply(body=table({"a": "x"})))
    source().query("FROM a-* | WHERE b == ?name", {"name": '" | DROP', "n": 3})
    body = fake.sent("/_query")[0].body
    assert body["query"] == "FROM a-* | WHERE b == ?name"
    assert body["params"] == [{"name": '" | DROP'}, {"n": 3}]


def test_partial_results_are_declined_in_the_request(fake, source):
    """Elasticsearch is told not to answer with a part."""
    fake.on("/_query", Reply(body=table({"a": "x"})))
    source().query("FROM a", {})
    assert "allow_partial_results=false" in fake.sent("/_query")[0].path


def test_a_server_that_does_not_know_the_partial_flag_is_asked_without_it(fake, source):
    """Releases before 8.19 and 9.1 refuse the parameter and never answer partially."""
    reason = "request [/_query] contains unrecognized parameter: [allow_partial_results]"
    fake.on(
        "/_query",
        refusal(400, "illegal_argument_exception", reason),
        Reply(body=table({"a": "x"})),
    )
    one = source()
    assert one.query("FROM a", {}).rows == (("x",),)
    one.query("FROM a", {})
    assert ["allow_partial" in r.path for r in fake.sent("/_query")] == [True, False, False]


def test_cells_are_read_by_column_type(fake, source):
    """Dates become aware times in UTC, with all nine digits of date_nanos; doubles stay doubles."""
    types = {"t": "date", "n": "date_nanos", "d": "double", "l": "long", "m": "keyword"}
    row = {
        "t": "2026-11-22T22:08:25.783Z",
        "n": "2026-11-22T22:08:25.781877123Z",
        "d": 90,
        "l": 5,
        "m": ["a", None],
    }
    fake.on("/_query", Reply(body=table(row, types=types)))
    got = source().query("FROM a", {})
    assert got.columns[0] == Column("t", "date")
    assert got.rows == (
        (
            datetime(2026, 11, 22, 22, 8, 25, 783000, tzinfo=UTC),
            from_nanos(1_795_385_305_781_877_123),
            90.0,
            5,
            ("a", None),
        ),
    )
    assert isinstance(got.rows[0][2], float)


@pytest.mark.parametrize(
    "extra",
    [{"is_partial": True}, {"is_running": True}, {"_clusters": {"total": 2, "skipped": 1}}],
)
def test_an_incomplete_answer_is_partial(fake, source, extra):
    """An answer that admits to be incomplete is refused, whatever its status."""
    fake.on("/_query", Reply(body={**table({"a": "x"}), **extra}))
    with pytest.raises(QueryError) as caught:
        source().query("FROM a", {})
    assert caught.value.outcome == AuditOutcome.PARTIAL


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"columns": [], "values": {}},
        {"columns": [{"name": "a"}], "values": []},
        {"columns": [{"name": "a", "type": "long"}], "values": [["x"]]},
        {"columns": [{"name": "a", "type": "long"}], "values": [[1, 2]]},
        {"columns": [{"name": "a", "type": "long"}], "values": [[True]]},
        {"columns": [{"name": "a", "type": "date"}], "values": [["yesterday"]]},
        {"columns": [{"name": "a", "type": "keyword"}], "values": [[{"x": 1}]]},
    ],
)
def test_json_that_is_no_table_is_unavailable(fake, source, body):
    """An answer of another shape yields no rows at all."""
    fake.on("/_query", Reply(body=body))
    with pytest.raises(QueryError) as caught:
        source().query("FROM a", {})
    assert caught.value.outcome == AuditOutcome.UNAVAILABLE


def test_warning_headers_come_with_the_table(fake, source):
    """Warnings are unquoted, split at the right commas and kept; none becomes a Python warning."""
    header = (
        '299 Elasticsearch-9.5.4-abc "No limit defined, adding default limit of [1000]", '
        '299 Elasticsearch-9.5.4-abc "Line 1:5: \\"x\\", treating result as null"'
    )
    fake.on("/_query", Reply(body=table({"a": "x"}), headers={"Warning": header}))
    assert source().query("FROM a", {}).warnings == (
        "No limit defined, adding default limit of [1000]",
        'Line 1:5: "x", treating result as null',
    )


def test_no_rows_without_the_right_to_read_is_forbidden(fake, source):
    """A key without the privilege sees an empty result; that is not the absence of trouble."""
    fake.on("/_query", Reply(body=table(types={"a": "keyword"})))
    held = {"a-*": {"read": True}, "b-*": {"read": False}}
    fake.on("/_security", Reply(body={"has_all_requested": False, "index": held}))
    with pytest.raises(QueryError) as caught:
        source().query("// hello\nFROM a-*, b-* METADATA _index\n| LIMIT 1", {})
    assert caught.value.outcome == AuditOutcome.FORBIDDEN
    assert "b-*" in caught.value.message
    assert "a-*" not in caught.value.message


def test_no_rows_with_the_right_to_read_is_an_empty_table(fake, source):
    """An empty result is passed on where the credentials could have seen rows."""
    fake.on("/_query", Reply(body=table(types={"a": "keyword"})))
    fake.on("/_security", Reply(body={"index": {"a-*": {"read": True}}}))
    assert source().query("FROM a-* | LIMIT 1", {}).rows == ()


def test_an_empty_table_stands_where_security_is_off(fake, source):
    """Without security there are no privileges to ask for."""
    fake.on("/_query", Reply(body=table(types={"a": "keyword"})))
    fake.on("/_security", Reply(405, {"error": "no handler"}))
    assert source().query("FROM a-*", {}).rows == ()
