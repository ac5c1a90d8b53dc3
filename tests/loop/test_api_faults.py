"""Whatever the API server does, whenever it does it: a named state, one write, no bug."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import stamina

from remedyd.errors import RemedydError
from remedyd.lab.apiserver import apifaults
from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import KubeObject, Proposal, State
from support.steered import ADA, Steered

EVER = 1_000_000
CART = "deployments/cart$"
GUARDRAILS = """
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: limits}
spec: {quarantineAfter: 100, rate: {perHour: 1000, perNamespace: 1000}}
"""
SCENARIO = Scenario(
    workloads=(WorkloadSpec("shop", "cart", "registry.example.com/cart:1", "40Mi", "20m", 2),),
    namespaces=("default", "kube-system", "shop"),
)


def invalid() -> StatusError:
    """Return the 422 of a value that the API server does not take."""
    return StatusError(422, "Invalid", 'Deployment.apps "cart" is invalid: spec: no')


FAULTS: dict[str, Callable[[], dict[str, Any]]] = {
    "409": lambda: {"error": apifaults.conflict("deployments", "apps", "cart")},
    "422": lambda: {"error": invalid()},
    "429": lambda: {"error": apifaults.too_many(2)},
    "429 for long": lambda: {"error": apifaults.too_many(120)},
    "500": lambda: {"error": apifaults.internal()},
    "503": lambda: {"error": apifaults.unavailable()},
    "500 though it landed": lambda: {"error": apifaults.internal(), "after_write": True},
    "time-out though it landed": lambda: {"delay": 1.5, "after_write": True, "hang_up": True},
    "reset": lambda: {"hang_up": True},
    "reset though it landed": lambda: {"hang_up": True, "after_write": True},
    "slow body": lambda: {"slow": 0.02},
    "webhook says no": lambda: {"error": apifaults.webhook_denied("x.example.com", "no")},
    "webhook is out": lambda: {"error": apifaults.webhook_timeout("x.example.com")},
    "403": lambda: {"error": apifaults.forbidden("deployments", "apps", "cart", "no")},
}
PASSING = [name for name in FAULTS if name not in ("422", "webhook says no", "403")]
FINAL = ("422", "webhook says no", "403")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    """A daemon and a cluster with one workload, whose time is moved by hand."""
    minute = timedelta(minutes=1)
    lab = Lab(seed=5, history=minute, interval=10 * minute, scenario=SCENARIO)
    home = tmp_path_factory.mktemp("faults")
    limits = home / "limits.yaml"
    limits.write_text(GUARDRAILS, encoding="utf-8")
    daemon = Steered(lab, home, guardrails=limits)
    with stamina.set_testing(True, attempts=3, cap=True), lab, daemon:
        yield daemon


@pytest.fixture
def daemon(running: Steered) -> Iterator[Steered]:
    """The daemon; afterwards there are no faults and cart has two pods again."""
    yield running
    running.lab.apiserver.faults.clear()
    assert running.bugs() == 0
    running.change("cart", _two)
    running.lab.advance(timedelta(minutes=3))


def _two(obj: KubeObject) -> None:
    obj["spec"]["replicas"] = 2
    obj["metadata"].get("annotations", {}).pop("remedyd.io/proposal", None)
    obj["metadata"].get("annotations", {}).pop("remedyd.io/rollback", None)


def asked(daemon: Steered) -> Proposal:
    """Have a third replica proposed."""
    return daemon.request("cart", "Scale", {"absolute": 3})


def made(daemon: Steered) -> Proposal:
    """Have the third replica made and proved."""
    proposal = daemon.approve(asked(daemon))
    assert daemon.wait(5, proposal).state is State.EFFECTIVE
    return proposal


def landings(daemon: Steered, proposal: Proposal) -> int:
    """Count the writes for a proposal that the API server answered with success."""
    return sum(200 <= one.status < 300 for one in daemon.writes(proposal))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_while_reading_for_the_plan_is_an_error_with_a_name(
    daemon: Steered, fault: str
) -> None:
    """Nothing is proposed, or it is after another try; the caller is told which."""
    daemon.fault(method="GET", path=CART, times=EVER, **FAULTS[fault]())
    with pytest.raises(RemedydError):
        asked(daemon)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_dry_run_proposes_nothing(daemon: Steered, fault: str) -> None:
    """What the API server did not accept in the dry run never becomes a proposal."""
    query = {"dryRun": "All"}
    daemon.fault(method="PATCH", path=CART, times=EVER, query=query, **FAULTS[fault]())
    with pytest.raises(RemedydError):
        asked(daemon)


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_only_delays_the_write(daemon: Steered, fault: str) -> None:
    """One fault on the write: the change lands exactly once and is proved."""
    proposal = asked(daemon)
    daemon.fault(method="PATCH", path=CART, **FAULTS[fault]())
    daemon.approve(proposal)
    assert daemon.wait(10, proposal).state is State.EFFECTIVE
    assert daemon.read("cart")["spec"]["replicas"] == 3
    assert landings(daemon, proposal) <= 1


@pytest.mark.parametrize("fault", FINAL)
def test_a_no_to_the_write_is_a_failure(daemon: Steered, fault: str) -> None:
    """A definite no ends in Failed, with the API server's words."""
    proposal = asked(daemon)
    daemon.fault(method="PATCH", path=CART, times=EVER, **FAULTS[fault]())
    ended = daemon.approve(proposal)
    assert ended.state is State.FAILED
    assert "no" in ended.reason
    assert daemon.read("cart")["spec"]["replicas"] == 2


