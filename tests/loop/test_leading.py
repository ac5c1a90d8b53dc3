"""Of several daemons on one store only the leader acts; the others answer and take over."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from remedyd.app import App
from remedyd.errors import ConfigurationError
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic
from support.running import Running

SCENARIO = Scenario(
    workloads=(WorkloadSpec("shop", "cart", "registry.example.com/cart:1", "40Mi", "20m", 2),),
    namespaces=("default", "kube-system", "shop"),
)
BODY = {
    "target": {"namespace": "shop", "kind": "Deployment", "name": "cart"},
    "action": "Scale",
    "params": {"absolute": 3},
}
LEASES = "coordination.k8s.io/v1/leases"
OPEN = ("Proposed", "Approved", "Applying")


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A cluster with one workload."""
    with Lab(seed=7, speed=20.0, scenario=SCENARIO) as made:
        yield made


def written(lab: Lab) -> int:
    """Count the writes to workloads that landed."""
    return sum(
        one.method == "PATCH" and "dryRun" not in one.query and "deployments" in one.path
        and one.user_agent.startswith("remedyd")
        for one in lab.apiserver.requests
    )  # fmt: skip


def holder(lab: Lab) -> str:
    """Return who holds the Lease, "" when nobody does."""
    lease = lab.apiserver.store.peek(LEASES, "default", "remedyd") or {"spec": {}}
    return str(lease["spec"].get("holderIdentity") or "")


def moved_on(client: httpx2.Client, proposal: str) -> dict[str, Any]:
    """Wait until somebody has acted on an approved proposal, at most 20 s."""
    until, pause = monotonic() + 20, threading.Event()
    found: dict[str, Any] = client.get(f"/v1/proposals/{proposal}").json()
    while found["state"] in OPEN and monotonic() < until:
        pause.wait(0.1)
        found = client.get(f"/v1/proposals/{proposal}").json()
    return found


def test_the_leader_acts_on_what_another_was_told(lab: Lab, tmp_path: Path) -> None:
    """Asked and approved at the follower, written once by the leader; then it takes over."""
    with ExitStack() as first, ExitStack() as second:
        share: dict[str, Any] = {"lease": "remedyd", "namespace": "default"}
        first.enter_context(Running(lab, tmp_path, **share))
        follower = second.enter_context(Running(lab, tmp_path, **share))
        asked = follower.client("proposer").post("/v1/proposals", json=BODY)
        assert asked.status_code == 201, asked.text
        made = asked.json()
        approver = follower.client("approver")
        path = f"/v1/proposals/{made['id']}/approve"
        told = approver.post(path, json={"digest": made["digest"]})
        assert told.status_code == 200, told.text
        assert moved_on(approver, made["id"])["state"] not in (*OPEN, "Failed")
        assert written(lab) == 1
        before = holder(lab)
        first.close()
        until, pause = monotonic() + 20, threading.Event()
        while holder(lab) in ("", before) and monotonic() < until:
            pause.wait(0.1)
        assert holder(lab) not in ("", before)


def test_a_lease_needs_a_namespace(lab: Lab, tmp_path: Path) -> None:
    """Outside a cluster nobody knows where the Lease would be: the start says so."""
    app = App(Running(lab, tmp_path, lease="remedyd").settings)
    with pytest.raises(ConfigurationError, match="namespace of the Lease"):
        app.start()
