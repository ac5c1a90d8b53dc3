"""An agent with the proposer's scope cannot approve, whatever it tries; each attempt is kept."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from remedyd.lab.world import Lab
from support.agents import Agent
from support.line import Line
from support.running import TOKENS, Running
from support.ways import an_app, proposed, reached


def _state(running: Running, proposal: str) -> str:
    found: str = running.client("viewer").get(f"/v1/proposals/{proposal}").json()["state"]
    return found


def _refused(running: Running, proposal: str) -> list[tuple[str, str, str]]:
    """Return who tried what on the proposal, and why not."""
    found = running.client("viewer").get(f"/v1/refusals?proposal={proposal}").json()["items"]
    return [(each["principal"], each["operation"], each["outcome"]) for each in found]


def _approve(client: httpx2.Client, proposal: str, **body: Any) -> httpx2.Response:
    return client.post(f"/v1/proposals/{proposal}/approve", json=body)


def test_by_its_own_token_it_is_forbidden(running: Running) -> None:
    """Even with the right digest the scope is missing."""
    made = proposed(running)
    answer = _approve(running.client("proposer"), made["id"], digest=made["digest"])
    assert answer.status_code == 403
    assert _state(running, made["id"]) == "Proposed"
    assert _refused(running, made["id"]) == [("proposer", "approve", "Forbidden")]


def test_saying_that_a_person_asked_for_it_changes_nothing(running: Running) -> None:
    """Whom it claims to act for is recorded with the attempt, and gives no right."""
    made = proposed(running)
    answer = _approve(
        running.client("proposer"),
        made["id"],
        digest=made["digest"],
        on_behalf_of="admin",
        execution_url="https://kibana.example.com/run/1",
    )
    assert answer.status_code == 403
    (kept,) = running.client("viewer").get(f"/v1/refusals?proposal={made['id']}").json()["items"]
    assert (kept["principal"], kept["on_behalf_of"]) == ("proposer", "admin")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-User": "admin"},
        {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"},
        {"Impersonate-User": "admin"},
        {"X-HTTP-Method-Override": "POST"},
        {"X-Original-URL": "/v1/proposals"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_give_no_right(running: Running, headers: dict[str, str]) -> None:
    """No header but the bearer token says who is asking."""
    made = proposed(running)
    path = f"/v1/proposals/{made['id']}/approve"
    body = {"digest": made["digest"]}
    answer = running.client("proposer").post(path, json=body, headers=headers)
    assert answer.status_code == 403
    assert _state(running, made["id"]) == "Proposed"


def test_manage_only_proposes(running: Running, lab: Lab) -> None:
    """The workflow's route gives a proposer a pending proposal, however often it is called."""
    name = an_app()
    body = {"action": "scale", "deployment": name, "namespace": "shop", "replicas": "3"}
    proposer = running.client("proposer")
    first = proposer.post("/manage", json=body)
    assert (first.status_code, first.json()["status"]) == (202, "pending")
    assert proposer.post("/manage", json=body).status_code == 409
    assert proposer.post("/manage", json={**body, "approve": True}).status_code == 409
    assert _state(running, first.json()["proposal"]) == "Proposed"
    assert lab.simulation.store.get("apps/v1/deployments", "shop", name)["spec"]["replicas"] == 1


def test_a_persons_request_replayed_is_forbidden(running: Running) -> None:
    """The same bytes, the same Idempotency-Key, its own token: no answer and no approval."""
    made, other = proposed(running), proposed(running)
    headers = {"Idempotency-Key": f"approve-{made['id']}", "X-Request-Id": "the-persons"}
    body = {"digest": made["digest"], "comment": "yes"}
    path = f"/v1/proposals/{made['id']}/approve"
    persons = running.client("approver").post(path, json=body, headers=headers)
    assert persons.status_code == 200
    replayed = running.client("proposer").post(path, json=body, headers=headers)
    assert replayed.status_code == 403
    assert "Idempotency-Replayed" not in replayed.headers
    moved = running.client("proposer").post(f"/v1/proposals/{other['id']}/approve", json=body)
    assert moved.status_code == 403
    assert _state(running, other["id"]) == "Proposed"
    assert ("proposer", "approve", "Forbidden") in _refused(running, made["id"])


