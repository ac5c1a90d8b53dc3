"""RolloutUndo through the whole loop, with what the audits say of the time before."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.errors import Refused
from remedyd.lab.controllers.objects import DAEMONSETS, DEPLOYMENTS
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import KubeObject, State
from support.steered import Steered

IMAGE = "registry.example.com/x:1"
SCENARIO = Scenario(
    workloads=(
        WorkloadSpec(
            "shop", "cart", IMAGE, "40Mi", "20m", 2, requests=None, strategy={"type": "Recreate"}
        ),
        WorkloadSpec("shop", "agent", IMAGE, "40Mi", "20m", 0, "DaemonSet", requests=None),
    ),
    namespaces=("default", "kube-system", "shop"),
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Steered]:
    """A daemon, and ten minutes in which the first revisions ran."""
    minute = timedelta(minutes=1)
    lab = Lab(seed=5, history=10 * minute, interval=minute / 2, scenario=SCENARIO)
    with lab, Steered(lab, tmp_path, timeout=10.0) as made:
        yield made
        assert made.bugs() == 0


def limit(memory: str) -> Callable[[KubeObject], None]:
    """Return a release that sets another memory limit."""

    def write(obj: KubeObject) -> None:
        container = obj["spec"]["template"]["spec"]["containers"][0]
        container["resources"]["limits"]["memory"] = memory

    return write


def release(daemon: Steered, name: str, gvr: str = DEPLOYMENTS) -> None:
    """Release a revision that crashes, though it has more memory."""
    daemon.lab.inject("backfire", f"shop/{name}")
    daemon.change(name, limit("256Mi"), gvr=gvr)
    daemon.lab.advance(timedelta(minutes=3))


def memory(daemon: Steered, name: str, gvr: str) -> str:
    """Return the memory limit in the template."""
    template = daemon.read(name, gvr)["spec"]["template"]["spec"]["containers"][0]
    return str(template["resources"]["limits"]["memory"])


@pytest.mark.parametrize(
    ("name", "kind", "gvr"),
    [("cart", "Deployment", DEPLOYMENTS), ("agent", "DaemonSet", DAEMONSETS)],
)
def test_the_audits_know_the_way_back(daemon: Steered, name: str, kind: str, gvr: str) -> None:
    """No pod of the old revision is left; its last half hour was healthy, so it is put back."""
    release(daemon, name, gvr)
    proposal = daemon.request(name, "RolloutUndo", {}, kind=kind)
    assert "revision 2 to revision 1" in proposal.plan.consequence
    daemon.approve(proposal)
    assert daemon.wait(10, proposal).state is State.EFFECTIVE
    assert memory(daemon, name, gvr) == "128Mi"


def test_a_revision_that_was_sick_too_is_no_way_back(daemon: Steered) -> None:
    """It crashed while it ran: then the latest revision is not the cause."""
    daemon.lab.inject("crash", "shop/cart", after=20)
    daemon.lab.advance(timedelta(minutes=6))
    release(daemon, "cart")
    with pytest.raises(Refused, match="was not healthy") as refused:
        daemon.request("cart", "RolloutUndo", {})
    assert refused.value.reason == "NoHealthyRevision"


def test_without_telemetry_of_that_time_nothing_is_known(daemon: Steered) -> None:
    """A revision that ran for a moment only has no history."""
    daemon.change("cart", limit("200Mi"))
    daemon.lab.advance(timedelta(minutes=1))
    release(daemon, "cart")
    with pytest.raises(Refused, match="is not known") as refused:
        daemon.request("cart", "RolloutUndo", {"revision": 2})
    assert refused.value.reason == "NoHealthyRevision"


def test_replicas_are_not_restored(daemon: Steered) -> None:
    """Scaling makes no revision, so going back leaves the number as it is."""
    release(daemon, "cart")
    daemon.change("cart", lambda obj: obj["spec"].update(replicas=4))
    proposal = daemon.request("cart", "RolloutUndo", {})
    daemon.approve(proposal)
    daemon.wait(10, proposal)
    assert daemon.read("cart")["spec"]["replicas"] == 4
