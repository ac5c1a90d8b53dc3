"""The lints on the shipped audits, and on anything at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from remedyd.offline.lints import Severity, lint
from remedyd.offline.nodes import Query
from remedyd.offline.parser import MAX_DEPTH, parse
from remedyd.offline.render import render
from support.esql_trees import queries

AUDITS = sorted((Path(__file__).parents[3] / "esql").glob("*.esql"))
SEED = "seed-deployment-health"


def test_the_demo_query_shows_its_defects() -> None:
    """Every known defect of the demo's own query is found, and nothing else."""
    path = next(path for path in AUDITS if path.stem == SEED)
    query = parse(path.read_text())
    lines = query.source.text.split("\n")
    found = {
        (finding.lint, lines[finding.line - 1][finding.column - 1 :].split(",")[0].strip())
        for finding in lint(query)
    }
    assert found == {
        ("date-diff-window", 'DATE_DIFF("minutes"'),
        ("last-with-nulls", "LAST(metrics.k8s.deployment.desired"),
        ("last-with-nulls", "LAST(metrics.k8s.deployment.available"),
        ("lifetime-restarts", "MAX(metrics.k8s.container.restarts)"),
        ("missing-identity", "kubernetes.deployment.name"),
        ("null-division", "cpu_usage / cpu_limit * 100"),
        ("null-division", "mem_usage / mem_limit * 100"),
        ("case-on-null", "mem_pct > 90.0 OR restarts > 10"),
        ("case-on-null", "restarts > 10"),
        ("case-on-null", "gap > 0 OR cpu_limit IS NULL OR mem_limit IS NULL"),
        ("no-limit", "SORT severity_score DESC"),
    }


@pytest.mark.parametrize(
    "path", [path for path in AUDITS if path.stem != SEED], ids=lambda path: path.stem
)
def test_no_other_shipped_audit_is_wrong(path: Path) -> None:
    """Audits that replace the demo's query breach no lint of severity error."""
    findings = lint(parse(path.read_text()))
    assert [str(finding) for finding in findings if finding.severity is Severity.ERROR] == []


@given(queries)
@settings(max_examples=200, deadline=None)
def test_any_query_can_be_linted(query: Query) -> None:
    """Whatever parses is looked at without failing, and every place lies in the text."""
    text = render(query)
    for finding in lint(parse(text)):
        assert 1 <= finding.line <= text.count("\n") + 1


@pytest.mark.parametrize(
    "value",
    [
        "ABS(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1),
        "CASE(a > 1, " * (MAX_DEPTH - 2) + "a" + ")" * (MAX_DEPTH - 2),
        "a" + " / a" * (MAX_DEPTH - 1),
    ],
    ids=["calls", "cases", "divisions"],
)
def test_the_deepest_query_can_be_linted(value: str) -> None:
    """Depth that the parser allows is no trouble for the lints."""
    assert lint(parse(f"FROM a | EVAL x = {value}"))
