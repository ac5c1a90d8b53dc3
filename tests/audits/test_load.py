"""Audit files become definitions."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.outline import outline
from remedyd.audits.schema import schema
from remedyd.errors import InvalidInput
from remedyd.paths import shipped
from support.audits import QUERY, YAML, sample, write_audit

SHIPPED = load_audits(shipped("esql"))


def test_the_shipped_audits_load():
    """What is shipped is whole: eight audits, one of them the gate."""
    assert sorted(SHIPPED) == [
        "container-memory",
        "container-restarts",
        "replica-baseline",
        "replica-gap",
        "seed-deployment-health",
        "service-latency",
        "stuck-rollout",
        "telemetry-freshness",
    ]
    assert SHIPPED.gate is SHIPPED["telemetry-freshness"]


def test_the_committed_schema_is_the_generated_one():
    """Editors are told what the loader accepts."""
    committed = json.loads((shipped("esql") / "audit.schema.json").read_text())
    assert committed == schema()


@pytest.mark.parametrize("name", [n for n in SHIPPED if n != "seed-deployment-health"])
def test_shipped_audits_run_on_the_oldest_supported_release(name):
    """Only the demo's own query needs 9.4; the others use nothing newer than 9.0."""
    definition = SHIPPED[name]
    assert definition.elasticsearch == (9, 0)
    words = {token.text.upper() for token in definition.outline.tokens}
    assert not words & {"TS", "SET", "INLINE", "INLINESTATS", "NOW"}


@pytest.mark.parametrize("name", list(SHIPPED))
def test_shipped_audits_say_what_their_columns_mean(name):
    """Every audit tells its purpose; every declared column is among those the query keeps."""
    definition = SHIPPED[name]
    kept = {token.text for token in definition.outline.kept or ()}
    assert kept == set(definition.specs)
    assert definition.description


def test_a_definition_carries_its_contract(tmp_path):
    """Times, parameters, columns and identity are typed."""
    made = sample(tmp_path)
    assert (made.window, made.lag, made.interval) == (
        timedelta(minutes=10),
        timedelta(seconds=30),
        timedelta(minutes=1),
    )
    assert made.indices == "metrics-a.otel-*,metrics-b.otel-*"
    assert made.datasets == {"a.otel", "b.otel"}
    assert (made.limit, made.identity.container) == (5, "")
    assert made.specs["cluster"].nullable


def test_a_cron_schedule_has_no_interval_of_its_own(tmp_path):
    """The window stands in where something must be told about the time between runs."""
    made = sample(tmp_path, YAML.replace("{every: 1m}", '{cron: "*/5 * * * *"}'))
    assert (made.every, made.cron, made.interval) == (None, "*/5 * * * *", made.window)


def test_the_hash_follows_the_contract(tmp_path):
    """A changed query or column is another audit."""
    first = sample(tmp_path)
    assert sample(tmp_path).hash == first.hash
    assert sample(tmp_path, query=QUERY.replace("3, 1", "2, 1")).hash != first.hash
    assert sample(tmp_path, YAML.replace("type: double, nullable", "type: long, nullable")).hash


def test_one_name_is_loaded_once(tmp_path):
    """Two audits of one name are refused, with both files named."""
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        write_audit(tmp_path / part)
    with pytest.raises(InvalidInput) as caught:
        load_audits([tmp_path / "one", tmp_path / "two"])
    (found,) = caught.value.problems
    assert "also in" in found.message
    assert (found.line, found.column) == (4, 9)


def test_there_is_one_gate(tmp_path):
    """Two audits that both claim to tell freshness contradict each other."""
    yaml = YAML.replace("  schedule:", "  gate: true\n  schedule:")
    write_audit(tmp_path, yaml)
    write_audit(tmp_path, yaml.replace("  name: sample\n", "  name: other\n"), name="other")
    with pytest.raises(InvalidInput, match="there can be one"):
        load_audits(tmp_path)


@pytest.mark.parametrize("place", ["missing", "empty"])
def test_no_audits_at_all_is_an_error(tmp_path, place):
    """A mistyped directory does not become a daemon that watches nothing."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput):
        load_audits(tmp_path / place)


def test_a_query_that_is_not_text_is_refused(tmp_path):
    """Encoding trouble is told with its line."""
    path = write_audit(tmp_path)
    Path(tmp_path / "sample.esql").write_bytes(b"FROM a\n| LIMIT \xff")
    with pytest.raises(InvalidInput) as caught:
        load_audits(path)
    assert str(caught.value.problems[0]).endswith("sample.esql:2:1: is not UTF-8 text")


def test_comments_texts_and_quoted_names_are_not_mistaken():
    """The outline sees through comments, texts and backticks."""
    made = outline(
        'FROM "a-*", b // | LIMIT 1 ?x\n'
        '| WHERE c == "| ?y" /* | ?z */ AND `d.e` == ?real\n'
        "| LIMIT 7"
    )
    assert made.indices == ("a-*", "b")
    assert list(made.parameters) == ["real"]
    assert made.limit == 7
    assert list(made.fields()) == ["d.e"]
