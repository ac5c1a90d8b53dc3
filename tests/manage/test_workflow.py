"""`POST /manage` does what the original bridge did, with the workflow's own body."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from remedyd.lab.world import Lab
from support import plan
from support.running import Running

SCENARIO = plan.scenario(also=[plan.deployment("with-sidecar", sidecar=True)])

# The workflow's http step: every value is rendered text, whatever its type.
BODY = """{
    "action": "{{ inputs.action }}",
    "deployment": "{{ inputs.deployment_name }}",
    "namespace": "{{ inputs.namespace }}",
    "replicas": "{{ inputs.desired_replicas }}",
    "memory_limit": "{{ inputs.memory_limit }}"
}"""
DEFAULTS = {
    "action": "status",
    "deployment_name": "my-service",
    "desired_replicas": 1,
    "memory_limit": "256Mi",
    "namespace": "default",
}


def rendered(**inputs: object) -> dict[str, Any]:
    values = DEFAULTS | inputs
    text = re.sub(r"\{\{ inputs\.(\w+) \}\}", lambda m: str(values[m[1]]), BODY)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster with the four Deployments of the validation plan."""
    with Lab(seed=3, speed=120.0, history=timedelta(minutes=1), scenario=SCENARIO) as started:
        yield started


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon on that cluster."""
    with Running(lab, tmp_path_factory.mktemp("daemon")) as started:
        yield started


def deployment(lab: Lab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.simulation.store.get("apps/v1/deployments", "default", name)
    return found


def patches(lab: Lab, name: str) -> list[Any]:
    return [
        request
        for request in lab.apiserver.requests
        if request.method == "PATCH"
        and request.path.endswith(f"/deployments/{name}")
        and "dryRun" not in str(request.query)
    ]


def test_status_tells_how_many_pods_are_ready(running: Running) -> None:
    """The status check answers in the bridge's words."""
    body = rendered(action="status", deployment_name="billing-service")
    answer = running.client("viewer").post("/manage", json=body)
    assert answer.status_code == 200
    assert answer.json() == {"status": "success", "message": "Status: 2/2 pods ready."}


