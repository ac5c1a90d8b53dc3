"""Kill or freeze the leader at random moments: how long until the next one leads, what is written.

Two real daemons on a real PostgreSQL and the lab's API server. In each run a change is approved,
and at a random moment within the next seconds the leader gets SIGKILL or SIGSTOP. A frozen one is
woken (SIGCONT) when the other has long taken over. In the end each change must have been written
once.

    python benchmarks/takeover.py 200
"""

import signal
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx2

from remedyd.lab.daemon import Daemon
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic
from remedyd.paths import shipped

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import postgres

LEASES = "coordination.k8s.io/v1/leases"
OPEN = ("Proposed", "Approved", "Applying", "Applied", "Verifying")
LATEST_STRIKE = 2.0
LONGEST = 90.0


class Replica(Daemon):
    """A daemon that can be frozen."""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """The process, as the identity in the Lease names it."""
        assert self._process is not None
        return self._process.pid


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to; seconds from the strike on."""

    frozen: bool
    led: float
    written: float
    state: str
    writes: int
    late: int
    """Writes after the frozen one woke."""


class Stage:
    """The lab, the database and two daemons."""

    def __init__(self, runs: int, opened: ExitStack) -> None:
        """Start everything."""
        names = [f"cart-{number}" for number in range(runs)]
        scenario = Scenario(
            workloads=tuple(
                WorkloadSpec("shop", name, "registry.example.com/cart:1", "40Mi", "20m", 2)
                for name in names
            ),
            namespaces=("default", "kube-system", "shop"),
        )
        history = timedelta(minutes=1)
        self.lab = opened.enter_context(
            Lab(seed=5, speed=20.0, history=history, interval=history, scenario=scenario)
        )
        server = opened.enter_context(postgres.server())
        url = server.url(server.database())
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="remedyd-")))
        self.replicas = []
        for place in "ab":
            folder = home / place
            folder.mkdir()
            replica = Replica(folder, self._settings(folder, url))
            replica.start()
            opened.callback(replica.stop)
            self.replicas.append(replica)

    def _settings(self, folder: Path, url: str) -> dict[str, str]:
        policy = folder / "policy.yaml"
        text = (shipped("policies") / "replica-gap.yaml").read_text(encoding="utf-8")
        policy.write_text(text.replace("mode: Propose", "mode: Disabled"), encoding="utf-8")
        return self.lab.daemon_settings(folder) | {
            "DATABASE": url,
            "LEASE": "remedyd",
            "NAMESPACE": "default",
            "POLICIES": f'["{policy}"]',
            "LIMITS__APPROVAL_SECONDS": "86400",
        }

    def holder(self) -> Replica | None:
        """Return who holds the Lease."""
        lease = self.lab.apiserver.store.peek(LEASES, "default", "remedyd") or {"spec": {}}
        identity = str(lease["spec"].get("holderIdentity") or "")
        return next((one for one in self.replicas if f"-{one.pid}-" in identity), None)

    def writes(self, name: str) -> int:
        """Count the writes to a workload that were accepted."""
        return sum(
            one.method == "PATCH"
            and one.path.endswith(f"/deployments/{name}")
            and "dryRun" not in one.query
            and one.status == 200
            for one in self.lab.apiserver.requests
        )

    def run(self, number: int, random: Random) -> Run:
        """Approve a change, strike the leader, and see how it ends."""
        name, frozen = f"cart-{number}", bool(number % 2)
        leader = self.holder()
        assert leader is not None
        other = next(one for one in self.replicas if one is not leader)
        proposal = _approved(leader, name)
        threading.Event().wait(random.uniform(0, LATEST_STRIKE))
        leader.send(signal.SIGSTOP if frozen else signal.SIGKILL)
        struck = monotonic()
        led = _until(lambda: self.holder() is other, struck)
        written = _until(lambda: self.writes(name) > 0, struck)
        before = self.writes(name)
        threading.Event().wait(random.uniform(0, 5))
        if frozen:
            leader.send(signal.SIGCONT)
        else:
            leader.wait(10)
            leader.start()
        state = _ended(other, proposal)
        writes = self.writes(name)
        return Run(frozen, led, written, state, writes, writes - before)


def _approved(replica: Replica, name: str) -> str:
    body = {
        "target": {"namespace": "shop", "kind": "Deployment", "name": name},
        "action": "Scale",
        "params": {"absolute": 3},
    }
    with replica.client("proposer") as client:
        made = client.post("/v1/proposals", json=body).raise_for_status().json()
    with replica.client("approver") as client:
        path = f"/v1/proposals/{made['id']}/approve"
        client.post(path, json={"digest": made["digest"]}).raise_for_status()
    return str(made["id"])


def _until(happened: Callable[[], bool], since: float) -> float:
    """Return how many seconds after `since` it happened; infinity when it never did."""
    pause = threading.Event()
    while not happened():
        if monotonic() > since + LONGEST:
            return float("inf")
        pause.wait(0.02)
    return max(0.0, monotonic() - since)


def _ended(replica: Replica, proposal: str) -> str:
    until, pause = monotonic() + LONGEST, threading.Event()
    state = "unknown"
    with replica.client("viewer") as client:
        while monotonic() < until:
            try:
                state = str(client.get(f"/v1/proposals/{proposal}").json()["state"])
            except httpx2.HTTPError:
                state = "unreachable"
            if state not in (*OPEN, "unreachable"):
                break
            pause.wait(0.2)
    return state


def main(runs: int) -> int:
    """Run, print each run and the sum; 1 when a promise was broken."""
    random, done = Random(11), []
    with ExitStack() as opened:
        stage = Stage(runs, opened)
        for number in range(runs):
            one = stage.run(number, random)
            done.append(one)
            kind = "frozen" if one.frozen else "killed"
            print(
                f"{number:4} {kind}  leads after {one.led:5.1f} s, written {one.written:5.1f} s, "
                f"{one.writes} writes, {one.late} late, {one.state}",
                flush=True,
            )
    led = sorted(one.led for one in done)
    lost = sum(one.writes == 0 for one in done)
    doubled = sum(one.writes > 1 for one in done)
    late = sum(one.late for one in done)
    open_ = sum(one.state in (*OPEN, "unknown", "unreachable") for one in done)
    print(
        f"{runs} runs: takeover median {statistics.median(led):.1f} s, longest {led[-1]:.1f} s; "
        f"{lost} writes lost, {doubled} doubled, {late} late; {open_} never ended"
    )
    return int(led[-1] > 15 or bool(lost or doubled or late or open_))


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
