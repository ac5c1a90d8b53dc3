"""Start time, memory, lag, own time and exit of `remedyd run`, beside what they should be.

    python benchmarks/footprint.py [--rows 1000] [--pods 5000]

The cluster, with many workloads and pods, and an Elasticsearch whose audits return many rows are a
process of their own, and so is the daemon: neither shares an interpreter with the other or with
this program. They still share the cores, so a start is given in processor time as well.

The daemon is started with compiled bytecode, as the image has it, and once more without any: that
is what an installation pays for each start which was made without compiling, and may write none.

Own time is what the daemon itself tells (`remedyd_approval_to_write_own_seconds`): from the arrival
of the request that approves to the moment at which the change is sent, less the round trips to the
API server on the way. It is taken on a smaller cluster with controllers, whose rollouts end; a
cluster has machines of its own, so this one stands back (nice) where both want the same core. The
lag is that of `/healthz`: a request that the event loop answers without asking anybody.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from remedyd.lab.crowd.shape import Crowd
from remedyd.lab.crowd.world import CrowdLab
from remedyd.lab.daemon import Daemon
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic

APPROVALS = 150
STARTS = 3
STEPS_BACK = 10
OWN = "remedyd_approval_to_write_own_seconds"
GUARDRAILS = """\
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: footprint}
spec:
  concurrency: 1000
  rate: {perHour: 1000, perNamespace: 1000}
"""
PAUSE = threading.Event()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; one without a target is there to compare."""

    name: str
    found: float
    unit: str
    target: float | None = None


class Watched(Daemon):
    """A daemon whose start is timed, and whose process can be looked at."""

    healthy = ready = worked = 0.0

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str],
        python: Mapping[str, str] | None = None,
    ) -> None:
        """Take what a daemon takes, and variables for its interpreter."""
        super().__init__(directory, settings)
        self._python = python or {}

    def environment(self) -> dict[str, str]:
        """Return the environment with these variables."""
        return {**super().environment(), **self._python}

    def _await_ready(self) -> None:
        begun = monotonic()
        with httpx2.Client(base_url=self.url, timeout=5.0, verify=False) as client:
            self.healthy = self._answered(client, "/healthz", begun)
            self.ready = self._answered(client, "/readyz", begun)
        self.worked = self.processor()

    def _answered(self, client: httpx2.Client, path: str, begun: float) -> float:
        assert self._process is not None
        while self._process.poll() is None:
            try:
                if client.get(path).is_success:
                    return monotonic() - begun
            except httpx2.HTTPError:
                pass
            PAUSE.wait(0.01)
        raise SystemExit(self.log.read_text(encoding="utf-8"))

    def processor(self) -> float:
        """Return the seconds of processor time that the process has used."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Return the megabytes that the process holds in memory."""
        assert self._process is not None
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def ended(self) -> float:
        """Send SIGTERM and return how many seconds the process still lived."""
        assert self._process is not None
        begun = monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(120)
        return monotonic() - begun


ASKING = """
import sys, time, urllib.request
while True:
    time.sleep(0.02)
    begun = time.monotonic()
    try:
        urllib.request.urlopen(sys.argv[1] + '/healthz', timeout=10).read()
    except OSError:
        continue
    print((time.monotonic() - begun) * 1000, flush=True)
"""


@contextmanager
def lag(daemon: Watched) -> Iterator[list[float]]:
    """Ask `/healthz` from another process; afterwards the list has the milliseconds it took."""
    found: list[float] = []
    with subprocess.Popen(
        [sys.executable, "-S", "-c", ASKING, daemon.url], stdout=subprocess.PIPE, text=True
    ) as asking:
        try:
            yield found
        finally:
            asking.terminate()
            assert asking.stdout is not None
            found += [float(line) for line in asking.stdout]


