"""Stale or absent telemetry refuses every audit that reads it."""

from datetime import timedelta

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, Column, ManualClock, Table, Target, Window
from remedyd.paths import shipped
from support.audits import MAPPED, NOW, Script, answer, row, sample

KUBELET, CLUSTER = "kubeletstatsreceiver.otel", "k8sclusterreceiver.otel"
AUDITS = load_audits(shipped("esql"))
GATE = AUDITS.gate
GATE_COLUMNS = tuple(Column(c.name, c.type) for c in GATE.columns)
FIELDS = {**MAPPED, "data_stream.dataset": "keyword"}


def stream(dataset, *, severity=1, cluster="c1"):
    return (cluster, "", "DataStream", dataset, severity, 5, 900, NOW)


def runner(tmp_path, *streams, cluster="c1", read=(KUBELET, CLUSTER)):
    """Return a run of the small audit, reading the datasets in `read`, behind the gate."""

    def reply(text, params):
        if "stale_seconds" in params:
            return Table(GATE_COLUMNS, streams)
        return answer(row())

    from support.audits import QUERY

    old = "metrics-a.otel-*, metrics-b.otel-*"
    query = QUERY.replace(old, ", ".join(f"metrics-{name}-*" for name in read))
    definition = sample(tmp_path, query=query)
    source = Script(reply, mapped=FIELDS)
    return source, definition, AuditRunner(source, ManualClock(NOW), cluster, gate=GATE)


def outcome(tmp_path, *streams, **options):
    _, definition, audits = runner(tmp_path, *streams, **options)
    return audits.run(definition).outcome


@pytest.mark.parametrize(
    ("streams", "wanted"),
    [
        ([stream(KUBELET), stream(CLUSTER)], "Ok"),
        ([stream(KUBELET, severity=2), stream(CLUSTER)], "Ok"),
        ([stream(KUBELET, severity=3), stream(CLUSTER)], "Stale"),
        ([stream(KUBELET), stream(CLUSTER, severity=3)], "Stale"),
        ([stream(CLUSTER)], "NoData"),
        ([], "NoData"),
    ],
)
def test_every_stream_that_is_read_must_be_fresh(tmp_path, streams, wanted):
    """A stopped collector would look like a workload that healed."""
    assert outcome(tmp_path, *streams) == wanted


def test_a_stream_that_is_not_read_does_not_matter(tmp_path):
    """An audit of the cluster receiver alone runs while the kubelets are silent."""
    assert outcome(tmp_path, stream(CLUSTER), read=(CLUSTER,)) == "Ok"


def test_an_audit_that_names_no_watched_stream_needs_all(tmp_path):
    """Where it can not be told what is read, everything watched must be fresh."""
    streams = [stream(KUBELET, severity=3), stream(CLUSTER)]
    assert outcome(tmp_path, *streams, read=("k8seventsreceiver.otel",)) == "Stale"


@pytest.mark.parametrize(
    ("cluster", "clusters", "wanted"),
    [
        ("c1", ("c1", "c2"), "Ok"),
        ("c1", ("c2",), "ForeignCluster"),
        ("", ("c1", "c2"), "ForeignCluster"),
        ("", ("c1",), "Ok"),
    ],
)
def test_the_gate_sees_all_clusters_and_judges_ours(tmp_path, cluster, clusters, wanted):
    """Only other clusters' telemetry, or several and none configured, is foreign."""
    streams = [stream(d, cluster=c) for d in (KUBELET, CLUSTER) for c in clusters]
    assert outcome(tmp_path, *streams, cluster=cluster) == wanted


def test_our_stale_streams_are_not_hidden_by_another_clusters_fresh_ones(tmp_path):
    """Freshness is judged per cluster."""
    streams = [stream(d, cluster="c2") for d in (KUBELET, CLUSTER)]
    streams += [stream(KUBELET, severity=3), stream(CLUSTER)]
    assert outcome(tmp_path, *streams) == "Stale"


def test_a_gate_that_fails_refuses_with_its_own_outcome(tmp_path):
    """Not knowing whether telemetry is fresh is no reason to believe it."""
    source, definition, audits = runner(tmp_path)

    def fail(text, params):
        raise QueryError(AuditOutcome.UNAVAILABLE, "down")

    source.reply = fail
    assert audits.run(definition).outcome is AuditOutcome.UNAVAILABLE


def test_the_gate_is_asked_once_for_audits_of_one_moment(tmp_path):
    """Audits that run together share the gate's answer; a later one asks anew."""
    source, definition, audits = runner(tmp_path, stream(KUBELET), stream(CLUSTER))
    scope = Target("c1", "shop", "Deployment", "cart")
    for seconds in (0, 5, 5, 60):
        end = NOW + timedelta(seconds=seconds)
        audits.run(definition, window=Window(end - timedelta(minutes=5), end), scope=scope)
    assert sum("stale_seconds" in params for _, params in source.asked) == 2
    assert all(p["cluster"] == "*" for _, p in source.asked if "stale_seconds" in p)


def test_the_gate_itself_can_be_run(tmp_path):
    """As an audit of its own it reports stale streams as rows."""
    _, _, audits = runner(tmp_path, stream(KUBELET, severity=3), stream(CLUSTER))
    result = audits.run(GATE)
    assert [int(r.severity) for r in result.rows] == [3, 1]
