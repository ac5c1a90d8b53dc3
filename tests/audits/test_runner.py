"""A run ends in one named outcome, and only Ok carries rows."""

from datetime import timedelta

import pytest

from remedyd.audits.runner import AuditRunner
from remedyd.errors import InvalidInput, QueryError
from remedyd.model import AuditOutcome, Column, ManualClock, Table, Target, Window
from support.audits import COLUMNS, MAPPED, NOW, QUERY, YAML, Script, answer, row, sample

CART = Target("c1", "shop", "Deployment", "cart")


def run(tmp_path, source, *, cluster="", yaml=YAML, query=QUERY, **options):
    definition = sample(tmp_path, yaml, query)
    return AuditRunner(source, ManualClock(NOW), cluster).run(definition, **options)


def test_rows_come_typed_and_identified(tmp_path):
    """A row names its target, its severity and the evidence behind it."""
    result = run(tmp_path, Script(answer(row(severity_score=3, score=95))))
    (got,) = result.rows
    assert result.outcome is AuditOutcome.OK
    assert (got.target, got.severity, got.samples) == (CART, 3, 10)
    assert got.values["score"] == 95.0


def test_the_window_ends_a_lag_before_now(tmp_path):
    """Documents still on their way are not missed: the range stays behind, half open."""
    source = Script(answer(row()))
    result = run(tmp_path, source)
    end = NOW - timedelta(seconds=30)
    assert result.window == Window(end - timedelta(minutes=10), end)
    assert source.asked[0][1]["start"] == "2026-11-22T22:19:30.000Z"
    assert source.asked[0][1]["end"] == "2026-11-22T22:29:30.000Z"


def test_the_same_text_serves_the_cluster_and_one_workload(tmp_path):
    """A scope changes parameters alone, and rows of another kind or name are left out."""
    source = Script(answer(row(), row(kind="StatefulSet")))
    result = run(tmp_path, source, cluster="c1", scope=CART)
    whole = run(tmp_path, source, cluster="c1")
    assert [r.target for r in result.rows] == [CART]
    assert len(whole.rows) == 2
    (scoped_text, scoped), (text, params) = source.asked
    assert scoped_text == text
    assert (scoped["namespace"], scoped["name"]) == ("shop", "cart")
    assert (params["namespace"], params["name"], params["cluster"]) == ("*", "*", "c1")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"limits": 1.0}, 'did you mean "limit"'),
        ({"limit": "high"}, "must be a double"),
        ({"limit": True}, "must be a double"),
        ({"start": "2026"}, "has no parameter start"),
        ({"cluster": "x"}, "has no parameter cluster"),
    ],
)
def test_parameters_that_the_audit_does_not_have_are_refused(tmp_path, params, words):
    """A misspelt or mistyped parameter is an input error, not a query without it."""
    with pytest.raises(InvalidInput, match=words):
        run(tmp_path, Script(answer(row())), params=params)


def test_a_run_may_set_parameters(tmp_path):
    """Declared parameters and the scope's namespace and name may be set."""
    source = Script(answer(row()))
    run(tmp_path, source, params={"limit": 50, "namespace": "shop"})
    assert (source.asked[0][1]["limit"], source.asked[0][1]["namespace"]) == (50, "shop")


@pytest.mark.parametrize("outcome", [o for o in AuditOutcome if o is not AuditOutcome.OK])
def test_a_failing_source_gives_its_outcome_and_no_rows(tmp_path, outcome):
    """What the source says went wrong is the run's outcome, with reason and next step."""

    def fail(text, params):
        raise QueryError(outcome, "because", hint="do this")

    result = run(tmp_path, Script(fail))
    assert (result.outcome, result.detail, result.hint) == (outcome, "because", "do this")
    assert (result.rows, result.table) == ((), None)


def test_a_position_in_the_query_is_told_with_its_file(tmp_path):
    """Where Elasticsearch points into the text, the result points into the file."""

    def fail(text, params):
        raise QueryError(AuditOutcome.BAD_QUERY, "mismatched", line=3, column=7)

    assert run(tmp_path, Script(fail)).detail == f"{tmp_path}/sample.esql:3:7: mismatched"


def test_no_row_is_no_data(tmp_path):
    """Silence is not health."""
    assert run(tmp_path, Script(answer())).outcome is AuditOutcome.NO_DATA


def test_the_empty_shape_of_a_missing_index_is_no_data(tmp_path):
    """Newer releases answer a pattern without index by a table without fields."""
    empty = Table((Column("<no-fields>", "null"),), ())
    assert run(tmp_path, Script(empty)).outcome is AuditOutcome.NO_DATA


@pytest.mark.parametrize("count", [5, 6])
def test_rows_at_the_limit_are_truncated(tmp_path, count):
    """As many rows as LIMIT allows may be too few: which are missing is unknown."""
    rows = [row(name=f"n{i}") for i in range(count)]
    result = run(tmp_path, Script(answer(*rows)))
    assert (result.outcome, result.rows) == (AuditOutcome.TRUNCATED, ())


def test_nothing_mapped_is_no_data(tmp_path):
    """Before the first document there is no field; the query is not even sent."""
    source = Script(answer(row()), mapped={})
    assert run(tmp_path, source).outcome is AuditOutcome.NO_DATA
    assert source.asked == []


def test_an_unmapped_required_field_is_missing(tmp_path):
    """The result names the fields that the audit cannot do without."""
    mapped = {k: v for k, v in MAPPED.items() if not k.startswith("app")}
    result = run(tmp_path, Script(answer(row()), mapped=mapped))
    assert result.outcome is AuditOutcome.MISSING_FIELD
    assert "app.kind, app.name" in result.detail