@pytest.mark.parametrize("fault", [f for f in PASSING if "landed" not in f and f != "slow body"])
def test_a_fault_for_ever_ends_with_the_approval(daemon: Steered, fault: str) -> None:
    """While writes fail for ever and reads do not, it is known that nothing landed: Expired."""
    proposal = asked(daemon)
    daemon.fault(method="PATCH", path=CART, times=EVER, **FAULTS[fault]())
    assert daemon.approve(proposal).state is State.APPLYING
    ended = daemon.wait(30, proposal, every=4)
    assert ended.state is State.EXPIRED
    assert "waits (" in ended.reason
    assert daemon.read("cart")["spec"]["replicas"] == 2


@pytest.mark.parametrize("landed", [True, False])
def test_silence_for_ever_calls_a_person(daemon: Steered, landed: bool) -> None:
    """Neither the write nor any read is answered: it counts as made, and a person is told so."""
    proposal = asked(daemon)
    silence = {"hang_up": True, "times": EVER}
    daemon.fault(method="PATCH", path=CART, after_write=landed, **silence)
    daemon.fault(method="GET", path=CART, when=lambda: bool(daemon.writes(proposal)), **silence)
    assert daemon.approve(proposal).state is State.APPLYING
    ended = daemon.wait(30, proposal, every=4)
    assert ended.state is State.INCONCLUSIVE
    assert ended.verdict is not None
    assert ended.verdict.reason == "OutcomeUnknown"
    assert daemon.read("cart")["spec"]["replicas"] == (3 if landed else 2)
    daemon.lab.apiserver.faults.clear()
    daemon.roll_back(proposal)
    assert daemon.wait(10, proposal).state is State.ROLLED_BACK
    assert daemon.read("cart")["spec"]["replicas"] == 2


@pytest.mark.parametrize("fault", ["422", "429", "503", "reset", "slow body", "403"])
def test_a_fault_while_waiting_for_the_rollout_delays_the_proof(
    daemon: Steered, fault: str
) -> None:
    """What cannot be read for a few minutes is read later; nothing is written twice."""
    proposal = asked(daemon)
    daemon.fault(method="GET", path=CART, times=6, when=_three(daemon), **FAULTS[fault]())
    assert daemon.approve(proposal).state is State.APPLIED
    assert daemon.wait(10, proposal).state is State.EFFECTIVE


@pytest.mark.parametrize("fault", ["503", "403"])
def test_a_rollout_that_can_never_be_read_calls_a_person(daemon: Steered, fault: str) -> None:
    """Not knowing is neither success nor harm: Inconclusive, within the time for proof."""
    proposal = asked(daemon)
    daemon.fault(method="GET", path=CART, times=EVER, when=_three(daemon), **FAULTS[fault]())
    daemon.approve(proposal)
    ended = daemon.wait(90, proposal, every=10)
    assert ended.state is State.INCONCLUSIVE
    assert ended.verdict is not None
    assert ended.verdict.reason == "RolloutUnknown"


