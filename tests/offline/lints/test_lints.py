"""Each lint finds its mistake, accepts its fix, and says where, why and what to write."""

from __future__ import annotations

import pytest

from remedyd.offline.catalog import Catalog, read_mapping
from remedyd.offline.lints import LINTS, lint
from remedyd.offline.parser import parse

CATALOG = Catalog(
    {
        name: read_mapping(
            name,
            {
                "properties": {
                    "@timestamp": {"type": "date"},
                    "pod": {"type": "keyword"},
                    "cpu": {"type": "double", "time_series_metric": "gauge"},
                    "requests": {"type": "long", "time_series_metric": "counter"},
                }
            },
        )
        for name in ("metrics-a", "metrics-b")
    }
)


def found(lint_id: str, query: str, catalog: Catalog | None = None) -> list[str]:
    """Places at which a lint objects to a query."""
    findings = lint(parse(query), catalog)
    return [f"{one.line}:{one.column}" for one in findings if one.lint == lint_id]


BREACHES = [
    ("last-with-nulls", "FROM a, b | STATS LAST(x, @timestamp)", ["1:19"]),
    ("last-with-nulls", "FROM a | STATS y = FIRST(x, t) + 1 WHERE z > 1 BY w", ["1:20"]),
    ("last-with-nulls", "FROM a | INLINE STATS LAST(x, t), FIRST(y, t)", ["1:23", "1:35"]),
    ("last-with-nulls", "FROM a | STATS LATEST(x)", ["1:16"]),
    ("no-limit", "FROM a", ["1:1"]),
    ("no-limit", "FROM a | SORT b", ["1:10"]),
    ("no-limit", "FROM a | STATS COUNT(*) BY b", ["1:10"]),
    ("no-limit", "ROW a = [1, 2] | MV_EXPAND a", ["1:18"]),
    ("date-diff-window", 'FROM a | WHERE b AND DATE_DIFF("m", @timestamp, NOW()) <= 5', ["1:22"]),
    ("date-diff-window", 'FROM a | WHERE ?n > DATE_DIFF("hours", t, ?end)', ["1:21"]),
    ("case-on-null", "FROM a | EVAL x = CASE(b > 1, 1, 2)", ["1:24"]),
    ("case-on-null", "FROM a | EVAL x = CASE(b > 1 AND c < 2, 1, 2)", ["1:24", "1:34"]),
    ("case-on-null", "FROM a | EVAL x = CASE(b IS NULL, 0, b > c, 1, 2)", ["1:38"]),
    ("case-on-null", "FROM a | STATS m = MAX(b) BY c | EVAL x = CASE(m > 1, 1, 2)", ["1:48"]),
    ("case-on-null", "FROM a | WHERE b > 0 | STATS m = MAX(b) | EVAL x = CASE(m > 1, 1)", ["1:57"]),
    ("case-on-null", 'FROM a | EVAL x = CASE(b IN ("c"), 1, NOT d LIKE "e", 2)', ["1:24", "1:43"]),
    ("case-on-null", "FROM a | EVAL g = @timestamp, x = CASE(g / 0 > 1, 1)", ["1:40"]),
    ("null-division", "FROM a | EVAL x = b / c", ["1:19"]),
    ("null-division", "FROM a | EVAL x = 1 % 0", ["1:19"]),
    ("null-division", "FROM a | WHERE c IS NOT NULL | EVAL x = 1 / c", ["1:41"]),
    ("null-division", "FROM a | STATS x = SUM(b) / COUNT(c) BY d", ["1:20"]),
    ("null-division", "FROM a | EVAL x = CASE(c >= 0, 1 / c, 0)", ["1:32"]),
    ("missing-identity", "FROM a | STATS COUNT(*) BY k8s.deployment.name", ["1:28"]),
    ("missing-identity", "FROM a | STATS COUNT(*) BY k8s.namespace.name, k8s.pod.name", ["1:28"]),
    ("missing-identity", "FROM a | EVAL n = k8s.pod.name | STATS COUNT(*) BY n", ["1:52"]),
    (
        "missing-identity",
        'FROM a | WHERE ?c == "*" OR k8s.cluster.name == ?c | STATS COUNT(*) BY k8s.namespace.name',
        ["1:72"],
    ),
    ("counter-as-gauge", "FROM a | STATS AVG(container.cpu.time)", ["1:16"]),
    ("counter-as-gauge", "FROM a | EVAL x = k8s.pod.network.io | STATS MAX(x + 1)", ["1:46"]),
    ("lifetime-restarts", "FROM a | STATS r = MAX(k8s.container.restarts) BY b", ["1:20"]),
    ("lifetime-restarts", "FROM a | EVAL r = restart_count + 1 | STATS SUM(r) > 3", ["1:45"]),
]