def test_scale_sets_the_replicas(running: Running, lab: Lab) -> None:
    """Replicas given as text reach the Deployment as a number, in one write."""
    body = rendered(action="scale", deployment_name="frontend", desired_replicas=4)
    answer = running.client("approver").post("/manage", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == ("Horizontal scaling applied: 'frontend' set to 4 replicas.")
    assert deployment(lab, "frontend")["spec"]["replicas"] == 4
    assert len(patches(lab, "frontend")) == 1


def test_memory_tuning_patches_the_limit(running: Running, lab: Lab) -> None:
    """The first container's memory limit changes and nothing else of it."""
    before = deployment(lab, "backend")["spec"]["template"]["spec"]["containers"][0]
    body = rendered(action="update_resources", deployment_name="backend", memory_limit="512Mi")
    answer = running.client("approver").post("/manage", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == (
        "Vertical scaling applied: 'backend' memory updated to 512Mi."
    )
    after = deployment(lab, "backend")["spec"]["template"]["spec"]["containers"][0]
    assert after["resources"]["limits"]["memory"] == "512Mi"
    before["resources"]["limits"]["memory"] = "512Mi"
    assert after == before


def test_memory_tuning_of_several_containers_takes_the_first(running: Running, lab: Lab) -> None:
    """As the bridge did: the body has no place for a container's name."""
    body = rendered(action="update_resources", deployment_name="with-sidecar", memory_limit="512Mi")
    answer = running.client("approver").post("/manage", json=body)
    assert answer.status_code == 200, answer.text
    first, second = deployment(lab, "with-sidecar")["spec"]["template"]["spec"]["containers"]
    assert first["resources"]["limits"]["memory"] == "512Mi"
    assert second["resources"].get("limits", {}).get("memory") != "512Mi"


def test_restart_rolls_the_pods(running: Running, lab: Lab) -> None:
    """A rolling restart sets the restartedAt annotation that kubectl uses."""
    body = rendered(action="restart", deployment_name="auth-api")
    answer = running.client("approver").post("/manage", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == "Rollout restart triggered for 'auth-api'."
    template = deployment(lab, "auth-api")["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]


def test_a_proposer_gets_a_proposal_and_nothing_is_written(running: Running, lab: Lab) -> None:
    """With a proposer's token the change waits for an approver."""
    before = deployment(lab, "billing-service")["spec"]
    body = rendered(action="scale", deployment_name="billing-service", desired_replicas=3)
    answer = running.client("proposer").post("/manage", json=body)
    assert answer.status_code == 202
    assert deployment(lab, "billing-service")["spec"] == before
    proposal = running.client("viewer").get(f"/v1/proposals/{answer.json()['proposal']}").json()
    assert (proposal["state"], proposal["digest"]) == ("Proposed", answer.json()["digest"])


def test_asking_for_what_is_already_so_changes_nothing(running: Running) -> None:
    """Scaling to the present number is a success without a write."""
    body = rendered(action="scale", deployment_name="billing-service", desired_replicas=2)
    answer = running.client("approver").post("/manage", json=body)
    assert (answer.status_code, answer.json()["status"]) == (200, "success")


@pytest.mark.parametrize("role", ["", "wrong"])
def test_a_wrong_token_is_refused(running: Running, role: str) -> None:
    """Without a valid token nothing is answered."""
    answer = running.client(role).post("/manage", json=rendered())
    assert answer.status_code == 401


def test_a_viewer_may_not_change(running: Running) -> None:
    """A viewer reads the status but asks for no change."""
    body = rendered(action="restart", deployment_name="auth-api")
    assert running.client("viewer").post("/manage", json=body).status_code == 403


def test_another_namespace_is_out_of_reach(running: Running) -> None:
    """A token limited to other namespaces reads and writes nothing here."""
    for action in ("status", "restart"):
        body = rendered(action=action, deployment_name="auth-api")
        assert running.client("elsewhere").post("/manage", json=body).status_code == 403


def test_an_unknown_deployment_is_not_found(running: Running) -> None:
    """The answer names what is missing."""
    for action in ("status", "restart"):
        body = rendered(action=action, deployment_name="nothing-here")
        answer = running.client("approver").post("/manage", json=body)
        assert answer.status_code == 404
        assert "nothing-here" in answer.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "delete"},
        {"action": "scale", "desired_replicas": "-1"},
        {"action": "scale", "desired_replicas": "four"},
        {"action": "scale", "desired_replicas": ""},
        {"action": "scale", "desired_replicas": "99999999999"},
        {"action": "update_resources", "memory_limit": "lots"},
        {"action": "update_resources", "memory_limit": ""},
        {"action": "update_resources", "memory_limit": "1Mi"},
        {"action": "status", "deployment_name": "../secrets"},
        {"action": "status", "namespace": "Not A Name"},
    ],
    ids=lambda change: "-".join(str(value) for value in change.values()),
)
def test_a_bad_value_is_explained(running: Running, change: dict[str, object]) -> None:
    """A value that makes no sense is 422 with problem details, never a 500."""
    body = rendered(**({"deployment_name": "billing-service"} | change))
    answer = running.client("approver").post("/manage", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "replicas", [True, False, 1.5, [3], {"n": 3}, "1_0", "+3", "\uff13", "1e1", "NaN"], ids=repr
)
def test_only_a_plain_whole_number_is_a_number_of_replicas(
    running: Running, lab: Lab, replicas: object
) -> None:
    """What merely converts to a number (`true`, `1_0`, a full-width digit) scales nothing."""
    before = deployment(lab, "auth-api")["spec"]["replicas"]
    body = rendered(deployment_name="auth-api", action="scale") | {"replicas": replicas}
    answer = running.client("approver").post("/manage", json=body)
    assert answer.status_code == 422, answer.text
    assert "whole number" in answer.json()["detail"]
    assert deployment(lab, "auth-api")["spec"]["replicas"] == before


def test_a_body_that_is_not_json_is_explained(running: Running) -> None:
    """Garbage is 422, not a traceback."""
    headers = {"Content-Type": "application/json"}
    answer = running.client("approver").post("/manage", content=b"{nope", headers=headers)
    assert answer.status_code == 422
    assert "Traceback" not in answer.text


def test_every_change_leaves_a_history(running: Running) -> None:
    """What /manage did is a proposal with its events, like any other."""
    body = rendered(action="scale", deployment_name="backend", desired_replicas=3)
    proposal = running.client("approver").post("/manage", json=body).json()["proposal"]
    events = running.client("viewer").get(f"/v1/proposals/{proposal}/events").json()
    assert [e["state"] for e in events][:4] == ["Proposed", "Approved", "Applying", "Applied"]
    assert {e["principal"] for e in events[:2]} == {"approver"}