def high(values: list[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else float("nan")


def approve(daemon: Watched, names: Sequence[str]) -> None:
    """Propose and approve one change after the other, one a second."""
    with daemon.client("proposer") as proposer, daemon.client("approver") as approver:
        for name in names:
            body = {
                "target": {"namespace": "shop", "kind": "Deployment", "name": name},
                "action": "Scale",
                "params": {"absolute": 2},
            }
            made = proposer.post("/v1/proposals", json=body).raise_for_status().json()
            path = f"/v1/proposals/{made['id']}"
            approver.post(f"{path}/approve", json={"digest": made["digest"]}).raise_for_status()
            PAUSE.wait(1.0)  # whoever asked meanwhile would be part of what is measured
            while proposer.get(path).json()["state"] in ("Approved", "Applying"):
                PAUSE.wait(0.1)


def own_time(daemon: Watched) -> tuple[float, float]:
    """Return the 99th percentile and the mean in milliseconds, by the daemon's own histogram.

    Within a bucket the values count as spread evenly, as Prometheus' `histogram_quantile` has it.
    """
    with daemon.client("viewer") as client:
        text = client.get("/metrics").text
    family = next(one for one in text_string_to_metric_families(text) if one.name == OWN)
    named = {sample.name: sample.value for sample in family.samples}
    count = named[f"{OWN}_count"]
    below, passed = 0.0, 0.0
    for sample in family.samples:
        if sample.name != f"{OWN}_bucket":
            continue
        edge, held = float(sample.labels["le"]), sample.value
        if held >= 0.99 * count:
            share = (0.99 * count - passed) / (held - passed)
            return (below + (edge - below) * share) * 1000, named[f"{OWN}_sum"] / count * 1000
        below, passed = edge, held
    return float("nan"), float("nan")


def audited(daemon: Watched) -> float:
    """Run each audit some times; return the most memory that was seen."""
    most = daemon.resident()
    with daemon.client("viewer") as client, daemon.client("proposer") as proposer:
        names = [one["name"] for one in client.get("/v1/audits").json()]
        for _ in range(3):
            for name in names:
                proposer.post(f"/v1/audits/{name}/run", timeout=60)
                PAUSE.wait(0.2)
                most = max(most, daemon.resident())
    return most


def rest(daemon: Watched) -> None:
    """Wait until the daemon hardly works any more: its first cycles are over, and told of."""
    for _ in range(60):
        before = daemon.processor()
        PAUSE.wait(2)
        if daemon.processor() - before < 0.1:
            return


def quickest(home: Path, settings: Mapping[str, str], python: Mapping[str, str]) -> Watched:
    """Start a daemon with an empty store some times; return the quickest, stopped."""
    found = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(dir=home) as place:
            daemon = Watched(Path(place), settings, python)
            daemon.start()
            daemon.ended()
            found.append(daemon)
    return min(found, key=lambda daemon: daemon.ready)


def measure(home: Path, settings: Mapping[str, str], compiled: Mapping[str, str]) -> list[Figure]:
    """Start daemons, look at one at rest and at work, and stop it."""
    source = {"PYTHONPYCACHEPREFIX": str(home / "none"), "PYTHONDONTWRITEBYTECODE": "1"}
    found = Watched(home, settings, compiled)
    found.start()  # compiles
    rest(found)
    ended = found.ended()
    quick, slow = (quickest(home, settings, python) for python in (compiled, source))
    found.start()
    try:
        PAUSE.wait(3)
        idle = found.resident()
        with lag(found) as lags:
            busiest = audited(found)
    finally:
        working = found.ended()
    return [
        Figure("/healthz answers after", quick.healthy, "s", 0.5),
        Figure("ready after", quick.ready, "s", 2.5),
        Figure("... processor time", quick.worked, "s"),
        Figure("ready after, without bytecode", slow.ready, "s"),
        Figure("... processor time", slow.worked, "s"),
        Figure("memory, idle", idle, "MB", 145),
        Figure("memory, auditing", busiest, "MB", 256),
        Figure("event-loop lag, p99", high(lags), "ms", 50),
        Figure("exit after SIGTERM, idle", ended, "s", 1.0),
        Figure("... amid cycles", working, "s"),
    ]


def paced(home: Path, settings: Mapping[str, str], python: Mapping[str, str]) -> list[Figure]:
    """Approve many changes of a living cluster, whose rollouts end, and look at our own time."""
    with Watched(home, settings, python) as daemon:
        PAUSE.wait(3)
        approve(daemon, [name_of(number) for number in range(APPROVALS)])
        own, mean = own_time(daemon)
    return [
        Figure("approve to patched, own time, p99", own, "ms", 20),
        Figure("... mean", mean, "ms"),
    ]


def name_of(number: int) -> str:
    """Return the name of a workload of the living cluster."""
    return f"w{number}"


@contextmanager
def lab(home: Path, *arguments: str) -> Iterator[Mapping[str, str]]:
    """Run a lab in a process of its own; give what a daemon on it must be told."""
    with subprocess.Popen(
        [sys.executable, __file__, "--lab", str(home), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def serve(home: Path, made: Lab | CrowdLab) -> int:
    """Be the lab until the input ends."""
    guardrails = home / "guardrails.yaml"
    if isinstance(made, Lab):
        os.nice(STEPS_BACK)
    with made:
        settings = made.daemon_settings(home)
        guardrails.write_text(GUARDRAILS, encoding="utf-8")
        print(json.dumps({**settings, "GUARDRAILS": str(guardrails)}), flush=True)
        sys.stdin.read()
    return 0


def living() -> Lab:
    """Return a small cluster with controllers, one workload for each approval."""
    image = "registry.example.com/x:1"
    span = timedelta(minutes=2)
    scenario = Scenario(
        workloads=tuple(
            WorkloadSpec("shop", name_of(number), image, "20Mi", "5m", 1)
            for number in range(APPROVALS)
        ),
        nodes=tuple(f"worker-{number}" for number in range(8)),
        namespaces=("default", "kube-system", "shop"),
    )
    return Lab(speed=1.0, history=span, interval=span / 2, scenario=scenario)


def main() -> int:
    """Measure and print the table; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000, help="workloads, each a row of an audit")
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.add_argument("--lab", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--living", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    crowd = Crowd(
        nodes=given.pods // 30 + 1, workloads=given.rows, pods=given.pods, namespaces=20, down=0
    )
    if given.lab:
        return serve(given.lab, living() if given.living else CrowdLab((crowd,)))
    with tempfile.TemporaryDirectory(prefix="remedyd-") as directory:
        home, other = Path(directory), Path(directory) / "living"
        other.mkdir()
        compiled = {"PYTHONPYCACHEPREFIX": str(home / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
        with lab(home, "--rows", str(given.rows), "--pods", str(given.pods)) as settings:
            figures = measure(home, settings, compiled)
        with lab(other, "--living") as settings:
            figures += paced(other, settings, compiled)
    if given.json:
        print(json.dumps({one.name: one.found for one in figures}))
    else:
        print("| What | Found | Target |\n|---|---|---|")
        for one in figures:
            target = "" if one.target is None else f"{one.target:g} {one.unit}"
            print(f"| {one.name} | {one.found:.2f} {one.unit} | {target} |")
    return int(any(one.target is not None and not one.found <= one.target for one in figures))


if __name__ == "__main__":
    raise SystemExit(main())