SOUND = [
    ("last-with-nulls", "FROM a, b | STATS LAST(x, @timestamp) WHERE x IS NOT NULL"),
    ("last-with-nulls", "FROM a, b | WHERE x IS NOT NULL | STATS LAST(x, @timestamp)"),
    ("last-with-nulls", "FROM a, b | WHERE NOT x IS NULL AND y | STATS LAST(x, @timestamp)"),
    ("last-with-nulls", "FROM a, b | STATS LAST(@timestamp, @timestamp)"),
    ("last-with-nulls", "FROM a, b | STATS LAST(x, t) WHERE x > 1"),
    ("no-limit", "FROM a | LIMIT 10"),
    ("no-limit", "FROM a | LIMIT 10 | SORT b"),
    ("no-limit", "FROM a | STATS COUNT(*)"),
    ("no-limit", "ROW a = 1"),
    ("date-diff-window", "FROM a | WHERE @timestamp >= ?start AND @timestamp < ?end"),
    ("date-diff-window", 'FROM a | EVAL age = DATE_DIFF("s", @timestamp, NOW())'),
    (
        "date-diff-window",
        'FROM a | STATS m = MAX(@timestamp) | WHERE DATE_DIFF("s", m, NOW()) > 60',
    ),
    ("case-on-null", "FROM a | EVAL x = CASE(b IS NULL, 0, b > 1, 1, 2)"),
    ("case-on-null", "FROM a | EVAL x = CASE(b IS NULL OR c IS NULL, 0, b > c, 1, 2)"),
    ("case-on-null", "FROM a | EVAL x = CASE(b IS NULL OR b > 1, 1, 2)"),
    ("case-on-null", "FROM a | EVAL x = CASE(b IS NOT NULL AND b > 1, 1, 2)"),
    ("case-on-null", "FROM a | EVAL x = CASE(COALESCE(b > 1, false), 1, 2)"),
    ("case-on-null", "FROM a | EVAL y = COALESCE(b, 0), x = CASE(y > 1, 1, 2)"),
    (
        "case-on-null",
        "FROM a | WHERE b IS NOT NULL | STATS m = MAX(b) BY c | EVAL x = CASE(m > 1, 1)",
    ),
    ("case-on-null", "FROM a | STATS n = COUNT(b) | EVAL x = CASE(n > 1, 1, 2)"),
    ("case-on-null", "FROM a | EVAL x = CASE(@timestamp > NOW(), 1, 2)"),
    ("case-on-null", "FROM a | EVAL x = CASE(c > 0, b / c, 0)"),
    ("case-on-null", "FROM a | WHERE b > 1"),
    ("null-division", "FROM a | EVAL x = b / 2 + c % 10"),
    ("null-division", "FROM a | WHERE c > 0 | EVAL x = b / c"),
    ("null-division", "FROM a | EVAL x = CASE(c > 0, b / c, 0)"),
    ("null-division", "FROM a | EVAL x = CASE(c IS NULL OR c == 0, 0, b / c)"),
    ("null-division", "FROM a | EVAL x = COALESCE(b / c, 0)"),
    ("null-division", "FROM a | WHERE c IS NOT NULL | EVAL x = b / GREATEST(c, TO_LONG(1))"),
    ("null-division", "FROM a | STATS n = COUNT(*), s = SUM(b) BY c | EVAL x = s / n"),
    (
        "missing-identity",
        "FROM a | STATS COUNT(*) BY k8s.cluster.name, k8s.namespace.name, k8s.pod.name",
    ),
    (
        "missing-identity",
        'FROM a | WHERE namespace == "x" AND ?c == k8s.cluster.name | STATS COUNT(*) BY pod.name',
    ),
    ("missing-identity", "FROM a | EVAL cluster = c | STATS COUNT(*) BY cluster, namespace, pod"),
    ("missing-identity", "FROM a | STATS COUNT(*) BY data_stream.dataset"),
    ("missing-identity", 'FROM a | WHERE namespace == "x" | STATS COUNT(*) BY host.name'),
    ("counter-as-gauge", "FROM a | STATS MAX(container.cpu.time) - MIN(container.cpu.time) BY p"),
    ("counter-as-gauge", "TS a | STATS SUM(RATE(k8s.pod.network.io))"),
    ("counter-as-gauge", "TS a | STATS MAX(MAX_OVER_TIME(k8s.pod.network.io))"),
    ("counter-as-gauge", "FROM a | STATS AVG(container.cpu.usage), COUNT(container.cpu.time)"),
    ("lifetime-restarts", "FROM a | STATS MAX(restarts) - MIN(restarts) BY pod"),
    (
        "lifetime-restarts",
        "FROM a | EVAL r = restarts * 10 | STATS MAX(r), MIN(restarts)",
    ),
    ("lifetime-restarts", "FROM a | STATS MAX(restart_policy)"),
    ("unknown-field", "FROM a | WHERE nowhere > 1"),
]


