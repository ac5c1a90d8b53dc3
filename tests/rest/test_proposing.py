"""Anyone with the scope may ask for a typed change; it waits for an approver."""

from typing import Any

import pytest

from remedyd.lab.world import Lab
from support.running import Running
from support.ways import an_app, proposed, reached, scaling


def test_a_request_becomes_a_proposal(running: Running) -> None:
    """The answer is 201, says where the proposal is, and shows what an approver would read."""
    name = an_app()
    body = scaling(name, 3, comment="the sale starts", on_behalf_of="alice@example.com")
    answer = running.client("proposer").post("/v1/proposals", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["Location"] == f"/v1/proposals/{made['id']}"
    assert (made["state"], made["source"], made["requested_by"]) == (
        "Proposed",
        "request",
        "proposer",
    )
    assert made["changes"] == [{"path": "spec.replicas", "old": 1, "new": 3}]
    assert "alice@example.com" in made["summary"]
    assert "the sale starts" in made["summary"]


def test_nothing_is_written_before_the_approval(running: Running, lab: Lab) -> None:
    """A proposal leaves the workload as it is."""
    name = an_app()
    proposed(running, name)
    assert lab.simulation.store.get("apps/v1/deployments", "shop", name)["spec"]["replicas"] == 1


def test_a_workload_has_one_open_proposal(running: Running) -> None:
    """A second request about the same workload is 409 and names the first."""
    made = proposed(running)
    again = running.client("proposer").post(
        "/v1/proposals", json=scaling(made["target"]["name"], 4)
    )
    assert again.status_code == 409
    assert made["id"] in again.json()["detail"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"action": "Explode"}, 422),
        ({"action": "Status"}, 422),
        ({"params": {"absolute": -1}}, 422),
        ({"params": {"absolut": 3}}, 422),
        ({"params": {"absolute": 1}}, 409),
        ({"target": {"namespace": "shop", "kind": "Deployment", "name": "no-such"}}, 404),
        ({"target": {"namespace": "shop", "kind": "Secret", "name": "app-00"}}, 422),
        ({"target": {"namespace": "Shop!", "kind": "Deployment", "name": "app-00"}}, 422),
        ({"unknown": True}, 422),
    ],
    ids=lambda case: str(case).replace("/", "-"),
)
def test_a_request_that_makes_no_sense_is_explained(
    running: Running, change: dict[str, Any], status: int
) -> None:
    """Wrong actions, parameters, names and requests without an effect are problem details."""
    answer = running.client("proposer").post("/v1/proposals", json=scaling(an_app()) | change)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_approved_by_its_digest_it_is_applied(running: Running, lab: Lab) -> None:
    """An approval may call the digest `plan_hash`; who it says it acts for is recorded."""
    name = an_app()
    made = proposed(running, name)
    body = {
        "plan_hash": made["digest"],
        "on_behalf_of": "alice@example.com",
        "execution_url": "https://kibana.example.com/run/42",
    }
    approver = running.client("approver")
    answer = approver.post(f"/v1/proposals/{made['id']}/approve", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["approval"]["on_behalf_of"] == "alice@example.com"
    reached(approver, made["id"], "Effective")
    assert lab.simulation.store.get("apps/v1/deployments", "shop", name)["spec"]["replicas"] == 2
    events = approver.get(f"/v1/proposals/{made['id']}/events").json()
    (approval,) = [event for event in events if event["action"] == "approve"]
    assert approval["principal"] == "approver"
    del body["plan_hash"]
    assert approval["data"] == body | {"digest": made["digest"]}
