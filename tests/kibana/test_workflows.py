"""The original workflow and the shipped ones drive a real daemon, each rendered as Kibana does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from remedyd.elastic.kibana.wanted import HTTP, HTTP_APPROVER
from remedyd.elastic.kibana.workflows import NAMES, text
from remedyd.lab.world import Lab
from support.running import TOKENS, Running
from support.workflows import Connector, Workflow

FORMS = ("9.4", "9.5")
ORIGINAL = (Path(__file__).parent / "original_workflow.yaml").read_text()


def connector(running: Running, role: str) -> Connector:
    return Connector(running.url, {"Authorization": f"Bearer {TOKENS[role]}"})


def shipped(running: Running, name: str, form: str, answer: Any = None) -> Workflow:
    """Return a shipped workflow with the connectors that the installer makes."""
    held = {HTTP: connector(running, "proposer"), HTTP_APPROVER: connector(running, "approver")}
    return Workflow(text(name, form), held, lambda message: answer)


def original(running: Running, role: str) -> Workflow:
    return Workflow(ORIGINAL.replace("@URL@", running.url).replace("@TOKEN@", TOKENS[role]))


def deployment(lab: Lab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.simulation.store.get("apps/v1/deployments", "default", name)
    return found["spec"]  # type: ignore[no-any-return]


def test_the_validation_plan_through_the_original_workflow(running: Running, lab: Lab) -> None:
    """Status, scale, memory and restart, as the demo's agent called them, word for word."""
    workflow = original(running, "approver")
    run = workflow.run(deployment_name="billing-service")
    assert run.lines[1] == "Bridge response: Status: 2/2 pods ready."
    run = workflow.run(action="scale", deployment_name="frontend", desired_replicas=4)
    assert "'frontend' set to 4 replicas" in run.lines[1]
    assert run.lines[2] == "Workflow finished with HTTP status 200."
    assert deployment(lab, "frontend")["replicas"] == 4
    run = workflow.run(action="update_resources", deployment_name="backend", memory_limit="512Mi")
    assert not run.failed
    container = deployment(lab, "backend")["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["memory"] == "512Mi"
    assert not workflow.run(action="restart", deployment_name="auth-api").failed
    annotations = deployment(lab, "auth-api")["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in annotations


def test_the_original_workflow_with_a_proposers_token_changes_nothing(
    running: Running, lab: Lab
) -> None:
    """The same call becomes a proposal, and the workflow says so."""
    run = original(running, "proposer").run(
        action="scale", deployment_name="search", desired_replicas=5
    )
    assert "waiting for an approver" in run.lines[1]
    assert deployment(lab, "search")["replicas"] == 2
    proposal = run.steps["call_bridge"]["output"]["data"]["proposal"]
    running.client("approver").post(f"/v1/proposals/{proposal}/reject", json={})


@pytest.mark.parametrize("form", FORMS)
def test_managing_reads_and_proposes(running: Running, lab: Lab, form: str) -> None:
    """Status is answered; a change becomes a proposal and is said to wait."""
    workflow = shipped(running, "manage", form)
    told = workflow.run(action="status", deployment_name="search", namespace="default")
    assert told.lines[-1].startswith("success: Status: 2/2 pods ready.")
    run = workflow.run(
        action="scale", deployment_name="search", namespace="default", desired_replicas=3
    )
    assert not run.failed
    proposal = run.steps["call_remedyd"]["output"]["data"]["proposal"]
    assert run.lines[-1].endswith(proposal)
    assert deployment(lab, "search")["replicas"] == 2
    running.client("approver").post(f"/v1/proposals/{proposal}/reject", json={})


@pytest.mark.parametrize("form", FORMS)
def test_a_half_filled_call_changes_nothing(running: Running, form: str) -> None:
    """No amount is invented: the refusal and what to do about it are the run's outcome."""
    run = shipped(running, "manage", form).run(
        action="update_resources", deployment_name="search", namespace="default"
    )
    assert run.failed.startswith("remedyd refused: memory_limit: this action needs")
    run = shipped(running, "manage", form).run(
        action="scale", deployment_name="nothing", namespace="default", desired_replicas=2
    )
    assert "nothing" in run.failed


@pytest.mark.parametrize("form", FORMS)
def test_the_inputs_have_no_harmful_default(form: str) -> None:
    """What is needed is asked for; nothing else is filled in."""
    workflow = Workflow(text("manage", form))
    assert [one["name"] for one in workflow.inputs() if one["required"]] == [
        "action", "deployment_name", "namespace",
    ]  # fmt: skip
    assert not any("default" in one for one in workflow.inputs())
    with pytest.raises(AssertionError, match="explode"):
        workflow.run(action="explode", deployment_name="a", namespace="b")


def proposed(running: Running, name: str, replicas: int) -> dict[str, Any]:
    body = {"action": "scale", "deployment": name, "replicas": replicas}
    made = running.client("proposer").post("/manage", json=body).json()
    found: dict[str, Any] = running.client("viewer").get(f"/v1/proposals/{made['proposal']}").json()
    return found


@pytest.mark.parametrize("form", FORMS)
def test_a_person_approves_what_was_shown(running: Running, lab: Lab, form: str) -> None:
    """The summary is shown, the digest approved, and who answered is recorded as said."""
    name = "first" if form == "9.4" else "second"
    proposal = proposed(running, name, 3)
    run = shipped(running, "approve", form, answer=True).run(
        proposal_id=proposal["id"], digest=proposal["digest"]
    )
    assert not run.failed
    assert proposal["digest"] in run.asked[0]
    assert "Scale" in run.asked[0]
    client = running.client("viewer")
    after = client.get(f"/v1/proposals/{proposal['id']}").json()
    assert after["approval"]["principal"] == "approver"
    assert after["approval"]["on_behalf_of"] == "lee@example.com"
    events = client.get(f"/v1/proposals/{proposal['id']}/events").json()
    said = next(e["data"] for e in events if e["action"] == "approve")
    assert said["execution_url"] == "https://kibana.example/app/workflows/run"
    while after["state"] in ("Approved", "Applying"):
        wait = {"wait": 10, "version": after["version"]}
        after = client.get(f"/v1/proposals/{proposal['id']}", params=wait).json()
    assert deployment(lab, name)["replicas"] == 3


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("answer", [False, None])
def test_without_a_yes_nothing_is_approved(
    running: Running, lab: Lab, form: str, answer: Any
) -> None:
    """A no rejects the proposal; no answer leaves it to expire."""
    proposal = proposed(running, "billing-service", 3)
    run = shipped(running, "approve", form, answer=answer).run(
        proposal_id=proposal["id"], digest=proposal["digest"]
    )
    assert "approve" not in run.steps
    after = running.client("viewer").get(f"/v1/proposals/{proposal['id']}").json()
    assert after["state"] == ("Rejected" if answer is False else "Proposed")
    assert deployment(lab, "billing-service")["replicas"] == 2
    running.client("approver").post(f"/v1/proposals/{proposal['id']}/reject", json={})


@pytest.mark.parametrize("form", FORMS)
def test_another_digest_approves_nothing(running: Running, lab: Lab, form: str) -> None:
    """A yes counts for what is stored, not for what an agent passed on."""
    proposal = proposed(running, "billing-service", 4)
    run = shipped(running, "approve", form, answer=True).run(
        proposal_id=proposal["id"], digest="0" * 64
    )
    assert run.failed == "HTTP 409"
    assert deployment(lab, "billing-service")["replicas"] == 2
    running.client("approver").post(f"/v1/proposals/{proposal['id']}/reject", json={})


def test_a_proposers_token_in_the_approving_workflow_is_refused(running: Running) -> None:
    """Who answers the workflow does not matter: the connector's token has no such right."""
    proposal = proposed(running, "billing-service", 5)
    workflow = Workflow(
        text("approve", "9.5"),
        {HTTP_APPROVER: connector(running, "proposer")},
        lambda message: True,
    )
    run = workflow.run(proposal_id=proposal["id"], digest=proposal["digest"])
    assert run.failed == "HTTP 403"
    refusals = running.client("viewer").get(f"/v1/refusals?proposal={proposal['id']}").json()
    assert "Forbidden" in str(refusals)
    running.client("approver").post(f"/v1/proposals/{proposal['id']}/reject", json={})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["audit-scheduled", "audit-on-alert"])
def test_audits_are_run_and_told(running: Running, form: str, name: str) -> None:
    """Each audit's outcome, and how much waits for a decision."""
    event = {"rule": {"name": "memory"}, "alerts": [{"id": "1"}]}
    run = shipped(running, name, form).run(event)
    assert not run.failed
    assert any(line.startswith("container-memory: ") for line in run.lines)
    assert run.lines[-1].startswith("waiting for a decision: ")


@pytest.mark.parametrize("name", NAMES)
def test_the_forms_differ_as_the_releases_do(name: str) -> None:
    """Inputs under the trigger and approvals with 9.5; before, inputs on top and a form."""
    old, new = (yaml.safe_load(text(name, form)) for form in FORMS)
    trigger = next((t for t in new["triggers"] if "inputs" in t), {})
    assert trigger.pop("inputs", None) == old.pop("inputs", None)
    for steps in (old["steps"], new["steps"]):
        for step in steps:
            if step["name"] in ("decide", "approve", "reject"):
                for key in ("type", "timeout", "if", "with"):
                    step.pop(key, None)
    assert old == new
