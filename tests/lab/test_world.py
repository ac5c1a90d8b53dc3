"""The lab as a whole: its ports, its time, its settings for a daemon."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from remedyd.errors import ConfigurationError
from remedyd.lab.control import Control
from remedyd.lab.scenario import DEMO, Scenario
from remedyd.lab.simulation import Plan, Simulation
from remedyd.lab.world import MANUAL_ORIGIN, Lab
from remedyd.settings import ClockSettings
from support.labcluster import spec

SMALL = Scenario(workloads=(spec("web"),), namespaces=("default", "shop"))
KUBECTL = shutil.which("kubectl")
PATIENCE_SECONDS = 20.0


def small(**options: object) -> Lab:
    """Return a lab with one workload and a minute of history."""
    wanted: dict[str, object] = {"scenario": SMALL, "history": timedelta(minutes=1)}
    return Lab(**(wanted | options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def still() -> Iterator[Lab]:
    """Return a running lab for tests that only look."""
    with small() as lab:
        yield lab


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def deployment(lab: Lab) -> dict[str, object]:
    """Read the workload over HTTP."""
    url = f"{lab.apiserver.url}/apis/apps/v1/namespaces/shop/deployments/web"
    found: dict[str, object] = httpx2.get(url).json()
    return found


def test_a_lab_without_speed_stands_still() -> None:
    """Time moves only when it is told to, from the same origin every time."""
    with small() as lab:
        assert lab.now() == MANUAL_ORIGIN
        assert lab.advance(timedelta(seconds=30)) == MANUAL_ORIGIN + timedelta(seconds=30)
        assert lab.clock.now() == lab.now()


def test_both_ports_answer() -> None:
    """The Kubernetes API and Elasticsearch are reachable over HTTP."""
    with small() as lab:
        status = deployment(lab)["status"]
        root = httpx2.get(lab.elasticsearch_url).json()
    assert isinstance(status, dict)
    assert status["availableReplicas"] == 2
    assert root["version"]["number"].startswith("9.4.")


def test_a_patch_over_http_is_rolled_out_as_time_passes() -> None:
    """What a client writes is carried out by the controllers."""
    body = {"spec": {"replicas": 3}}
    headers = {"Content-Type": "application/merge-patch+json"}
    with small() as lab:
        url = f"{lab.apiserver.url}/apis/apps/v1/namespaces/shop/deployments/web"
        assert httpx2.patch(url, content=json.dumps(body), headers=headers).status_code == 200
        lab.advance(timedelta(seconds=20))
        status = deployment(lab)["status"]
    assert isinstance(status, dict)
    assert status["availableReplicas"] == 3


def test_history_reaches_back_from_the_start() -> None:
    """At the start there are documents for the whole history, and none from before."""
    with small() as lab:
        found = lab.streams.query(
            "FROM metrics-* | STATS oldest = MIN(@timestamp), newest = MAX(@timestamp) | LIMIT 1",
            {},
        ).rows[0]
    first, last = found
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    assert MANUAL_ORIGIN - timedelta(seconds=60) <= first <= MANUAL_ORIGIN - timedelta(seconds=55)
    assert MANUAL_ORIGIN - timedelta(seconds=15) <= last <= MANUAL_ORIGIN


def test_a_lab_with_speed_follows_the_clock() -> None:
    """At speed 200 a rollout that takes twenty seconds is over in a moment."""
    headers = {"Content-Type": "application/merge-patch+json"}
    with small(speed=200.0) as lab:
        url = f"{lab.apiserver.url}/apis/apps/v1/namespaces/shop/deployments/web"
        body = json.dumps({"spec": {"replicas": 4}})
        httpx2.patch(url, content=body, headers=headers).raise_for_status()
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            status = deployment(lab)["status"]
            assert isinstance(status, dict)
            if status.get("availableReplicas") == 4:
                break
            time.sleep(0.02)
        else:
            pytest.fail("the rollout did not finish")


def test_time_cannot_be_pushed_in_a_lab_with_speed() -> None:
    """Advancing by hand is an error while time passes by itself."""
    with small(speed=10.0) as lab, pytest.raises(RuntimeError):
        lab.advance(timedelta(seconds=1))


def test_a_daemon_is_told_everything(tmp_path: Path) -> None:
    """The settings lead to both ports and to a clock that shows the lab's time."""
    with small(speed=50.0) as lab:
        settings = lab.daemon_settings(tmp_path)
        clock = ClockSettings(
            speed=float(settings["CLOCK__SPEED"]),
            origin=datetime.fromisoformat(settings["CLOCK__ORIGIN"]),
            epoch=datetime.fromisoformat(settings["CLOCK__EPOCH"]),
        ).clock()
        apart = abs((clock.now() - lab.clock.now()).total_seconds())
        kubeconfig = Path(settings["KUBERNETES__KUBECONFIG"]).read_text(encoding="utf-8")
    assert apart < 5
    assert settings["ELASTICSEARCH__URL"] == lab.elasticsearch_url
    assert settings["CLUSTER_NAME"] == "lab"
    assert lab.apiserver.url in kubeconfig


def test_a_collector_sends_the_metrics_that_are_asked_for() -> None:
    """With `metrics`, documents carry no other, and there is none without any."""
    wanted = {"container.memory.working_set", "k8s.container.restarts"}
    with small(metrics=wanted) as lab:
        streams = [lab.streams.recent(name) for name in lab.streams.names("metrics-*")]
    found = [frozenset(document["metrics"]) for stream in streams for document in stream]
    assert set(found) == {frozenset({name}) for name in wanted}