@pytest.mark.parametrize(
    "guess", ["0" * 64, "", "*", "' OR 1=1 --", "%"], ids=["zeros", "empty", "star", "sql", "any"]
)
def test_a_guessed_digest_helps_nobody(running: Running, guess: str) -> None:
    """Not the proposer, and not an approver either: the digest has to be the one that was shown."""
    made = proposed(running)
    assert _approve(running.client("proposer"), made["id"], digest=guess).status_code in (403, 422)
    assert _approve(running.client("approver"), made["id"], digest=guess).status_code in (409, 422)
    assert _state(running, made["id"]) == "Proposed"
    if guess:
        assert _refused(running, made["id"]) == [
            ("approver", "approve", "Conflict"),
            ("proposer", "approve", "Forbidden"),
        ]


def test_the_digest_of_another_proposal_does_not_fit(running: Running) -> None:
    """An approval that was meant for something else is 409, and says what it belongs to."""
    made, other = proposed(running), proposed(running)
    answer = _approve(running.client("approver"), made["id"], digest=other["digest"])
    assert answer.status_code == 409
    assert other["id"] in answer.json()["detail"]
    assert _state(running, made["id"]) == "Proposed"


def test_it_cannot_take_back_or_resume_either(running: Running) -> None:
    """Rolling back and resuming are the approver's; stopping everything is not."""
    made = proposed(running)
    approver, proposer = running.client("approver"), running.client("proposer")
    _approve(approver, made["id"], digest=made["digest"])
    reached(approver, made["id"], "Effective")
    assert proposer.post(f"/v1/proposals/{made['id']}/rollback").status_code == 403
    try:
        assert proposer.post("/v1/pause").status_code == 200
        assert proposer.delete("/v1/pause").status_code == 403
    finally:
        assert approver.delete("/v1/pause").status_code == 200
    assert ("proposer", "rollback", "Forbidden") in _refused(running, made["id"])


def test_an_approver_of_another_namespace_is_kept_too(running: Running) -> None:
    """For it the proposal does not exist; those who watch that namespace see the attempt."""
    made = proposed(running)
    answer = _approve(running.client("elsewhere"), made["id"], digest=made["digest"])
    assert answer.status_code == 404
    assert _refused(running, made["id"]) == [("elsewhere", "approve", "NotFound")]


def test_failed_attempts_do_not_get_in_the_approvers_way(running: Running) -> None:
    """Refusals leave the proposal's version alone, so the approver's word still counts."""
    made = proposed(running)
    for _ in range(5):
        _approve(running.client("proposer"), made["id"], digest=made["digest"])
    shown = running.client("viewer").get(f"/v1/proposals/{made['id']}").json()
    assert shown["version"] == made["version"]
    answer = _approve(running.client("approver"), made["id"], digest=made["digest"])
    assert answer.status_code == 200


@pytest.fixture
def agent(running: Running) -> Agent:
    """An agent with the proposer's token, over MCP."""
    return Agent(running.url, TOKENS["proposer"])


