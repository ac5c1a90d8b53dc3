"""A backtest decides exactly what a replay cycle by cycle decides."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.definition import AuditSet
from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditResult, Decision, ManualClock
from remedyd.offline.functions.moments import iso, millis
from remedyd.offline.recording import RecordingSource
from remedyd.paths import shipped
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.loader import load_policies, parse_policies
from remedyd.policy.policy import PolicySet
from remedyd.testing.backtest.foresight import Foresight, SiftedTable
from remedyd.testing.backtest.run import Backtest
from remedyd.testing.replay import Judge, every, judge, span

RECORDING = Path(__file__).parents[1] / "recordings" / "telemetry"
QUIET = ("Severity", "Disabled")
CLUSTER = "metrics-k8sclusterreceiver.otel-default"
KUBELET = "metrics-kubeletstatsreceiver.otel-default"
MAPPINGS = json.loads((RECORDING / "mappings.json").read_text(encoding="utf-8"))
ORIGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)
EAGER = """\
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {name: eager}
spec:
  audit: {name: container-restarts, severities: [warning, critical]}
  matchConditions: [{name: restarted, expression: restarts > 0}]
  steps: [{name: restart, action: {type: Restart, restart: {}}}]
  cooldown: 5m
  limits: {maxPerHour: 2, maxTargetsPercent: 60}
"""


@pytest.fixture(scope="module")
def audits() -> AuditSet:
    """The shipped audits."""
    return load_audits([shipped("esql")])


@pytest.fixture(scope="module")
def sets(audits: AuditSet) -> list[PolicySet]:
    """The shipped policies, and one that acts at the first sign."""
    first = load_policies([shipped("policies")], audits=audits.specs, actions=SCHEMAS)
    second = parse_policies(EAGER, "-", audits=audits.specs, actions=SCHEMAS)
    return [first, second]


@pytest.fixture(scope="module")
def source() -> Iterator[tuple[RecordingSource, ManualClock]]:
    """The recorded incidents, loaded once."""
    clock = ManualClock(datetime.max.replace(tzinfo=UTC))
    found = RecordingSource(RECORDING, clock)
    yield found, clock
    found.engine.close()


def told(decisions: Sequence[Decision]) -> list[Decision]:
    return [decision for decision in decisions if decision.reason not in QUIET]


def outline(result: AuditResult) -> tuple[Any, ...]:
    return result.outcome, result.detail, result.set_aside, frozenset(result.targets())


def compare(
    source: RecordingSource,
    clock: ManualClock,
    audits: AuditSet,
    sets: Sequence[PolicySet],
    times: Sequence[datetime],
    cluster: str,
) -> Sequence[str]:
    """Assert that both ways agree at each of the times; return the backtest's notices."""
    rails = Guardrails()
    test = Backtest(source, clock, audits, sets, times, cluster=cluster, guardrails=rails)
    together = list(test.cycles())
    names = sorted({name for policies in sets for name in policies.audits})
    runner = AuditRunner(source, clock, cluster, gate=audits.gate)
    judges = [Judge(policies, rails) for policies in sets]
    alone = judge(runner.run, clock, [audits[name] for name in names], judges, times)
    for quick, plain in zip(together, alone, strict=True):
        assert quick.at == plain.at
        assert [outline(r) for r in quick.results] == [outline(r) for r in plain.results]
        assert list(map(told, quick.decided)) == list(map(told, plain.decided))
    return test.notices


@pytest.mark.parametrize(
    ("interval", "cluster"), [(timedelta(minutes=5), "shop-prod"), (timedelta(seconds=500), "")]
)
def test_recorded_incidents_are_decided_the_same(
    source: tuple[RecordingSource, ManualClock],
    audits: AuditSet,
    sets: list[PolicySet],
    interval: timedelta,
    cluster: str,
) -> None:
    """Over the recording both ways agree on every decision, reason, outcome and target."""
    first, last = span(source[0])
    times = every(first + interval, last, interval)
    assert not compare(*source, audits, sets, times, cluster)