def test_an_unmapped_optional_field_is_read_as_null(tmp_path):
    """It becomes a typed null right after FROM, no line moves, and the result says so."""
    mapped = {k: v for k, v in MAPPED.items() if k != "metrics.x"}
    source = Script(answer(row(score=None)), mapped=mapped)
    result = run(tmp_path, source)
    text = source.asked[0][0]
    assert text == QUERY.replace("| WHERE @", "| EVAL metrics.x = TO_DOUBLE(NULL) | WHERE @")
    assert (result.outcome, result.unavailable) == (AuditOutcome.OK, ("metrics.x",))


def test_telemetry_without_cluster_names_gets_the_configured_one(tmp_path):
    """Where the field is unmapped nothing is narrowed by it, and rows carry our name."""
    mapped = {k: v for k, v in MAPPED.items() if k != "k8s.cluster.name"}
    source = Script(answer(row(cluster=None)), mapped=mapped)
    result = run(tmp_path, source, cluster="c1")
    assert source.asked[0][1]["cluster"] == "*"
    assert result.rows[0].target == CART


@pytest.mark.parametrize(
    ("cluster", "found", "outcome"),
    [
        ("", ["c1"], "Ok"),
        ("", [None], "Ok"),
        ("", ["c1", "c2"], "ForeignCluster"),
        ("", ["c1", None], "ForeignCluster"),
        ("c1", ["c1"], "Ok"),
        ("c1", ["c2"], "ForeignCluster"),
        ("c1", ["c1", "c2"], "ForeignCluster"),
        ("c1", [None], "ForeignCluster"),
    ],
)
def test_rows_of_another_cluster_are_foreign(tmp_path, cluster, found, outcome):
    """One cluster's telemetry never acts on another cluster's workloads."""
    rows = [row(cluster=name, name=f"n{i}") for i, name in enumerate(found)]
    assert run(tmp_path, Script(answer(*rows)), cluster=cluster).outcome == outcome


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (COLUMNS[:-1], "last_seen is missing"),
        ((*COLUMNS, Column("extra", "long")), r"extra \(long\) is new"),
        ((*COLUMNS[:5], Column("score", "keyword"), *COLUMNS[6:]), "score is keyword instead"),
        ((*COLUMNS[:6], Column("samples", "null"), *COLUMNS[7:]), "samples is null instead"),
        ((*COLUMNS, Column("score", "double")), "twice"),
    ],
)
def test_drifted_columns_are_a_bad_query(tmp_path, columns, words):
    """The table is compared with the declaration in every run, and what changed is told."""
    cells = tuple(1 for _ in columns)
    result = run(tmp_path, Script(answer(cells, columns=columns)))
    assert result.outcome is AuditOutcome.BAD_QUERY
    assert __import__("re").search(words, result.detail)


def test_a_nullable_column_may_be_null_all_the_way(tmp_path):
    """A column without any value has the type null; that is no drift where null is allowed."""
    columns = (*COLUMNS[:5], Column("score", "null"), *COLUMNS[6:])
    result = run(tmp_path, Script(answer(row(score=None), columns=columns)))
    assert result.outcome is AuditOutcome.OK


@pytest.mark.parametrize(
    "cells",
    [
        {"namespace": None},
        {"severity_score": 4},
        {"severity_score": 0},
        {"samples": True},
        {"score": float("nan")},
        {"score": (1.0, 2.0)},
        {"name": ""},
        {"last_seen": "2026-11-22"},
    ],
)
def test_a_cell_outside_the_contract_refuses_the_whole_table(tmp_path, cells):
    """One impossible cell means the query is not what it was; no row of it is believed."""
    result = run(tmp_path, Script(answer(row(name="ok"), row(**cells))))
    assert (result.outcome, result.rows) == (AuditOutcome.BAD_QUERY, ())


def test_two_rows_about_one_target_are_a_bad_query(tmp_path):
    """Two answers about the same workload contradict each other."""
    result = run(tmp_path, Script(answer(row(), row(score=99.0))))
    assert result.outcome is AuditOutcome.BAD_QUERY


def test_rows_without_enough_fresh_readings_are_set_aside(tmp_path):
    """They are told with their reason and never among the rows."""
    old = NOW - timedelta(minutes=4)
    table = answer(row(), row(name="gone", last_seen=old), row(name="new", samples=2))
    result = run(tmp_path, Script(table))
    assert [r.target.name for r in result.rows] == ["cart"]
    assert [(a.row.target.name, a.reason) for a in result.set_aside] == [
        ("gone", "Stale"),
        ("new", "TooFewSamples"),
    ]


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ({"last_seen": NOW - timedelta(minutes=9)}, "Stale"),
        ({"last_seen": NOW + timedelta(minutes=9)}, "Stale"),
        ({"samples": 1}, "NoData"),
    ],
)
def test_no_usable_row_at_all_is_named(tmp_path, cells, outcome):
    """A scoped run on a workload that stopped reporting is not an empty success."""
    result = run(tmp_path, Script(answer(row(**cells))), scope=CART)
    assert (result.outcome, result.rows, result.table) == (outcome, (), None)
    assert result.set_aside


def test_a_release_below_the_floor_is_refused(tmp_path):
    """An audit that needs a newer Elasticsearch says so instead of failing strangely."""
    result = run(tmp_path, Script(answer(row()), release=(8, 19)))
    assert result.outcome is AuditOutcome.BAD_QUERY
    assert "needs Elasticsearch 9.0, this is 8.19" in result.detail


def test_an_unknown_release_is_tried(tmp_path):
    """Credentials without the monitor privilege can not tell the release; the query may run."""
    assert run(tmp_path, Script(answer(row()), release=(0, 0))).ok
