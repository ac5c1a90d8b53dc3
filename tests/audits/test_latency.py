"""Latency against a workload's own past, from spans as the exporter writes them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditOutcome, AuditResult, ManualClock
from remedyd.paths import shipped
from support.documents import CLUSTER, END, KUBELET, Documents, document, source

AUDIT = load_audits(shipped("esql"))["service-latency"]
TRACES = "traces-generic.otel-default"
WHO = {
    "k8s.cluster.name": "c1",
    "k8s.namespace.name": "shop",
    "k8s.deployment.name": "cart",
    "k8s.pod.name": "cart-1",
}


def span(
    minutes: float, kind: str, ms: float, *, code: str = "Unset", who: Mapping[str, Any] = WHO
) -> tuple[str, dict[str, Any]]:
    stream, one = document(minutes, TRACES, who, {})
    del one["metrics"]
    one["data_stream"]["type"] = "traces"
    return stream, one | {
        "kind": kind,
        "duration": int(ms * 1_000_000),
        "status": {"code": code},
        "name": "GET /",
    }


def traffic(
    then: tuple[float, float],
    now: tuple[float, float],
    *,
    minutes: float = 10,
    history: float = 68,
    **changes: Any,
) -> Documents:
    """Return requests every ten seconds: (duration, waiting for others) in ms, then and now.

    The last `minutes` are now, what is before, back to `history`, was then.
    """
    made: Documents = []
    for number in range(int(history * 6)):
        at = number / 6 + 0.02
        took, waited = now if at < minutes else then
        made.append(span(at, "Server", took, **changes))
        if waited:
            made.append(span(at, "Client", waited, **changes))
    return made


def cpu(usage: float, limit: float | None, *, container: str = "app") -> Documents:
    who = {**WHO, "k8s.container.name": container}
    made: Documents = []
    for minutes in range(1, 10):
        made.append(document(minutes, KUBELET, who, {"container.cpu.usage": usage}))
        if limit is not None:
            made.append(document(minutes, CLUSTER, who, {"k8s.container.cpu_limit": limit}))
    return made


def run(tmp_path: Path, documents: Documents) -> AuditResult:
    clock = ManualClock(END + timedelta(minutes=1))
    return AuditRunner(source(tmp_path, documents), clock).run(AUDIT)


def only(tmp_path: Path, documents: Documents) -> Mapping[str, Any]:
    (row,) = run(tmp_path, documents).rows
    return {**row.values, "severity": int(row.severity)}


def test_slow_by_itself_is_critical(tmp_path: Path) -> None:
    """Five times as slow, and what it waits for is as fast as ever."""
    row = only(tmp_path, [*traffic((80, 30), (400, 30)), *cpu(0.05, 0.2)])
    assert (row["severity"], row["p95_ms"], row["baseline_ms"]) == (3, 400.0, 80.0)
    assert (row["slowdown"], row["dependency_pct"], row["cpu_pct"]) == (5.0, 0.0, 25.0)


def test_slow_for_waiting_is_a_warning(tmp_path: Path) -> None:
    """All of the growth is in the calls: a symptom, and no sign of a storm."""
    row = only(tmp_path, traffic((80, 30), (400, 350)))
    assert (row["severity"], row["dependency_pct"]) == (2, 100.0)
    assert (row["call_p95_ms"], row["call_baseline_ms"]) == (350.0, 30.0)


def test_an_incident_of_forty_minutes_is_not_yet_the_baseline(tmp_path: Path) -> None:
    """Most of the hour before is slow already; its lower quartile still is not."""
    row = only(tmp_path, traffic((80, 0), (400, 0), minutes=50))
    assert (row["severity"], row["baseline_ms"]) == (3, 80.0)


@pytest.mark.parametrize(
    ("then", "now", "severity"),
    [(80, 90, 1), (80, 135, 2), (80, 165, 3), (10, 40, 1), (400, 80, 1)],
    ids=["as-ever", "slower", "twice", "slower-but-fast", "faster"],
)
def test_grades(tmp_path: Path, then: float, now: float, severity: int) -> None:
    """One and a half times is a warning, twice is critical, and 50 ms more at least."""
    assert only(tmp_path, traffic((then, 0), (now, 0)))["severity"] == severity


def test_errors_are_counted_for_requests_and_calls_apart(tmp_path: Path) -> None:
    """A quarter of the requests and half of the calls end in an error."""
    documents = traffic((80, 0), (80, 0))
    documents += [span(n / 3 + 0.1, "Server", 80, code="Error") for n in range(20)]
    documents += [
        span(n / 3 + 0.1, "Client", 5, code="Error" if n % 2 else "Ok") for n in range(20)
    ]
    row = only(tmp_path, documents)
    assert (row["error_pct"], row["call_error_pct"], row["calls"]) == (25.0, 50.0, 20)


def test_cpu_is_that_of_the_busiest_container_against_its_own_limit(tmp_path: Path) -> None:
    """A sidecar that idles does not hide the application; without any limit nobody knows."""
    busy = [*traffic((80, 0), (400, 0)), *cpu(0.18, 0.2), *cpu(0.01, 1.0, container="proxy")]
    assert only(tmp_path, busy)["cpu_pct"] == 90.0
    free = tmp_path / "free"
    free.mkdir()
    assert only(free, [*traffic((80, 0), (400, 0)), *cpu(0.18, None)])["cpu_pct"] is None


def test_other_spans_are_no_requests(tmp_path: Path) -> None:
    """Work inside the process and messages are left out, however long they take."""
    documents = traffic((80, 0), (80, 0))
    documents += [span(n / 6 + 0.1, "Internal", 9000) for n in range(60)]
    documents += [span(n / 6 + 0.1, "Consumer", 9000) for n in range(60)]
    row = only(tmp_path, documents)
    assert (row["p95_ms"], row["requests"], row["severity"]) == (80.0, 60, 1)


def test_spans_that_name_no_workload_are_left_out(tmp_path: Path) -> None:
    """Without the k8s_attributes processor nobody knows whose they are."""
    anonymous = {k: v for k, v in WHO.items() if k != "k8s.deployment.name"}
    documents = [*traffic((80, 0), (80, 0)), *traffic((80, 0), (900, 0), who=anonymous)]
    assert only(tmp_path, documents)["p95_ms"] == 80.0


@pytest.mark.parametrize("history", [12, 2], ids=["no-past", "few-requests"])
def test_without_a_past_or_requests_nothing_is_said(tmp_path: Path, history: float) -> None:
    """A new service has no baseline, a quiet one no percentile: set aside, not healthy."""
    result = run(tmp_path, traffic((80, 0), (400, 0), history=history))
    assert result.outcome is AuditOutcome.NO_DATA
    assert [aside.reason for aside in result.set_aside] == ["TooFewSamples"]


def test_a_cluster_without_traces_says_so(tmp_path: Path) -> None:
    """No spans are no health: the fields that only they have are missing."""
    result = run(tmp_path, cpu(0.1, 0.2))
    assert result.outcome is AuditOutcome.MISSING_FIELD
    assert "duration" in result.detail