def test_another_cluster_is_refused_the_same(
    source: tuple[RecordingSource, ManualClock], audits: AuditSet, sets: list[PolicySet]
) -> None:
    """Telemetry of another cluster is ForeignCluster in a backtest, too."""
    first, _ = span(source[0])
    times = every(
        first + timedelta(minutes=10), first + timedelta(minutes=14), timedelta(minutes=2)
    )
    compare(*source, audits, sets, times, "elsewhere")


def test_cycles_at_odd_distances_are_run_one_by_one(
    source: tuple[RecordingSource, ManualClock], audits: AuditSet, sets: list[PolicySet]
) -> None:
    """Where the next windows cannot be foreseen the result is the same, and it is said."""
    first, _ = span(source[0])
    times = [first + timedelta(minutes=minutes) for minutes in (10, 13, 15)]
    notices = compare(*source, audits, sets, times, "")
    assert any("not at equal distances" in notice for notice in notices)


def test_a_query_that_reads_now_is_run_one_by_one(
    source: tuple[RecordingSource, ManualClock], audits: AuditSet
) -> None:
    """The seed's query looks back from NOW(): each of its cycles is a run of its own."""
    recording, clock = source
    first, _ = span(recording)
    times = every(
        first + timedelta(minutes=15), first + timedelta(minutes=21), timedelta(minutes=3)
    )
    foresight = Foresight(recording, clock, times)
    text = (
        "FROM metrics-* | WHERE @timestamp > NOW() - 5 minutes AND @timestamp < ?end"
        " AND @timestamp >= ?start | STATS n = COUNT(*) BY k8s.namespace.name | SORT n DESC"
    )
    for at in times:
        clock.current = at
        start, end = iso(millis(at - timedelta(minutes=10))), iso(millis(at))
        params = {"start": start, "end": end}
        assert foresight.query(text, params).rows == recording.query(text, params).rows
    assert any("NOW()" in notice for notice in foresight.notices)


def test_a_query_of_two_windows_a_cycle_is_foreseen_for_both(
    source: tuple[RecordingSource, ManualClock],
) -> None:
    """Audits of different reach share the query for fresh telemetry: neither outruns the other."""
    recording, clock = source
    first, _ = span(recording)
    times = every(first + timedelta(minutes=8), first + timedelta(minutes=12), timedelta(minutes=1))
    foresight = Foresight(recording, clock, times)
    text = (
        "FROM metrics-* | WHERE @timestamp >= TO_DATETIME(?start) AND @timestamp < "
        "TO_DATETIME(?end) | STATS n = COUNT(*) BY k8s.namespace.name | SORT n DESC"
    )
    storage = recording.engine.storage
    with patch.object(storage, "run_watched", wraps=storage.run_watched) as passes:
        for at in times:
            clock.current = at
            for minutes in (2, 5):
                start = iso(millis(at - timedelta(minutes=minutes)))
                assert foresight.query(text, {"start": start, "end": iso(millis(at))}).rows
    assert passes.call_count == 2


def test_rows_that_no_policy_acts_on_are_left_out(
    source: tuple[RecordingSource, ManualClock], audits: AuditSet, sets: list[PolicySet]
) -> None:
    """Of healthy rows only one is handed out; the targets of the others are still known."""
    first, _ = span(source[0])
    times = every(first + timedelta(minutes=6), first + timedelta(minutes=7), timedelta(minutes=1))
    test = Backtest(*source, audits, sets, times)
    result = next(iter(test.cycles())).results[0]
    assert isinstance(result.table, SiftedTable)
    assert len(result.rows) < 4 < len(result.others)


@dataclass(frozen=True)
class Story:
    """What one workload goes through in 20 minutes; each text has a character for a minute."""

    kind: str
    name: str
    namespace: str
    restarts: str
    """How many restarts; `-`: no telemetry."""
    ready: str
    available: str
    killed: bool
    limit: int | None