def test_a_clock_waits_for_a_lab_that_is_behind(tmp_path: Path) -> None:
    """With `ahead`, neither the lab nor a daemon shows a time that the lab has not come to."""
    busy, go_on = threading.Event(), threading.Event()

    def work() -> None:
        busy.set()
        go_on.wait(PATIENCE_SECONDS)

    with small(speed=36_000.0, ahead=timedelta(seconds=1)) as lab:
        told = lab.daemon_settings(tmp_path)
        settings = {name: told[f"CLOCK__{name.upper()}"] for name in ClockSettings.model_fields}
        daemon = ClockSettings.model_validate(settings).clock()
        lab.simulation.timeline.after(0.0, work)
        assert busy.wait(PATIENCE_SECONDS)
        latest = lab.simulation.timeline.reached + timedelta(seconds=1)
        until(lambda: lab.clock.now() >= latest)
        shown = [lab.clock.now(), daemon.now(), lab.now()]
        go_on.set()
        until(lambda: daemon.now() > latest)
    assert shown == [latest] * 3
    assert not Path(settings["reached"]).exists()


def test_a_clock_without_a_lab_is_refused(tmp_path: Path) -> None:
    """A file that tells no time is named, with what to do."""
    empty = tmp_path / "reached"
    empty.touch()
    settings = ClockSettings(origin=MANUAL_ORIGIN, epoch=MANUAL_ORIGIN, reached=empty)
    with pytest.raises(ConfigurationError, match="no time can be read there") as caught:
        settings.clock()
    assert "leave it out in a real cluster" in caught.value.hint


def test_a_lab_far_behind_its_clock_can_be_stopped() -> None:
    """What is due is run in parts: nobody waits for all of it."""
    with small(speed=1_000_000_000.0) as lab:
        begun = lab.simulation.timeline.reached
        until(lambda: lab.simulation.timeline.reached > begun)
    assert lab.simulation.timeline.reached < begun + timedelta(days=30)


def test_an_error_in_the_simulation_is_raised_at_the_end() -> None:
    """A broken event does not go unnoticed in a lab that runs by itself."""

    def explode() -> None:
        raise ZeroDivisionError

    lab = small(speed=100.0).start()
    lab.simulation.timeline.after(0.0, explode)
    until(lambda: not lab.running)
    with pytest.raises(ZeroDivisionError):
        lab.stop()


def test_the_control_endpoint_injects_and_clears() -> None:
    """Another process can break things over HTTP, and is told what is wrong."""
    wish = {"fault": "oom", "target": "shop/web", "params": {"need": "200"}}
    with small() as lab:
        control = Control(lab)
        control.start()
        try:
            made = httpx2.post(f"{control.url}/faults", json=wish)
            state = httpx2.get(f"{control.url}/lab").json()
            wrong = httpx2.post(f"{control.url}/faults", json=wish | {"fault": "oops"})
            lost = httpx2.post(f"{control.url}/faults", json=wish | {"target": "shop/no"})
            gone = httpx2.request("DELETE", f"{control.url}/faults", json=wish)
            after = httpx2.get(f"{control.url}/lab").json()
        finally:
            control.stop()
    assert made.json()["params"]["need"] == 200.0
    assert [one["target"] for one in state["faults"]] == ["shop/Deployment/web"]
    assert (wrong.status_code, lost.status_code, gone.status_code) == (400, 404, 200)
    assert "there is no fault named" in wrong.json()["detail"]
    assert after["faults"] == []


def test_a_quarter_of_an_hour_of_the_demo_cluster_is_cheap() -> None:
    """Simulating the demo cluster and its telemetry for 15 minutes takes well under 2 s of CPU."""
    sent: list[int] = []
    plan = Plan(1, datetime(2026, 1, 5, tzinfo=UTC), timedelta(0), timedelta(seconds=15), DEMO)
    simulation = Simulation(plan, lambda stream, documents: sent.append(len(documents)))
    simulation.begin()
    before = time.process_time()
    simulation.timeline.advance(timedelta(minutes=15))
    assert time.process_time() - before < 1.0
    assert sum(sent) > 30_000


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["get", "deployments"], "web    2/2"),
        (["describe", "deployment", "web"], "2 desired | 2 updated | 2 total | 2 available"),
        (["rollout", "history", "deployment/web"], "REVISION"),
        (["top", "pods"], "web-"),
        (["logs", "deployment/web"], "listening on :8080"),
        (["get", "pods", "-o", "wide"], "worker-"),
    ],
)
def test_kubectl_looks_around(still: Lab, tmp_path: Path, words: list[str], expected: str) -> None:
    """kubectl shows the simulated cluster as it shows a real one."""
    assert expected in kubectl(still, tmp_path, *words)


def kubectl(lab: Lab, directory: Path, *words: str) -> str:
    """Run kubectl in namespace shop and return what it printed."""
    path = directory / "kubeconfig"
    path.write_text(lab.kubeconfig(), encoding="utf-8")
    command = [str(KUBECTL), "--kubeconfig", str(path), "-n", "shop", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_kubectl_rolls_out_restarts_and_undoes(tmp_path: Path) -> None:
    """Scale, restart, a new image and its undo: each is rolled out and waited for."""
    with small(speed=60.0) as lab:
        for words in (
            ("scale", "deployment/web", "--replicas=3"),
            ("rollout", "restart", "deployment/web"),
            ("set", "image", "deployment/web", "app=registry.example.com/shop/web:2.0.0"),
            ("rollout", "undo", "deployment/web"),
        ):
            kubectl(lab, tmp_path, *words)
            waited = kubectl(lab, tmp_path, "rollout", "status", "deployment/web")
            assert "successfully rolled out" in waited
        image = "jsonpath={.spec.template.spec.containers[0].image}"
        assert kubectl(lab, tmp_path, "get", "deployment", "web", "-o", image).endswith(":1.0.0")