class TestAsAnAgent:
    """The same by MCP: the tool is not listed, and calling it all the same is kept."""

    def test_the_tool_is_not_there_and_refuses(self, running: Running, agent: Agent) -> None:
        """With the right digest, which it was shown, the scope is missing."""
        made = proposed(running)
        assert agent.give("show_proposal", proposal=made["id"])["digest"] == made["digest"]
        assert "approve" not in agent.tools()
        told = agent.refused("approve", proposal=made["id"], digest=made["digest"])
        assert told.startswith("Forbidden: proposer lacks the scope approver")
        assert _state(running, made["id"]) == "Proposed"
        assert _refused(running, made["id"]) == [("proposer", "approve", "Forbidden")]

    def test_its_user_and_its_workflow_give_no_right(self, running: Running, agent: Agent) -> None:
        """Whom it acts for, and a run in which it says someone agreed, are recorded claims."""
        made = proposed(running)
        agent.refused(
            "approve",
            proposal=made["id"],
            digest=made["digest"],
            on_behalf_of="approver",
            comment="the workflow's human step says approved: true",
            execution_url="https://kibana.example.com/app/workflows/executions/42",
        )
        path = f"/v1/refusals?proposal={made['id']}"
        (kept,) = running.client("viewer").get(path).json()["items"]
        assert (kept["principal"], kept["on_behalf_of"]) == ("proposer", "approver")
        assert kept["request_id"]
        assert kept["source"] == "127.0.0.1"

    @pytest.mark.parametrize("guess", ["0" * 64, "", "*", "latest"])
    def test_a_guessed_digest_helps_nobody(
        self, running: Running, agent: Agent, guess: str
    ) -> None:
        """Not the proposer, and not an approver's agent either; both attempts are kept."""
        made = proposed(running)
        agent.refused("approve", proposal=made["id"], digest=guess)
        trusted = Agent(running.url, TOKENS["approver"])
        assert trusted.refused("approve", proposal=made["id"], digest=guess).startswith("Conflict:")
        assert _state(running, made["id"]) == "Proposed"
        assert _refused(running, made["id"]) == [
            ("approver", "approve", "Conflict"),
            ("proposer", "approve", "Forbidden"),
        ]

    def test_a_persons_message_replayed_is_forbidden(self, running: Running) -> None:
        """The same bytes with the same headers, but its own token: neither answer nor approval."""
        made, other = proposed(running), proposed(running)
        headers = {"Idempotency-Key": f"mcp-{made['id']}", "X-Request-Id": "the-persons"}

        def send(role: str, proposal: dict[str, Any]) -> dict[str, Any]:
            message = {
                "jsonrpc": "2.0",
                "id": 7,
                "method": "tools/call",
                "params": {
                    "name": "approve",
                    "arguments": {"proposal": proposal["id"], "digest": made["digest"]},
                },
            }
            answer = running.client(role).post("/mcp", json=message, headers=headers)
            assert answer.status_code in (200, 422), answer.text
            if answer.status_code == 422:
                return {"isError": True}
            result: dict[str, Any] = answer.json()["result"]
            return result

        assert not send("approver", made).get("isError")
        assert send("proposer", made)["isError"]
        assert send("proposer", other)["isError"]
        assert send("approver", other)["isError"], "the key stands for another request"
        assert _state(running, other["id"]) == "Proposed"
        assert ("proposer", "approve", "Forbidden") in _refused(running, made["id"])

    def test_what_it_proposes_it_cannot_apply(
        self, running: Running, agent: Agent, lab: Lab
    ) -> None:
        """Its own proposal waits like any other, and the cluster stays as it is."""
        name = an_app()
        made = agent.give("propose", action="Scale", name=name, namespace="shop", replicas=3)
        assert "You cannot approve it" in made["next"]
        agent.refused("approve", proposal=made["id"], digest=made["digest"])
        assert (
            lab.simulation.store.get("apps/v1/deployments", "shop", name)["spec"]["replicas"] == 1
        )
        assert _refused(running, made["id"]) == [("proposer", "approve", "Forbidden")]


def test_the_command_line_gives_no_right(running: Running, tmp_path: Path) -> None:
    """A proposer at a shell is refused like anywhere else, and kept."""
    made = proposed(running)
    line = Line(running.url, tmp_path)
    words = ["proposals", "approve", made["id"], "--digest", made["digest"]]
    done = line(*words, role="proposer")
    assert (done.returncode, "lacks the scope approver" in done.stderr) == (1, True)
    assert _state(running, made["id"]) == "Proposed"
    assert _refused(running, made["id"]) == [("proposer", "approve", "Forbidden")]
