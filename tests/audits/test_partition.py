"""A result too big for one query is read in parts by namespace, wholly or not at all."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.loader import load_audit, load_audits
from remedyd.audits.partition import MOST_PARTS
from remedyd.audits.runner import AuditRunner
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, Column, Json, ManualClock, Table
from remedyd.paths import shipped
from support.audits import NOW, QUERY, YAML, Script, answer, row, sample
from support.offline import recording

LIMIT = 5
FIELD = "    - {name: app.kind, type: keyword}\n"
NAMED = YAML.replace(FIELD, FIELD + "    - {name: k8s.namespace.name, type: keyword}\n")
QUERIED = QUERY.replace("OR ns ==", "OR k8s.namespace.name ==").replace(
    "namespace = ns", "namespace = k8s.namespace.name"
)
MAPPED = {
    "@timestamp": "date",
    "k8s.cluster.name": "keyword",
    "k8s.namespace.name": "keyword",
    "app.kind": "keyword",
    "app.name": "keyword",
    "metrics.x": "double",
}


class Cluster:
    """Telemetry of namespaces with so many workloads, behind a LIMIT; fails where told to."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        """Take how many workloads each namespace has."""
        self.sizes = dict(sizes)
        self.down: set[str] = set()
        self.confused: set[str] = set()
        self.critical: set[str] = set()

    def __call__(self, text: str, params: Mapping[str, Json]) -> Table:
        """Answer the audit, or the question which namespaces there are."""
        if "STATS documents" in text:
            found = tuple((name, self.sizes[name]) for name in sorted(self.sizes))
            heads = (Column("namespace", "keyword"), Column("documents", "long"))
            return Table(heads, found)
        wanted = {value for name, value in params.items() if name.startswith("namespace")}
        if wanted & self.down:
            raise QueryError(AuditOutcome.UNAVAILABLE, "no answer in time")
        rows = [
            row(
                namespace="other" if wanted & self.confused else name,
                name=f"{name}-{n}",
                severity_score=3 if name in self.critical else 1,
            )
            for name, size in self.sizes.items()
            for n in range(size)
            if wanted & {"*", name}
        ]
        return answer(*rows[:LIMIT])


SINGLY = QUERIED.replace("k8s.namespace.name == ?namespace", "?namespace == k8s.namespace.name")
"""A query that does something with the parameter that is not known to take a list."""


def _asked(
    tmp_path: Path, sizes: Mapping[str, int], *, named: bool = True, query: str = QUERIED
) -> tuple[Any, ...]:
    cluster = Cluster(sizes)
    source = Script(cluster, MAPPED)
    runner = AuditRunner(source, ManualClock(NOW), "c1")
    audit = sample(tmp_path, NAMED, query) if named else sample(tmp_path)
    return cluster, source, runner, audit


def test_a_result_that_fits_takes_one_query(tmp_path: Path) -> None:
    """Nothing is split without need."""
    _, source, runner, definition = _asked(tmp_path, {"a": 2, "b": 2})
    result = runner.run(definition)
    assert (result.outcome, result.parts, len(source.asked)) == (AuditOutcome.OK, 1, 1)


def test_a_result_that_is_cut_off_is_made_whole(tmp_path: Path) -> None:
    """Every workload of every namespace is a row, once."""
    _, _, runner, definition = _asked(tmp_path, {"a": 4, "b": 4, "c": 3})
    result = runner.run(definition)
    assert result.outcome is AuditOutcome.OK
    assert result.parts == 4, "b and c together were cut off"
    names = [r.target.name for r in result.rows]
    assert sorted(names) == sorted(
        f"{ns}-{n}" for ns, size in (("a", 4), ("b", 4), ("c", 3)) for n in range(size)
    )


def test_what_had_to_be_split_is_split_at_once(tmp_path: Path) -> None:
    """The next run does not begin with a query that is known to be too big."""
    _, source, runner, definition = _asked(tmp_path, {"a": 4, "b": 4})
    runner.run(definition)
    source.asked.clear()
    runner.run(definition)
    assert [_names(params) for _, params in source.asked] == [[], ["a"], ["b"]]


def _names(params: Mapping[str, Json]) -> list[Json]:
    return [value for name, value in params.items() if name.startswith("namespace")]


def test_namespaces_are_asked_about_together(tmp_path: Path) -> None:
    """Two groups of about as many documents each, and the next time as many as it takes."""
    sizes = {f"ns-{n}": 1 for n in range(8)}
    _, source, runner, definition = _asked(tmp_path, sizes)
    result = runner.run(definition)
    assert (len(result.rows), result.parts) == (8, 2)
    assert "k8s.namespace.name IN (?namespace, ?namespace_2" in source.asked[-1][0]
    source.asked.clear()
    assert runner.run(definition).parts == 3
    asked = [_names(params) for _, params in source.asked[1:]]
    assert sorted(name for names in asked for name in names) == sorted(sizes)


def test_rows_of_all_parts_come_the_most_severe_first(tmp_path: Path) -> None:
    """Whoever reads only the first rows, or acts on them first, sees the worst of every part."""
    cluster, _, runner, definition = _asked(tmp_path, {f"ns-{n}": 1 for n in range(8)})
    cluster.critical = {"ns-2", "ns-7"}
    result = runner.run(definition)
    assert [r.target.namespace for r in result.rows[:2]] == ["ns-2", "ns-7"]
    assert result.table is not None
    assert [record["namespace"] for record in result.table.records()][:2] == ["ns-2", "ns-7"]


def test_a_group_that_is_cut_off_is_halved(tmp_path: Path) -> None:
    """However uneven the namespaces are, each is asked about until its rows are whole."""
    sizes = {"big-a": 4, "big-b": 4, "c": 0, "d": 1, "e": 1, "f": 4}
    _, source, runner, definition = _asked(tmp_path, sizes)
    result = runner.run(definition)
    assert result.outcome is AuditOutcome.OK
    assert len(result.rows) == 14
    assert result.parts == len(source.asked) - 2


@pytest.mark.parametrize(
    "use",
    [
        "?namespace == k8s.namespace.name",
        "STARTS_WITH(k8s.namespace.name, ?namespace)",
        "k8s.namespace.name != ?namespace",
        "k8s.namespace.name IN (?namespace)",
    ],
)
def test_a_query_that_takes_no_list_is_asked_singly(tmp_path: Path, use: str) -> None:
    """Only a comparison that is known is widened; anything else is left as its author wrote it."""
    query = QUERIED.replace("k8s.namespace.name == ?namespace", use)
    _, source, runner, definition = _asked(tmp_path, {"a": 2, "b": 2, "c": 2}, query=query)
    assert runner.run(definition).parts == 3
    assert [_names(params) for _, params in source.asked[2:]] == [["a"], ["b"], ["c"]]
    assert all(" IN (?namespace, " not in text for text, _ in source.asked)


def test_a_cluster_that_shrank_is_read_at_once_again(tmp_path: Path) -> None:
    """When the rows fit well again, one query is enough."""
    cluster, _, runner, definition = _asked(tmp_path, {"a": 4, "b": 4})
    runner.run(definition)
    cluster.sizes = {"a": 1, "b": 1}
    runner.run(definition)
    assert runner.run(definition).parts == 1


def test_a_namespace_that_is_too_big_itself_refuses_the_whole(tmp_path: Path) -> None:
    """Rows of the other namespaces are not acted upon: what is missing is not known."""
    _, _, runner, definition = _asked(tmp_path, {"a": 1, "big": 9})
    result = runner.run(definition)
    assert result.outcome is AuditOutcome.TRUNCATED
    assert "even within namespace big" in result.detail
    assert result.rows == ()


def test_a_part_without_an_answer_refuses_the_whole(tmp_path: Path) -> None:
    """The outcome is that of the part."""
    cluster, _, runner, definition = _asked(tmp_path, {"a": 4, "b": 4})
    cluster.down = {"b"}
    result = runner.run(definition)
    assert result.outcome is AuditOutcome.UNAVAILABLE
    assert result.rows == ()


def test_a_part_about_another_namespace_refuses_the_whole(tmp_path: Path) -> None:
    """A query that goes by something else than the namespace would give rows twice."""
    cluster, _, runner, definition = _asked(tmp_path, {"a": 4, "b": 4})
    cluster.confused = {"b"}
    result = runner.run(definition)
    assert result.outcome is AuditOutcome.BAD_QUERY
    assert "narrowed to namespace b" in result.detail


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (Table((Column("namespace", "keyword"), Column("documents", "long")), ()), "no namespace"),
        (answer(row()), "another table"),
    ],
)
def test_a_list_of_namespaces_that_is_none_leaves_the_result_cut_off(
    tmp_path: Path, listed: Table, why: str
) -> None:
    """Nothing to split by must not look like a cluster without rows."""

    def asked(text: str, params: Mapping[str, Json]) -> Table:
        return listed if "STATS documents" in text else Cluster({"a": LIMIT})(text, params)

    runner = AuditRunner(Script(asked, MAPPED), ManualClock(NOW), "c1")
    result = runner.run(sample(tmp_path, NAMED, QUERIED))
    assert (result.outcome, result.rows) == (AuditOutcome.TRUNCATED, ())
    assert why in result.detail


def test_there_are_only_so_many_parts(tmp_path: Path) -> None:
    """More namespaces than could be asked about are refused, not begun."""
    sizes = {f"ns-{n:05d}": 1 for n in range(MOST_PARTS + 1)}
    _, source, runner, definition = _asked(tmp_path, sizes, query=SINGLY)
    result = runner.run(definition)
    assert result.outcome is AuditOutcome.TRUNCATED
    assert f"{MOST_PARTS + 1} queries or more" in result.detail
    assert len(source.asked) == 2


def test_an_audit_that_names_no_namespace_stays_cut_off(tmp_path: Path) -> None:
    """Without the field there is nothing to split by."""
    _, source, runner, definition = _asked(tmp_path, {"a": 4, "b": 4}, named=False)
    assert runner.run(definition).outcome is AuditOutcome.TRUNCATED
    assert len(source.asked) == 1


def test_a_run_about_one_namespace_is_not_split(tmp_path: Path) -> None:
    """Who asks for a namespace gets it, or hears that it is too big."""
    _, source, runner, definition = _asked(tmp_path, {"a": 4, "big": 9})
    result = runner.run(definition, params={"namespace": "big"})
    assert result.outcome is AuditOutcome.TRUNCATED
    assert len(source.asked) == 1


@pytest.mark.parametrize(
    "name", ["container-memory", "container-restarts", "replica-gap", "stuck-rollout"]
)
def test_shipped_audits_give_the_same_whole_or_in_parts(tmp_path: Path, name: str) -> None:
    """Over recorded telemetry the parts add up to what one query gives."""
    source, clock = recording()
    clock.current = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)
    whole = load_audits(shipped("esql"))[name]
    expected = AuditRunner(source, clock).run(whole)
    small = _limited(tmp_path, whole, len(expected.rows))
    result = AuditRunner(source, clock).run(small)
    assert result.parts > 1

    def by_target(rows: Any) -> dict[str, Any]:
        return {str(r.target): r for r in rows}

    assert by_target(result.rows) == by_target(expected.rows)


def _limited(tmp_path: Path, audit: AuditDefinition, limit: int) -> AuditDefinition:
    """Return the audit with a smaller LIMIT at its end."""
    head, _, _ = audit.query.rpartition("| LIMIT")
    (tmp_path / "small.esql").write_text(f"{head}| LIMIT {limit}\n")
    text = Path(audit.path).read_text().replace(f"query: {audit.name}.esql", "query: small.esql")
    path = tmp_path / f"{audit.name}.yaml"
    path.write_text(text)
    (tmp_path / f"{audit.name}.esql").write_text(f"{head}| LIMIT {limit}\n")
    return replace(load_audit(path)[0], name=audit.name)
