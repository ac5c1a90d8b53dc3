"""The agent that is installed works with a real daemon: it proposes, and approves if it may."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remedyd.elastic.kibana.call import Secret
from remedyd.elastic.kibana.client import Kibana
from remedyd.elastic.kibana.installer import Installer
from remedyd.elastic.kibana.stack import named
from remedyd.elastic.kibana.tools import APPROVE, MANAGE
from remedyd.elastic.kibana.wanted import Wanted
from remedyd.lab.world import Lab
from support.agentbuilder import AgentBuilder, Denied
from support.kibana import KEY, FakeKibana, fake_kibana
from support.running import TOKENS, Running

RELEASES = {"9.4.2": "first", "9.5.1": "second", "9.6.0": "third"}
Installed = Callable[..., AgentBuilder]


@pytest.fixture(params=RELEASES)
def kibana(request: pytest.FixtureRequest) -> Iterator[FakeKibana]:
    with fake_kibana(version=request.param) as fake:
        yield fake


@pytest.fixture
def installed(kibana: FakeKibana, running: Running) -> Installed:
    """Return a maker of agents by scope, each over a fresh installation."""

    def make(scope: str, user: Callable[[str], bool | None] = lambda asked: True) -> AgentBuilder:
        approver = Secret("a", TOKENS["approver"]) if scope == "approver" else None
        proposer = Secret("p", TOKENS["proposer"])
        stack = named(".".join(kibana.version.split(".")[:2]))
        wire = Kibana(kibana.url, Secret("k", KEY))
        Installer(wire, lambda text: None).install(Wanted(running.url, stack, proposer, approver))
        wire.close()
        return AgentBuilder(kibana, user)

    return make


def replicas(lab: Lab, name: str) -> int:
    found = lab.simulation.store.get("apps/v1/deployments", "default", name)
    return int(found["spec"]["replicas"])


def state(running: Running, proposal: str) -> dict[str, Any]:
    found: dict[str, Any] = running.client("viewer").get(f"/v1/proposals/{proposal}").json()
    return found


def end(running: Running, proposal: str) -> None:
    running.client("approver").post(f"/v1/proposals/{proposal}/reject", json={})


def proposed(agent: AgentBuilder, name: str) -> dict[str, Any]:
    """Look first, propose, and return what is shown to the user."""
    status = agent.call("remedyd.workload_status", name=name, namespace="default")
    assert "pods ready" in status["status"]
    made = agent.call("remedyd.propose", action="Scale", name=name, namespace="default", replicas=4)
    shown: dict[str, Any] = agent.call("remedyd.show_proposal", proposal=made["id"])
    assert shown["digest"] in shown["summary"]
    return shown


def approve(agent: AgentBuilder, shown: dict[str, Any]) -> Any:
    """Call the approving tool with the arguments that this release's has."""
    if agent.kibana.at_least(9, 6):
        return agent.call(
            APPROVE, proposal=shown["id"], digest=shown["digest"], on_behalf_of="lee@example.com"
        )
    return agent.call(APPROVE, proposal_id=shown["id"], digest=shown["digest"])


def test_with_its_users_yes_an_approver_has_the_change_made(
    kibana: FakeKibana, installed: Installed, running: Running, lab: Lab
) -> None:
    """The summary, one question to the user, the digest: then the change is in the cluster."""
    name = RELEASES[kibana.version]
    agent = installed("approver")
    shown = proposed(agent, name)
    approve(agent, shown)
    assert len(agent.asked) == 1
    after = state(running, shown["id"])
    while after["state"] in ("Approved", "Applying"):
        wait = {"wait": 10, "version": after["version"]}
        after = running.client("viewer").get(f"/v1/proposals/{shown['id']}", params=wait).json()
    assert replicas(lab, name) == 4
    assert after["approval"]["principal"] == "approver"
    assert after["approval"]["on_behalf_of"] == "lee@example.com"
    assert after["requested_by"] == "proposer"


def test_with_its_users_no_nothing_is_made(
    kibana: FakeKibana, installed: Installed, running: Running, lab: Lab
) -> None:
    """A denied call approves nothing; a no in the workflow ends the proposal."""
    agent = installed("approver", lambda asked: False)
    shown = proposed(agent, "billing-service")
    if kibana.at_least(9, 6):
        with pytest.raises(Denied):
            approve(agent, shown)
        assert state(running, shown["id"])["state"] == "Proposed"
    else:
        approve(agent, shown)
        assert state(running, shown["id"])["state"] == "Rejected"
    assert replicas(lab, "billing-service") == 2
    end(running, shown["id"])


def test_a_proposers_agent_has_nothing_to_approve_with(
    kibana: FakeKibana, installed: Installed, running: Running, lab: Lab
) -> None:
    """Neither the tool nor the workflow, nor its connector with a call of its own making."""
    agent = installed("proposer")
    shown = proposed(agent, "billing-service")
    with pytest.raises(KeyError):
        approve(agent, shown)
    with pytest.raises(KeyError):
        agent.workflow("remedyd-approve", proposal_id=shown["id"], digest=shown["digest"])
    for connector in kibana.connectors.values():
        assert TOKENS["approver"] not in str(connector["secrets"])
    run = agent.call(MANAGE, action="restart", deployment_name="auth-api", namespace="default")
    assert run.steps["call_remedyd"]["output"]["status"] == 202
    end(running, run.steps["call_remedyd"]["output"]["data"]["proposal"])
    assert state(running, shown["id"])["state"] == "Proposed"
    agent.call("remedyd.reject", proposal=shown["id"], reason="not now")
    assert state(running, shown["id"])["state"] == "Rejected"
    assert replicas(lab, "billing-service") == 2


def test_an_approvers_agent_applies_nothing_by_managing(
    installed: Installed, running: Running, lab: Lab
) -> None:
    """The managing workflow holds the proposer's token: what it asks for waits for the digest."""
    agent = installed("approver")
    run = agent.call(
        MANAGE,
        action="scale",
        deployment_name="billing-service",
        namespace="default",
        desired_replicas=5,
    )
    told = run.steps["call_remedyd"]["output"]
    assert (told["status"], told["data"]["status"]) == (202, "pending")
    assert replicas(lab, "billing-service") == 2
    end(running, told["data"]["proposal"])


def test_the_agent_sees_no_secret(installed: Installed) -> None:
    """Neither its instructions nor its tools nor the workflows hold a token."""
    seen = installed("approver").secrets()
    assert TOKENS["proposer"] not in seen
    assert TOKENS["approver"] not in seen
