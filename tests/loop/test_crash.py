"""Killed anywhere between approve and verified, the daemon goes on and writes exactly once."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from remedyd.lab.daemon import Daemon
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import monotonic
from remedyd.paths import shipped

CRASHING = Path(__file__).parents[1] / "support" / "crashing.py"
SCENARIO = Scenario(
    workloads=(WorkloadSpec("shop", "cart", "registry.example.com/cart:1", "40Mi", "20m", 2),),
    namespaces=("default", "kube-system", "shop"),
)
# After a proposal is stored (1), approve is its second transaction, then come Applying,
# Applied, Verifying and the verdict.
MOMENTS = [
    *[("before-commit", n) for n in range(2, 7)],
    *[("commit", n) for n in range(2, 7)],
    ("before-patch", 1),
    ("after-patch", 1),
]
DEADLINE_SECONDS = 30.0
SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec("shop", f"{moment}-{n}", "registry.example.com/cart:1", "40Mi", "20m", 2)
        for moment, n in MOMENTS
    ),
    namespaces=("default", "kube-system", "shop"),
)


class Doomed(Daemon):
    """A daemon whose first process dies at a chosen moment."""

    doom: tuple[str, int] | None = None

    def command(self) -> list[str]:
        """Run the program that dies, or the ordinary one."""
        if self.doom is None:
            return super().command()
        moment, number = self.doom
        return [sys.executable, str(CRASHING), moment, str(number), "run"]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster with a workload for each moment, whose time runs fast."""
    history = timedelta(minutes=1)
    with Lab(seed=5, speed=30.0, history=history, interval=history, scenario=SCENARIO) as started:
        yield started


def settings(lab: Lab, directory: Path) -> dict[str, str]:
    """Tell the daemon about the lab, and one disabled policy, so that nothing else happens."""
    policy = directory / "policy.yaml"
    text = (shipped("policies") / "replica-gap.yaml").read_text(encoding="utf-8")
    policy.write_text(text.replace("mode: Propose", "mode: Disabled"), encoding="utf-8")
    told = {"LIMITS__APPROVAL_SECONDS": "86400", "POLICIES": f'["{policy}"]'}
    return lab.daemon_settings(directory) | told


def writes(lab: Lab, name: str) -> list[Any]:
    return [
        request
        for request in lab.apiserver.requests
        if request.method == "PATCH"
        and request.path.endswith(f"/deployments/{name}")
        and "dryRun" not in str(request.query)
    ]


def approve(daemon: Daemon, name: str) -> str:
    """Ask for three replicas and approve; the daemon may die at any moment of the approval."""
    body = {"action": "scale", "namespace": "shop", "deployment": name, "replicas": "3"}
    with daemon.client("proposer") as client:
        proposal: dict[str, str] = client.post("/manage", json=body).json()
    dying = contextlib.suppress(httpx2.HTTPError)  # it may die before it answers
    with daemon.client("approver") as client, dying:
        client.post(proposal["approve"], json={"digest": proposal["digest"]})
    return proposal["proposal"]


def finished(daemon: Daemon, proposal: str) -> dict[str, Any]:
    """Wait until the proposal has ended; approve once more where the approval was lost."""
    end = monotonic() + DEADLINE_SECONDS
    with daemon.client("approver") as client:
        while True:
            found: dict[str, Any] = client.get(f"/v1/proposals/{proposal}").json()
            if found["state"] == "Proposed":
                client.post(f"/v1/proposals/{proposal}/approve", json={"digest": found["digest"]})
            if found["state"] not in ("Proposed", "Approved", "Applying", "Applied", "Verifying"):
                return found
            assert monotonic() < end, f"still {found['state']}"


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "number"), MOMENTS)
def test_a_killed_daemon_goes_on_and_writes_once(
    lab: Lab, tmp_path: Path, moment: str, number: int
) -> None:
    """SIGKILL at this moment, restart: one PATCH in all, and the proposal ends Effective."""
    name = f"{moment}-{number}"
    daemon = Doomed(tmp_path, settings(lab, tmp_path))
    daemon.doom = (moment, number)
    daemon.start()
    proposal = approve(daemon, name)
    assert daemon.wait(DEADLINE_SECONDS) == -9, "the daemon was not killed"
    daemon.doom = None
    with daemon:
        ended = finished(daemon, proposal)
    assert ended["state"] == "Effective"
    assert len(writes(lab, name)) == 1
    live = lab.simulation.store.get("apps/v1/deployments", "shop", name)
    assert live["metadata"]["annotations"]["remedyd.io/proposal"] == proposal


@pytest.mark.slow
def test_sigterm_ends_the_daemon_cleanly(lab: Lab, tmp_path: Path) -> None:
    """SIGTERM: exit status 0 within a few seconds."""
    daemon = Daemon(tmp_path, settings(lab, tmp_path))
    daemon.start()
    assert daemon.stop() == 0
    assert '"stopped"' in daemon.log.read_text(encoding="utf-8").splitlines()[-1]
