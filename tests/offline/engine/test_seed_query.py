"""The seed's query, verbatim, against SQL written by hand over the same documents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from remedyd.model import Table
from remedyd.offline.errors import EsqlError
from support.offline import SEED_QUERY, at, plain_documents, recording
from support.offline import engine as make_engine

# AVG, LAST and ROUND as Elasticsearch defines them: compensated sum over count; the newest row's
# value, null or not; half away from zero.
_SQL = """
WITH visible AS (
  SELECT * FROM docs
  WHERE "k8s.namespace.name" = $namespace AND "k8s.deployment.name" IS NOT NULL
    AND seen <= $now AND date_sub('minute', seen, $now) <= $minutes
), grouped AS (
  SELECT "k8s.deployment.name" AS name, max(seen) AS last_seen,
    count(DISTINCT "k8s.pod.name") AS pods,
    avg("container.memory.working_set") AS used,
    max("k8s.container.cpu_request") AS cpu_limit,
    max("k8s.container.memory_limit") AS mem_limit,
    max("k8s.container.restarts") AS restarts
  FROM visible GROUP BY name
), newest AS (
  SELECT g.name, list("k8s.deployment.desired") AS desired,
    list(v."k8s.deployment.desired" - v."k8s.deployment.available") AS gap
  FROM grouped g JOIN visible v ON v."k8s.deployment.name" = g.name AND v.seen = g.last_seen
  GROUP BY g.name
)
SELECT name, pods, last_seen, round(used / mem_limit * 100 * 100) / 100, restarts, desired, gap,
  cpu_limit IS NULL OR mem_limit IS NULL
FROM grouped JOIN newest USING (name)
"""
_COLUMNS = [
    ("kubernetes.deployment.name", "keyword"),
    ("severity_score", "integer"),
    ("actual_pods", "long"),
    ("last_seen", "date"),
    ("desired", "long"),
    ("mem_pct", "double"),
    ("restarts", "long"),
    ("gap", "long"),
]
_MOMENTS = ["22:10", "22:20", "22:23", "22:27:30", "22:33", "22:40", "22:49:30"]


def _asked(namespace: str, moment: datetime, minutes: int, query: str = SEED_QUERY) -> Table:
    source, clock = recording()
    clock.current = moment
    return source.query(query.replace('"otel-demo"', f'"{namespace}"'), {"minutes_count": minutes})


def _by_hand(namespace: str, moment: datetime, minutes: int) -> dict[str, tuple[Any, ...]]:
    values = {
        "namespace": namespace,
        "now": moment.astimezone(UTC).replace(tzinfo=None),
        "minutes": minutes,
    }
    return {row[0]: row for row in plain_documents().execute(_SQL, values).fetchall()}


def _severity(mem_pct: float | None, restarts: int | None, gap: int | None, unset: bool) -> int:
    if (mem_pct or 0) > 90 or (restarts or 0) > 10:
        return 3
    return 2 if (gap or 0) > 0 or unset else 1


@pytest.mark.parametrize("moment", _MOMENTS)
@pytest.mark.parametrize("namespace", ["otel-demo", "shop", "tight"])
def test_the_seed_query_equals_hand_written_sql(namespace: str, moment: str) -> None:
    """Every cell is the one SQL gives, nulls included; ties of the newest may go either way."""
    table = _asked(namespace, at(moment), 15)
    expected = _by_hand(namespace, at(moment), 15)
    assert [(column.name, column.type) for column in table.columns] == _COLUMNS
    assert {row[0] for row in table.rows} == set(expected)
    for name, severity, pods, seen, desired, mem_pct, restarts, gap in table.rows:
        _, pods_, seen_, mem_pct_, restarts_, desired_, gap_, unset = expected[str(name)]
        assert isinstance(seen, datetime)
        assert (pods, seen.replace(tzinfo=None), restarts) == (pods_, seen_, restarts_)
        assert mem_pct == mem_pct_
        assert desired in desired_
        assert gap in gap_
        assert severity == _severity(mem_pct, restarts, gap, unset)  # type: ignore[arg-type]


def test_rows_are_ordered_by_severity_then_restarts() -> None:
    """The worst come first, and a null count of restarts before any number, as DESC has it."""
    table = _asked("shop", at("22:22"), 15)
    keys = [
        (-int(row[1]), -float("inf") if row[6] is None else -int(row[6]))  # type: ignore[arg-type]
        for row in table.rows
    ]
    assert keys == sorted(keys)


def test_a_missing_limit_is_announced() -> None:
    """The query has no LIMIT, and Elasticsearch says so."""
    assert _asked("shop", at("22:22"), 15).warnings == (
        "No limit defined, adding default limit of [1000]",
    )


def test_last_hides_a_gap_that_its_corrected_form_finds() -> None:
    """LAST keeps the null of the newest document; asked for values only, the gap is there."""
    corrected = SEED_QUERY
    for metric in ("desired", "available"):
        field = f"metrics.k8s.deployment.{metric}"
        plain = f"LAST({field}, @timestamp)"
        corrected = corrected.replace(plain, f"{plain} WHERE {field} IS NOT NULL")
    hidden, found = (
        {row["kubernetes.deployment.name"]: row for row in table.records()}
        for table in (_asked("shop", at("22:23"), 15), _asked("shop", at("22:23"), 15, corrected))
    )
    assert (hidden["payment"]["desired"], hidden["payment"]["gap"]) == (None, None)
    assert hidden["payment"]["severity_score"] == 1
    assert (found["payment"]["desired"], found["payment"]["gap"]) == (2, 2)
    assert found["payment"]["severity_score"] == 2


def test_a_null_parameter_selects_nothing() -> None:
    """A comparison with null is not true, so no row passes and nothing fails."""
    source, _ = recording()
    assert source.query(SEED_QUERY, {"minutes_count": None}).rows == ()


@pytest.mark.parametrize("stack", [(9, 0), (9, 2), (9, 3)])
def test_before_9_4_there_is_no_last(stack: tuple[int, int]) -> None:
    """The seed's query is rejected where Elasticsearch rejects it, with its error."""
    documents = [
        {
            "@timestamp": "2026-11-22T22:00:00Z",
            "metrics": {"k8s.deployment.desired": 1},
            "resource": {"attributes": {"k8s.deployment.name": "web"}},
        }
    ]
    engine = make_engine({"metrics-k8sclusterreceiver.otel-default": documents}, stack=stack)
    with pytest.raises(EsqlError, match=r"Unknown function \[last\]") as caught:
        engine.query("FROM metrics-* | STATS d = LAST(metrics.k8s.deployment.desired, @timestamp)")
    assert (caught.value.line, caught.value.column) == (1, 28)
