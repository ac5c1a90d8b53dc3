"""A daemon on the lab: its trail is in Elasticsearch, its Events are on the workload."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from remedyd.elastic.connection import Connection
from remedyd.elastic.sink import TrailSink
from remedyd.errors import SinkError
from remedyd.lab.elasticsearch import script
from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.security import Account
from remedyd.lab.elasticsearch.server import ElasticsearchServer
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.lab.world import Lab
from support import plan
from support.running import Running
from support.trail import STREAM, until

SCENARIO = plan.scenario(("frontend", "backend"))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(seed=5, speed=8.0, history=timedelta(minutes=1), scenario=SCENARIO) as started:
        yield started


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(lab, tmp_path_factory.mktemp("daemon")) as started:
        yield started


@pytest.fixture(scope="module")
def change(running: Running) -> str:
    """Scale the frontend, and return the proposal's id."""
    body = {"action": "scale", "deployment": "frontend", "replicas": 3}
    answer = running.client("approver").post("/manage", json=body)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["proposal"]
    return found


def documents(lab: Lab) -> list[dict[str, Any]]:
    return [dict(one) for one in lab.streams.recent(STREAM)]


def of(lab: Lab, proposal: str) -> dict[str, dict[str, Any]]:
    found = [d for d in documents(lab) if d.get("labels", {}).get("proposal_id") == proposal]
    return {d["event"]["action"]: d for d in found}


def deliver(running: Running) -> None:
    """Have the outbox looked at now; by itself the daemon does so every five seconds."""
    running.service._run_now("outbox")


def test_a_change_is_in_the_data_stream(running: Running, lab: Lab, change: str) -> None:
    """Who asked, who approved, that it was written: each once, under the proposal's id."""

    def told() -> dict[str, dict[str, Any]] | None:
        deliver(running)
        found = of(lab, change)
        return found if "applied" in found else None

    found = until(told)
    assert {"proposal-created", "approved", "apply-started", "applied"} <= set(found)
    assert found["approved"]["user"]["name"] == "approver"
    assert found["applied"]["remediation"]["changes"][0]["after"] == "3"
    ids = [document["event"]["id"] for document in documents(lab)]
    assert len(ids) == len(set(ids))


def test_the_daemon_shows_that_it_lives(running: Running, lab: Lab) -> None:
    """A sign of life says how much waits for a decision and which audits fail."""

    def beats() -> list[dict[str, Any]]:
        deliver(running)
        return [d for d in documents(lab) if d["event"]["action"] == "heartbeat"]

    facts = until(beats)[0]["remediation"]["heartbeat"]
    assert {"proposals_waiting", "oldest_waiting_seconds", "audits_failing", "paused"} <= set(facts)


def test_what_policies_decide_is_told(running: Running, lab: Lab) -> None:
    """Also that nothing was done, with the reason."""
    change = running.client("approver").post(
        "/manage", json={"action": "restart", "deployment": "nothing-here"}
    )
    assert change.status_code == 404
    asked = running.client("viewer").post(
        "/manage", json={"action": "restart", "deployment": "frontend"}
    )
    assert asked.status_code == 403

    def refused() -> list[dict[str, Any]]:
        deliver(running)
        return [d for d in documents(lab) if d["event"]["action"] == "refused"]

    found = until(refused)
    assert ("viewer", "Forbidden") in {(d["user"]["name"], d["event"]["reason"]) for d in found}


def test_the_workload_carries_the_events(running: Running, lab: Lab, change: str) -> None:
    """`kubectl describe` tells of the proposal, its approval and the write."""

    def reasons() -> set[str]:
        deliver(running)
        about = [
            e["reason"]
            for e in lab.simulation.store.list("v1/events", "default")
            if e["involvedObject"]["name"] == "frontend" and change in e["message"]
        ]
        return {"RemediationApplied"} & set(about) and set(about)

    assert {"RemediationProposed", "RemediationApproved"} <= until(reasons)


def test_trouble_is_a_notice_and_not_a_reason(running: Running, lab: Lab, change: str) -> None:
    """While the trail is refused work goes on, `/readyz` says what is wrong, and it recovers."""
    lab.elasticsearch.script.add(script.forbidden(path=f"/{STREAM}/*", times=1))
    body = {"action": "scale", "deployment": "backend", "replicas": 3}
    proposal = running.client("proposer").post("/manage", json=body).json()["proposal"]
    client = running.client()

    def noticed() -> list[str]:
        deliver(running)
        found: list[str] = client.get("/readyz").json()["notices"]
        return [notice for notice in found if notice.startswith("audit trail: ")]

    assert "create_doc" in until(noticed)[0]
    assert client.get("/readyz").json()["reasons"] == []

    def recovered() -> bool:
        deliver(running)
        return "proposal-created" in of(lab, proposal)

    assert until(recovered)
    assert until(lambda: not noticed())


@pytest.fixture
def guarded() -> Iterator[tuple[ElasticsearchServer, str]]:
    """An Elasticsearch with security on, and the key that the trail is given."""
    from remedyd.model import SystemClock

    streams = DataStreams(SystemClock(), (9, 4), timedelta(hours=1))
    server = ElasticsearchServer(Endpoint(streams, Random(1)))
    rights = {"logs-k8s.remediation-*": ("auto_configure", "create_doc")}
    account = Account("trail", rights, cluster=())
    key = server.endpoint.security.add_key("trail", "s3cret", account)
    server.start()
    yield server, key
    server.stop()
    streams.close()


def test_a_key_that_may_only_add_is_enough(guarded: tuple[ElasticsearchServer, str]) -> None:
    """`create_doc` on the data stream: the trail is written and cannot be rewritten with it."""
    server, key = guarded
    sink = TrailSink(Connection(server.url, api_key=key), STREAM)
    document = {"@timestamp": "2026-11-05T12:00:00.000Z", "message": "a"}
    assert sink.create([("a", document)]).created == ["a"]
    assert sink.create([("a", document), ("b", document)]).known == ["a"]
    sink.close()
    other = TrailSink(Connection(server.url, api_key=key), "logs-other-default")
    assert "403" in other.create([("a", document)]).trouble
    other.close()
    unknown = TrailSink(Connection(server.url, api_key="bm90OmtleQ=="), STREAM)
    with pytest.raises(SinkError, match="credentials"):
        unknown.create([("a", document)])
    unknown.close()
