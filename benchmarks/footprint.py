"""Start time, memory, lag and exit of `remedyd run`, beside what they should be.

    python benchmarks/footprint.py [--rows 1000] [--pods 5000]

The daemon is a process of its own on the lab: a cluster with many workloads, and an Elasticsearch
whose audit returns many rows. The lag is that of `/healthz`: a request that the event loop answers
without asking anybody.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from remedyd.lab.daemon import Daemon
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic

IMAGE = "registry.example.com/x:1"
PER_WORKLOAD = 5
PAUSE = threading.Event()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    found: float
    target: float
    unit: str


class Watched(Daemon):
    """A daemon whose start is timed, and whose process can be looked at."""

    healthy = ready = 0.0

    def _await_ready(self) -> None:
        begun = monotonic()
        with httpx2.Client(base_url=self.url, timeout=5.0, verify=False) as client:
            self.healthy = _answered(client, "/healthz", begun)
            self.ready = _answered(client, "/readyz", begun)

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
        self._process.wait(30)
        return monotonic() - begun


def _answered(client: httpx2.Client, path: str, begun: float) -> float:
    while monotonic() < begun + 60:
        try:
            if client.get(path).is_success:
                return monotonic() - begun
        except httpx2.HTTPError:
            pass
        PAUSE.wait(0.01)
    return float("inf")


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


class Timed(list[Any]):
    """The API server's log, with the moment of each entry."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.at: list[float] = []

    def append(self, entry: Any) -> None:
        """Note an entry and when it came."""
        self.at.append(monotonic())
        super().append(entry)


def high(values: list[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else float("nan")


def own_time(lab: Lab, daemon: Watched, names: list[str]) -> list[float]:
    """Return the milliseconds from approve to patched, less what the API server took."""
    found = []
    with daemon.client("proposer") as proposer, daemon.client("approver") as approver:
        for name in names:
            body = {
                "target": {"namespace": "shop", "kind": "Deployment", "name": name},
                "action": "Scale",
                "params": {"absolute": PER_WORKLOAD + 1},
            }
            made = proposer.post("/v1/proposals", json=body).raise_for_status().json()
            trip = round_trip(lab)
            log = lab.apiserver.requests = Timed()
            begun = monotonic()
            path = f"/v1/proposals/{made['id']}/approve"
            approver.post(path, json={"digest": made["digest"]}).raise_for_status()
            place = patched(log, name)
            if place is not None:
                took = (log.at[place] - begun) * 1000
                found.append(max(0.0, took - (place + 1) * trip))
    return found


def patched(log: Timed, name: str) -> int | None:
    """Wait for the patch; return its place in the log, None when it never came."""
    until = monotonic() + 20
    while monotonic() < until:
        for place, one in enumerate(log):
            done = one.method == "PATCH" and one.path.endswith(f"/{name}")
            if done and "dryRun" not in one.query:
                return place
        PAUSE.wait(0.05)
    return None


def round_trip(lab: Lab) -> float:
    """Return the milliseconds of one small read at the API server, at this moment."""
    times = []
    with httpx2.Client(base_url=lab.apiserver.url, verify=False) as client:
        for _ in range(5):
            begun = monotonic()
            client.get("/api/v1/namespaces/shop")
            times.append((monotonic() - begun) * 1000)
    return statistics.median(times)


def measure(lab: Lab, home: Path, names: list[str]) -> list[Figure]:
    """Start the daemon, look at it at rest and at work, and stop it."""
    found = Watched(home, lab.daemon_settings(home))
    found.start()
    try:
        PAUSE.wait(3)
        idle = found.resident()
        with lag(found) as lags:
            busiest = audited(found)
        own = own_time(lab, found, names)
    finally:
        ended = found.ended()
    return [
        Figure("/healthz answers after", found.healthy, 0.5, "s"),
        Figure("ready after", found.ready, 2.5, "s"),
        Figure("memory, idle", idle, 145, "MB"),
        Figure("memory, auditing", busiest, 256, "MB"),
        Figure("event-loop lag, p99", high(lags), 50, "ms"),
        Figure("approve to patched, own time, p99", high(own), 20, "ms"),
        Figure("exit after SIGTERM", ended, 1.0, "s"),
    ]


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


def main() -> int:
    """Measure and print the table; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000, help="workloads, each a row of an audit")
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    given = parser.parse_args()
    names = [f"w{number}" for number in range(given.rows)]
    each = max(1, given.pods // given.rows)
    nodes = tuple(f"worker-{number}" for number in range(1, given.pods // 100 + 2))
    scenario = Scenario(
        workloads=tuple(WorkloadSpec("shop", name, IMAGE, "20Mi", "5m", each) for name in names),
        nodes=nodes,
        namespaces=("default", "kube-system", "shop"),
    )
    span = timedelta(minutes=2)
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="remedyd-")))
        made = Lab(speed=1.0, history=span, interval=span / 2, scenario=scenario)
        lab = opened.enter_context(made)
        figures = measure(lab, home, names[:40])
    if given.json:
        print(json.dumps({one.name: one.found for one in figures}))
    else:
        print("| What | Found | Target |\n|---|---|---|")
        for one in figures:
            print(f"| {one.name} | {one.found:.2f} {one.unit} | {one.target:g} {one.unit} |")
    return int(any(not one.found <= one.target for one in figures))


if __name__ == "__main__":
    raise SystemExit(main())
