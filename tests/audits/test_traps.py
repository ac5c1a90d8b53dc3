"""Small telemetry in which a careless query goes wrong."""

from datetime import timedelta

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditResult, ManualClock
from remedyd.paths import shipped
from support.documents import END, container, source, workload

AUDITS = load_audits(shipped("esql"))
OOM = "OOMKilled"


def run(tmp_path, name, documents, cluster="") -> AuditResult:
    clock = ManualClock(END + timedelta(seconds=30))
    return AuditRunner(source(tmp_path, documents), clock, cluster).run(AUDITS[name])


def only(result: AuditResult) -> dict:
    (row,) = result.rows
    return {**row.values, "severity": int(row.severity)}


def counts(*numbers, reason=None, limit=100):
    return [{"restarts": n, "reason": reason, "limit": limit, "used": 10} for n in numbers]


RISING = [0, 0, 1, 2, 3, 3, 3, 4, 4, 4]


@pytest.mark.parametrize(
    ("readings", "restarts", "kills"),
    [
        (counts(*[7] * 10, reason=OOM), 0, 0),
        (counts(*RISING, reason=OOM), 4, 4),
        (counts(*RISING, reason="Error"), 4, 0),
        ([*counts(7, 7, 7, 7, 7, reason=OOM), *counts(8, 8, 8, 8, 8, reason="Error")], 1, 0),
        ([*counts(7, 7, 7, 7, 7, reason="Error"), *counts(8, 9, 9, 9, 9, reason=OOM)], 2, 2),
        ([*counts(1, 2, 2, 2, 2, reason=OOM), *counts(3, 3, 3, 3, 3, reason="Error")], 2, 1),
        (counts(11, 11, 11, 11, 3, 3, 3, 3, 3, 3, reason=OOM), 0, 0),
        (counts(11, 11, 11, 0, 0, 1, 2, 2, 2, 2, reason=OOM), 2, 2),
        ([*counts(*[0] * 8), *counts(1, 1, reason=OOM)], 1, 1),
    ],
    ids=[
        "old-kills",
        "kills",
        "crashes",
        "crash-after-old-kills",
        "kills-after-old-crash",
        "both",
        "reset",
        "reset-then-kills",
        "first-kill-ever",
    ],
)
@pytest.mark.parametrize("name", ["container-memory", "container-restarts"])
def test_kills_need_the_reason_and_an_increase(tmp_path, name, readings, restarts, kills):
    """The reason stays for the pod's life and the count may be reset; neither alone is proof."""
    row = only(run(tmp_path, name, container(readings)))
    assert (row["restarts"], row["oom_kills"]) == (restarts, kills)


def test_a_pod_that_took_over_its_predecessors_name_starts_anew(tmp_path):
    """A StatefulSet's pod keeps its name; the kills of the one before are not its own."""
    before = container(counts(1, 5, 9, 9, reason=OOM), kind="statefulset")
    after = container(counts(0, 0, 0, 0, 0), kind="statefulset", uid="u2", start=4.75)
    row = only(run(tmp_path, "container-memory", [*before, *after]))
    assert (row["kind"], row["pods"], row["oom_kills"], row["severity"]) == ("StatefulSet", 1, 0, 1)


def test_usage_is_compared_with_the_same_containers_limit(tmp_path):
    """A small pod at its limit is not hidden by a large one; the hottest pod is named."""
    large = container([{"restarts": 0, "limit": 1000, "used": 400}] * 10, pod="cart-1")
    small = container([{"restarts": 0, "limit": 100, "used": 95}] * 10, pod="cart-2", uid="u2")
    row = only(run(tmp_path, "container-memory", [*large, *small]))
    shown = (row["memory_pct_max"], row["hottest_pod"], row["hot_pods"], row["severity"])
    assert shown == (95.0, "cart-2", 1, 2)


def test_a_killed_container_in_back_off_has_no_usage_and_still_counts(tmp_path):
    """The kubelet is silent about waiting containers; the kill is known all the same."""
    readings = [{"restarts": n, "limit": 100, "reason": OOM, "ready": 0} for n in RISING]
    helper = container([{"used": 1}] * 3, name="other", pod="o", uid="o")
    rows = run(tmp_path, "container-memory", [*container(readings), *helper]).rows
    (row,) = rows
    assert (row.values["usage_samples"], row.values["memory_pct_max"]) == (0, None)
    assert int(row.severity) == 3


def test_a_crash_loop_with_no_pod_ready_is_critical_early(tmp_path):
    """Long back-off means few restarts; with nothing ready two are enough."""
    readings = [{"restarts": n, "ready": 0, "reason": "Error"} for n in (0, 0, 1, 1, 1, 1, 2, 2)]
    row = only(run(tmp_path, "container-restarts", container(readings, start=7.75)))
    assert (row["restarts"], row["ready_pods"], row["severity"]) == (2, 0, 3)


def test_a_healthy_cluster_maps_no_reason(tmp_path):
    """Before the first termination the field does not exist; the audits run and say so."""
    result = run(tmp_path, "container-restarts", container(counts(*[0] * 10)))
    assert "k8s.container.status.last_terminated_reason" in result.unavailable
    assert only(result)["severity"] == 1


def test_a_cluster_without_name_gets_the_configured_one(tmp_path):
    """Local clusters carry no k8s.cluster.name; rows are stamped with the configured name."""
    documents = container(counts(*[0] * 10), cluster=None)
    result = run(tmp_path, "container-restarts", documents, cluster="local")
    assert [row.target.cluster for row in result.rows] == ["local"]
    assert "k8s.cluster.name" in result.unavailable


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset"])
def test_gaps_of_every_kind_are_found(tmp_path, kind):
    """Deployments, StatefulSets and DaemonSets name their counts differently."""
    row = only(run(tmp_path, "replica-gap", workload([(3, 1)] * 5, kind=kind)))
    assert (row["kind"].lower(), row["gap"], row["severity"]) == (kind, 2, 2)


@pytest.mark.parametrize(
    ("readings", "start", "gap", "severity"),
    [
        ([(3, 3)] * 5, 4.75, 0, 1),
        ([(3, 0)] * 5, 4.75, 3, 3),
        ([(3, 2), (3, 2), (3, 3), (3, 2), (3, 2)], 4.75, 0, 1),
        ([(3, 3), (5, 3), (5, 3), (5, 3), (5, 3)], 4.75, 0, 1),
        ([(0, 0)] * 5, 4.75, 0, 1),
        ([(2, 3)] * 5, 4.75, 0, 1),
        ([(3, 0)] * 3, 2.25, 0, 1),
    ],
    ids=["whole", "none", "flapping", "scaled", "zero", "surplus", "new"],
)
def test_a_gap_lasts_the_window_while_desired_stands_still(
    tmp_path, readings, start, gap, severity
):
    """Flapping, scaling, scaling to zero, surplus and a workload just made are no gap."""
    row = only(run(tmp_path, "replica-gap", workload(readings, start=start)))
    assert (row["gap"], row["severity"]) == (gap, severity)


def test_a_workload_that_stopped_reporting_is_left_out(tmp_path):
    """Deleted half-way: its last gap is not reported for minutes."""
    documents = [*workload([(3, 0)] * 3), *workload([(2, 2)] * 5, name="other")]
    names = [row.target.name for row in run(tmp_path, "replica-gap", documents).rows]
    assert names == ["other"]
