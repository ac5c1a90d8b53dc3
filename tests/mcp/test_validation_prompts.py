"""The original demo's four validation prompts, as an agent calls the tools for them.

Twice: by an agent that proposes while a person approves, and by one that approves for its user.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from remedyd.lab.world import Lab
from support import plan
from support.agents import HANDSHAKE, Agent
from support.running import TOKENS, Running
from support.ways import quiet, rarely, reached

_SCENARIO = plan.scenario(namespaces=("default", "shop"))
WAYS = [("proposer", "default"), ("approver", "shop")]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster with the four Deployments of the plan, in two namespaces."""
    with Lab(seed=3, speed=60.0, history=timedelta(minutes=1), scenario=_SCENARIO) as started:
        yield started


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon on that cluster."""
    directory = tmp_path_factory.mktemp("daemon")
    with quiet(), Running(lab, directory, audits=(rarely(directory),)) as started:
        yield started


def _live(lab: Lab, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.simulation.store.get("apps/v1/deployments", namespace, name)
    return found


def _carried_out(
    running: Running, role: str, namespace: str, user: str, **asked: Any
) -> dict[str, Any]:
    """Have the agent propose, be approved, follow the change, and return what it can report."""
    agent = Agent(running.url, TOKENS[role], mode=HANDSHAKE)
    made = agent.give("propose", namespace=namespace, on_behalf_of=user, **asked)
    assert made["state"] == "Proposed"
    shown = agent.give("show_proposal", proposal=made["id"])
    assert shown["digest"] in shown["summary"], "the user sees what is approved"
    if role == "proposer":
        assert "approve" not in agent.tools()
        body = {"digest": shown["digest"], "comment": "read and agreed"}
        path = f"/v1/proposals/{made['id']}/approve"
        running.client("approver").post(path, json=body).raise_for_status()
    else:
        agent.give("approve", proposal=made["id"], digest=shown["digest"], on_behalf_of=user)
    reached(running.client("viewer"), made["id"], "Effective")
    return agent.give("show_proposal", proposal=made["id"])


@pytest.mark.parametrize(("role", "namespace"), WAYS)
def test_check_the_status(running: Running, role: str, namespace: str) -> None:
    """ "Check the status of the 'billing-service' deployment": how many pods are ready."""
    agent = Agent(running.url, TOKENS[role], mode=HANDSHAKE)
    standing = agent.give("workload_status", name="billing-service", namespace=namespace)
    assert standing["status"] == "Status: 2/2 pods ready."


@pytest.mark.parametrize(("role", "namespace"), WAYS)
def test_scale_to_four(running: Running, lab: Lab, role: str, namespace: str) -> None:
    """ "Scale the 'frontend' deployment to 4 replicas": the new count, confirmed."""
    ended = _carried_out(
        running, role, namespace, "ann", action="Scale", name="frontend", replicas=4
    )
    assert _live(lab, namespace, "frontend")["spec"]["replicas"] == 4
    agent = Agent(running.url, TOKENS[role])
    standing = agent.give("workload_status", name="frontend", namespace=namespace)
    assert standing["status"] == "Status: 4/4 pods ready."
    assert ended["verdict"].startswith("Effective")


@pytest.mark.parametrize(("role", "namespace"), WAYS)
def test_set_the_memory_limit(running: Running, lab: Lab, role: str, namespace: str) -> None:
    """ "The backend is crashing. Set its memory limit to 512Mi": that limit and nothing else."""
    before = _live(lab, namespace, "backend")["spec"]["template"]["spec"]["containers"][0]
    _carried_out(
        running, role, namespace, "ann",
        action="UpdateResources", name="backend", memory_limit="512Mi", comment="it crashes",
    )  # fmt: skip
    after = _live(lab, namespace, "backend")["spec"]["template"]["spec"]["containers"][0]
    assert after["resources"]["limits"] == {**before["resources"]["limits"], "memory": "512Mi"}
    assert after["image"] == before["image"]


@pytest.mark.parametrize(("role", "namespace"), WAYS)
def test_restart_rolling(running: Running, lab: Lab, role: str, namespace: str) -> None:
    """ "Perform a rolling restart of the 'auth-api' service": the annotation, and new pods."""
    ended = _carried_out(running, role, namespace, "ann", action="Restart", name="auth-api")
    annotations = _live(lab, namespace, "auth-api")["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in annotations
    explained = Agent(running.url, TOKENS[role]).give("explain", proposal=ended["id"])
    assert [each["state"] for each in explained["history"]][:4] == [
        "Proposed",
        "Approved",
        "Applying",
        "Applied",
    ]
    assert explained["history"][0]["principal"] == role


def test_what_is_done_is_not_proposed_again(running: Running) -> None:
    """Asked for the same once more, the agent learns that there is nothing to change."""
    agent = Agent(running.url, TOKENS["proposer"])
    told = agent.refused("propose", action="Scale", name="billing-service", namespace="default",
                         replicas=2)  # fmt: skip
    assert told.startswith("NoChange:")