def minutes(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=20, max_size=20)


stories = st.lists(
    st.builds(
        Story,
        kind=st.sampled_from(["deployment", "statefulset"]),
        name=st.sampled_from(["cart", "pay", "ad", "web"]),
        namespace=st.sampled_from(["shop", "tight", "free"]),
        restarts=minutes("00012-"),
        ready=minutes("01"),
        available=minutes("012"),
        killed=st.booleans(),
        limit=st.sampled_from([None, 100]),
    ),
    min_size=1,
    max_size=12,
    # the audits sort by namespace and name: the order of two kinds of one name is anyone's guess
    unique_by=lambda story: (story.name, story.namespace),
)


def telemetry(story: Story) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield stream and document of everything the receivers saw."""
    count = 0
    pod = f"{story.kind}-{story.name}"
    workload = {f"k8s.{story.kind}.name": story.name, "k8s.namespace.name": story.namespace}
    names = {"k8s.pod.name": pod, "k8s.pod.uid": pod + story.namespace}
    container = {**workload, **names, "k8s.container.name": "app"}
    wanted, there = _REPLICAS[story.kind]
    for minute, restarted in enumerate(story.restarts):
        if restarted == "-":
            continue
        count += int(restarted)
        reason = "OOMKilled" if story.killed else "Error"
        ended = {"k8s.container.status.last_terminated_reason": reason} if count else {}
        ready, available = int(story.ready[minute]), int(story.available[minute])
        used = {"container.memory.working_set": 40 + minute * 7 % 60}
        yield (
            CLUSTER,
            _document(CLUSTER, minute, {**container, **ended}, {"k8s.container.restarts": count}),
        )
        yield CLUSTER, _document(CLUSTER, minute, container, {"k8s.container.ready": ready})
        yield CLUSTER, _document(CLUSTER, minute, workload, {wanted: 2, there: available})
        yield KUBELET, _document(KUBELET, minute, container, used)
        if story.limit is not None:
            limit = {"k8s.container.memory_limit": story.limit}
            yield CLUSTER, _document(CLUSTER, minute, container, limit)


_REPLICAS = {
    "deployment": ("k8s.deployment.desired", "k8s.deployment.available"),
    "statefulset": ("k8s.statefulset.desired_pods", "k8s.statefulset.ready_pods"),
}


def _document(
    stream: str, minute: int, attributes: dict[str, Any], metrics: dict[str, Any]
) -> dict[str, Any]:
    moment = ORIGIN + timedelta(minutes=minute, seconds=7)
    return {
        "@timestamp": iso(millis(moment)),
        "data_stream": {"dataset": stream.split("-")[1]},
        "metrics": metrics,
        "resource": {"attributes": {**attributes, "k8s.cluster.name": "c"}},
    }


@settings(
    max_examples=3,  # a second each, of up to twelve workloads
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
)
@given(
    told_of=stories,
    interval=st.sampled_from([120, 150, 300]),
    cluster=st.sampled_from(["", "c"]),
)
def test_made_up_incidents_are_decided_the_same(
    audits: AuditSet,
    sets: list[PolicySet],
    told_of: list[Story],
    interval: int,
    cluster: str,
) -> None:
    """Whatever workloads went through, both ways agree; the recording's mappings are used."""
    clock = ManualClock(ORIGIN)
    recording = RecordingSource([], clock)
    documents: dict[str, list[dict[str, Any]]] = {stream: [] for stream in MAPPINGS}
    for stream, document in chain.from_iterable(map(telemetry, told_of)):
        documents[stream].append(document)
    for stream, found in documents.items():
        recording.engine.create_stream(stream, MAPPINGS[stream])
        recording.engine.add_documents(stream, found)
    begin, end = ORIGIN + timedelta(minutes=4), ORIGIN + timedelta(minutes=21)
    times = every(begin, end, timedelta(seconds=interval))
    compare(recording, clock, audits, sets, times, cluster)
    recording.engine.close()
