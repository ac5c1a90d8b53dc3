"""A shipped audit over real HTTP: what Elasticsearch is asked, and what comes of its answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditOutcome, AuditResult, ManualClock
from remedyd.paths import shipped
from support.elastic import FakeElasticsearch, Reply, Request, refusal, table

NOW = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)
AUDITS = load_audits(shipped("esql"))
GAP = AUDITS["container-restarts"]
DATASETS = ("kubeletstatsreceiver.otel", "k8sclusterreceiver.otel")


def body(definition: AuditDefinition, *rows: dict[str, Any]) -> dict[str, Any]:
    return table(*rows, types={c.name: c.type for c in definition.columns})


def fresh() -> list[dict[str, Any]]:
    common = {"cluster": "c1", "namespace": "", "kind": "DataStream", "severity_score": 1}
    times = {"age_seconds": 9, "samples": 99, "last_seen": "2026-11-22T22:19:21.000Z"}
    return [{**common, "name": name, **times} for name in DATASETS]


def restarts(**changes: Any) -> dict[str, Any]:
    row = {
        "cluster": "c1",
        "namespace": "shop",
        "kind": "Deployment",
        "name": "cart",
        "container": "app",
        "severity_score": 3,
        "restarts": 7,
        "pods_affected": 2,
        "oom_kills": 7,
        "last_terminated_reason": "OOMKilled",
        "pods": 2,
        "ready_pods": 1,
        "restarts_since_start": 9,
        "samples": 10,
        "last_seen": "2026-11-22T22:19:20.000Z",
    }
    return {**row, **changes}


def serve(fake: FakeElasticsearch, reply: Reply, without: tuple[str, ...] = ()) -> None:
    """Answer the gate as fresh, the audit with `reply`; all fields but `without` are mapped."""

    def query(request: Request) -> Reply:
        names = {name for one in request.body["params"] for name in one}
        return Reply(body=body(AUDITS.gate, *fresh())) if "stale_seconds" in names else reply

    def caps(request: Request) -> Reply:
        names = [name for name in request.body["fields"] if name not in without]
        streams = [f".ds-metrics-{name}-default-2026.11.22-000001" for name in DATASETS]
        types = {f.name: f.type for one in (AUDITS.gate, GAP) for f in one.fields}
        return Reply(
            body={"indices": streams, "fields": {n: {types[n]: {"type": types[n]}} for n in names}}
        )

    fake.routes["/_query"] = query
    fake.routes["/_field_caps"] = caps


def run(source: Callable[..., Any], cluster: str = "c1") -> AuditResult:
    return AuditRunner(source(), ManualClock(NOW), cluster, gate=AUDITS.gate).run(GAP)


def test_rows_arrive_typed(fake, source):
    """From HTTP to typed, identified rows."""
    serve(fake, Reply(body=body(GAP, restarts())))
    result = run(source)
    (row,) = result.rows
    assert result.outcome is AuditOutcome.OK
    assert str(row.target) == "Deployment/shop/cart[app]"
    assert row.last_seen == datetime(2026, 11, 22, 22, 19, 20, tzinfo=UTC)


def test_the_audit_is_sent_as_written_with_its_window(fake, source):
    """Text and parameters on the wire are the file's text and the run's window."""
    serve(fake, Reply(body=body(GAP, restarts())))
    run(source)
    sent = fake.sent("/_query")[-1].body
    params = {name: value for one in sent["params"] for name, value in one.items()}
    assert sent["query"] == GAP.query
    assert params["start"] == "2026-11-22T22:09:30.000Z"
    assert (params["cluster"], params["namespace"]) == ("c1", "*")


def test_a_healthy_cluster_without_any_termination_still_runs(fake, source):
    """The reason of the last termination is unmapped until the first one; the audit goes on."""
    name = "k8s.container.status.last_terminated_reason"
    healthy = restarts(severity_score=1, restarts=0, oom_kills=0, last_terminated_reason=None)
    serve(fake, Reply(body=body(GAP, healthy)), without=(name,))
    result = run(source)
    assert (result.outcome, result.unavailable) == (AuditOutcome.OK, (name,))
    assert f"| EVAL {name} = TO_STRING(NULL) | WHERE" in fake.sent("/_query")[-1].body["query"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(body=body(GAP)), "NoData"),
        (Reply(body={**body(GAP, restarts()), "is_partial": True}), "Partial"),
        (Reply(body=body(GAP, restarts(cluster="c2"))), "ForeignCluster"),
        (Reply(body=body(GAP, restarts(last_seen="2026-11-22T22:01:00.000Z"))), "Stale"),
        (Reply(body=table({"a": "b"})), "BadQuery"),
        (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), "Unavailable"),
        (refusal(400, "parsing_exception", "line 1:1: token"), "BadQuery"),
        (refusal(400, "verification_exception", "Unknown index [m-*]"), "NoData"),
        (refusal(400, "verification_exception", "line 2:1: Unknown column [x]"), "MissingField"),
        (refusal(403, "security_exception", "unauthorized"), "Forbidden"),
        (refusal(503, "x", "shards"), "Unavailable"),
    ],
)
def test_no_trouble_leads_to_rows(fake, source, reply, outcome):
    """Whatever goes wrong on the wire ends in one named outcome without rows."""
    serve(fake, reply)
    result = run(source)
    assert (result.outcome, result.rows, result.table) == (outcome, (), None)


def test_as_many_rows_as_the_limit_are_truncated(fake, source):
    """A full page may not be the whole book."""
    rows = [restarts(name=f"n{i}") for i in range(GAP.limit)]
    serve(fake, Reply(body=body(GAP, *rows)))
    assert run(source).outcome is AuditOutcome.TRUNCATED