def _three(daemon: Steered) -> Callable[[], bool]:
    return lambda: daemon.read("cart")["spec"]["replicas"] == 3


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_only_delays_the_undo(daemon: Steered, fault: str) -> None:
    """One fault on the undo: the old value is back, written once, and confirmed."""
    proposal = made(daemon)
    daemon.fault(method="PATCH", path=CART, **FAULTS[fault]())
    daemon.roll_back(proposal)
    assert daemon.wait(10, proposal).state is State.ROLLED_BACK
    assert daemon.read("cart")["spec"]["replicas"] == 2
    assert landings(daemon, proposal) <= 2


@pytest.mark.parametrize("fault", FINAL)
def test_a_no_to_the_undo_calls_a_person(daemon: Steered, fault: str) -> None:
    """A definite no ends in RollbackFailed, which may be tried again by hand."""
    proposal = made(daemon)
    daemon.fault(method="PATCH", path=CART, **FAULTS[fault]())
    assert daemon.roll_back(proposal).state is State.ROLLBACK_FAILED
    daemon.roll_back(proposal)
    assert daemon.wait(10, proposal).state is State.ROLLED_BACK


@pytest.mark.parametrize("method", ["PATCH", "GET"])
def test_an_undo_that_never_gets_through_ends_bounded(daemon: Steered, method: str) -> None:
    """After the time for proof it is RollbackFailed, and a person is called."""
    proposal = made(daemon)
    daemon.fault(method=method, path=CART, times=EVER, error=apifaults.unavailable())
    assert daemon.roll_back(proposal).state is State.ROLLING_BACK
    ended = daemon.wait(90, proposal, every=10)
    assert ended.state is State.ROLLBACK_FAILED
    assert "given up" in ended.reason


@pytest.mark.parametrize("what", ["change", "undo"])
def test_a_pause_only_holds_it_up(daemon: Steered, what: str) -> None:
    """Thrown between approval and write, the switch leaves the proposal where it is."""
    controls = daemon.service.controls
    if what == "undo":
        proposal = made(daemon)
        daemon.service.controls.pause(ADA, "stop")
        assert daemon.roll_back(proposal).state is State.ROLLING_BACK
        after = 2
    else:
        proposal = asked(daemon)
        daemon.fault(method="PATCH", path=CART, error=apifaults.too_many(30))
        assert daemon.approve(proposal).state is State.APPLYING
        assert len(daemon.writes(proposal)) == 1
        controls.pause(ADA, "stop")
        after = 3
    waiting = daemon.wait(3, proposal)
    assert waiting.state in (State.APPLYING, State.ROLLING_BACK)
    assert waiting.reason.startswith("waits (Paused): ")
    assert daemon.read("cart")["spec"]["replicas"] == 5 - after
    controls.resume(ADA)
    assert daemon.wait(10, proposal).state in (State.EFFECTIVE, State.ROLLED_BACK)
    assert daemon.read("cart")["spec"]["replicas"] == after


def test_a_long_pause_outlives_the_approval(daemon: Steered) -> None:
    """An approval is good for its time only, pause or not: then nothing is written any more."""
    proposal = asked(daemon)
    daemon.fault(method="PATCH", path=CART, error=apifaults.too_many(30))
    daemon.approve(proposal)
    daemon.service.controls.pause(ADA, "stop")
    ended = daemon.wait(30, proposal, every=4)
    assert ended.state is State.EXPIRED
    assert "Paused" in ended.reason
    daemon.service.controls.resume(ADA)


def test_who_is_asked_to_wait_waits(daemon: Steered) -> None:
    """Within a Retry-After of two minutes there is no second attempt."""
    proposal = asked(daemon)
    daemon.fault(method="PATCH", path=CART, error=apifaults.too_many(120))
    daemon.approve(proposal)
    daemon.wait(1, proposal, every=0.25)
    assert len(daemon.writes(proposal)) == 1
    assert daemon.wait(5, proposal).state is State.EFFECTIVE