@pytest.mark.parametrize(("lint_id", "query", "places"), BREACHES)
def test_a_mistake_is_found_where_it_is(lint_id: str, query: str, places: list[str]) -> None:
    """The lint points at the expression that is wrong, each once."""
    assert found(lint_id, query) == places


@pytest.mark.parametrize(("lint_id", "query"), SOUND)
def test_a_sound_query_is_left_alone(lint_id: str, query: str) -> None:
    """What is guarded, bounded or complete raises no finding."""
    assert found(lint_id, query) == []


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("FROM metrics-* | WHERE nope > 1 AND nope < 3", ["1:24"]),
        ("FROM metrics-* | EVAL x = cpu + y, z = x | KEEP z, w", ["1:33", "1:52"]),
        ("FROM metrics-a METADATA _index | KEEP _index, pod, cp*", []),
        ("FROM metrics-* | EVAL x = ??any | RENAME pod AS p | KEEP p, x", []),
        ("FROM metrics-* | STATS n = COUNT(pod) BY cpu | WHERE n > 1", []),
        ('FROM metrics-* | DISSECT pod "%{a}" | KEEP a', []),
        ("FROM elsewhere | WHERE nope", []),
        ("FROM metrics-*, elsewhere-* | WHERE nope", []),
    ],
)
def test_a_field_is_looked_up_in_the_mapping(query: str, places: list[str]) -> None:
    """With a catalog every document field must be mapped by some stream of the query."""
    assert found("unknown-field", query, CATALOG) == places


def test_an_unknown_field_suggests_a_near_one() -> None:
    """A typing error is answered with the field that was probably meant."""
    (finding,) = lint(parse("FROM metrics-a | WHERE request > 1 | LIMIT 1"), CATALOG)
    assert finding.fix == "did you mean requests?"


def test_the_mapping_says_what_a_counter_is() -> None:
    """With a catalog the mapping decides, not the name of the field."""
    assert found("counter-as-gauge", "FROM metrics-a | STATS AVG(requests)", CATALOG) == ["1:24"]
    assert found("counter-as-gauge", "FROM metrics-a | STATS AVG(cpu)", CATALOG) == []


@pytest.mark.parametrize(
    "query",
    [
        "FROM a // lint: allow no-limit, one row per node",
        "// lint: allow no-limit\nFROM a",
        "FROM a\n// lint: allow null-division, null is wanted\n| EVAL x = b / c | LIMIT 1",
        "FROM a\n| EVAL x = b / c // lint: allow null-division\n| LIMIT 1",
    ],
)
def test_a_finding_can_be_allowed_in_place(query: str) -> None:
    """A comment on the line or the one above silences the named lint there."""
    assert lint(parse(query)) == ()


def test_an_allowance_is_for_one_lint_and_one_place() -> None:
    """Other lints, and the same lint elsewhere, still speak."""
    query = "FROM a // lint: allow no-limit\n| EVAL x = b / c\n| SORT x"
    assert [finding.lint for finding in lint(parse(query))] == ["null-division", "no-limit"]


def test_a_finding_says_everything_needed_to_mend_it() -> None:
    """Place, severity, what, why, and the text to write instead."""
    (finding,) = lint(parse("FROM a, b | STATS LAST(x, t) | LIMIT 1"))
    assert str(finding) == (
        "1:19: error: LAST takes the null of a document without [x] [last-with-nulls]"
    )
    assert finding.fix == "LAST(x, t) WHERE x IS NOT NULL"
    assert "null" in finding.explanation


def test_every_lint_has_a_name_of_its_own_and_an_explanation() -> None:
    """Ids are unique, so that allowances and reports are unambiguous."""
    assert len({rule.id for rule in LINTS}) == len(LINTS) == 9
    assert all(len(rule.explanation) > 80 for rule in LINTS)
