"""Rows may be what Elasticsearch answered."""

import json

import pytest

from remedyd.errors import InvalidInput
from support.policytests import load, result, told

COLUMNS = ["cluster", "namespace", "kind", "name", "container", "severity_score", "restarts"]
COLUMNS += ["limit_bytes", "samples", "last_seen"]


def answer(at, **more):
    """Return a response with one critical row, seen at a time."""
    row = [None, "shop", "Deployment", "cart", "app", 3, 9, 268435456, 10, at]
    columns = [{"name": name, "type": "keyword"} for name in COLUMNS]
    return {"took": 3, "is_partial": False, "columns": columns, "values": [row], **more}


def test_a_response_is_read_as_the_daemon_reads_it(tmp_path):
    """From a file or inline."""
    first = answer("2026-01-01T00:00:00.000Z")
    (tmp_path / "first.json").write_text(json.dumps(first))
    second = json.dumps(answer("2026-01-01T00:01:00.000Z"))
    found = result(
        tmp_path,
        f"rows: [{{at: 0m, response: first.json}}, {{at: 1m, response: {second}}}]\n"
        "expect: [{at: 1m, outcome: Proposed, target: Deployment/shop/cart}]",
    )
    assert told(found) == []


@pytest.mark.parametrize(
    ("change", "reason"), [({"is_partial": True}, "Partial"), ({"values": []}, "NoData")]
)
def test_what_the_daemon_would_not_trust_is_not_trusted(tmp_path, change, reason):
    """A part of the rows; an answer without any."""
    given = json.dumps(answer("2026-01-01T00:00:00.000Z", **change))
    rows = f"rows: [{{at: 0m, response: {given}}}]\n"
    expected = f"expect: [{{at: 0m, outcome: Error, reason: {reason}}}]"
    assert told(result(tmp_path, rows + expected)) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.json", "there is no file"),
        ("p.yaml", "is not JSON"),
        ("{values: []}", "is not the answer to a query: it needs columns and values"),
        (
            "{columns: [{name: a}], values: [[1, 2]]}",
            "row 0 of the response does not have 1 values",
        ),
        ("{columns: [{name: nam}], values: [[x]]}", 'has no column "nam" (did you mean "name"?)'),
    ],
)
def test_a_response_that_cannot_be_read_is_a_load_error(tmp_path, given, message):
    """At its place in the test."""
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, f"  - name: c\n    rows: [{{at: 0m, response: {given}}}]\n    expect: []\n")
    first = caught.value.problems[0]
    assert (first.line, message in first.message) == (9, True)
