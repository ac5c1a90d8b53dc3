"""Two daemons on one database and one lab API server, and how one of them is struck.

What is struck, when and how follows from a seed and a number. Some moments in the middle of a
request are announced by the API server, in the thread that serves it; where nobody outside could
be quick enough, between two lines, the process strikes itself (`takeover_struck`).
"""

import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

import httpx2
from takeover_struck import COMMIT, COMMITTED, PLACES

from remedyd.lab.apiserver.messages import Request, User
from remedyd.lab.apiserver.server import Moment
from remedyd.lab.daemon import Daemon
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic
from remedyd.paths import shipped

LEASES = "coordination.k8s.io/v1/leases"
OPEN = ("Proposed", "Approved", "Applying", "Applied", "Verifying", "unknown")
APPROVING, SOON, LATER = "as it is approved", "within 0.1 s", "within 2 s"
WRITE, RENEWAL = "write", "renewal"
TRAPS = {
    f"{what} {moment}": (what, moment)
    for what, moment in product((WRITE, RENEWAL), Moment)
    if (what, moment) != (WRITE, Moment.BEGUN)  # too late: its body is there a moment after
}
MOMENTS = (APPROVING, SOON, LATER, *PLACES, *TRAPS)
LIMIT = 15.0
LONGEST = 60.0
NEVER = float("inf")
GUARDRAILS = """\
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: takeover}
spec:
  concurrency: 100
  workloadsPercent: 100
  rate: {perHour: 1000, perNamespace: 1000}
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens in one run; it follows from seed and number alone."""

    number: int
    frozen: bool
    moment: str
    wait: float
    """Seconds from the approval, or from the announced moment, to the strike."""
    often: int
    """At which commit from the approval on, where it is struck at one."""
    by_leader: bool
    """Whether the approval is given through the leader."""
    rest: float
    """Seconds until the killed one is started again, or from the takeover until the other wakes."""


def fated(seed: int, number: int) -> Fate:
    """Kill and freeze in turn, each at every moment in turn; the rest is drawn."""
    random = Random(f"{seed} {number}")
    moment = MOMENTS[number // 2 % len(MOMENTS)]
    longest = {APPROVING: 0.05, SOON: 0.1, LATER: 2.0}.get(moment, 0.002)
    wait = random.uniform(0, longest)
    by_leader, rest = random.random() < 0.5, random.uniform(0, 3)
    often = random.randint(1, 6) if moment in (COMMIT, COMMITTED) else 1
    return Fate(number, bool(number % 2), moment, wait, often, by_leader, rest)


@dataclass(slots=True)
class Run:
    """What one run came to; seconds from the strike on."""

    seed: int
    run: int
    kind: str
    moment: str
    via: str
    load: float
    led: float = NEVER
    written: float = NEVER
    state: str = "unknown"
    writes: int = 0
    unled: int = 0
    """Writes by a process that did not hold the lease at that moment."""
    late: int = 0
    """Writes by the frozen one after it woke."""
    refused: int = 0
    """Writes that the API server refused or gave up."""
    right: bool = False
    """Whether the workload has what was approved."""

    @property
    def broken(self) -> bool:
        """Whether a promise was broken."""
        bad = self.writes != 1 or self.unled or self.late or not self.right
        return bool(bad or self.led > LIMIT or self.state != "Effective")


@dataclass(frozen=True, slots=True)
class Write:
    """One write to a workload, as the API server answered it."""

    at: float
    user: str
    workload: str
    status: int
    led: bool


class Replica(Daemon):
    """A daemon that can be frozen, and has another name at the API server after each start."""

    def __init__(self, lab: Lab, folder: Path, settings: dict[str, str]) -> None:
        """Take the lab, and a folder whose name no other has."""
        super().__init__(folder, settings)
        self._lab = lab
        self._starts = 0
        self._before: object = None
        self.user = ""

    def command(self) -> list[str]:
        """Return the daemon's program, as one that can strike itself."""
        return [sys.executable, str(Path(__file__).with_name("takeover_struck.py")), "run"]

    def start(self) -> None:
        """Start a new process with a new name."""
        self._starts += 1
        self._before = self._process
        self.user, token = f"{self.directory.name}{self._starts}", secrets.token_hex()
        server = self._lab.apiserver
        server.tokens.add(token, User(self.user, ("system:masters",)))
        path = self.directory / "kubeconfig"
        path.write_text(server.kubeconfig(token), encoding="utf-8")
        super().start()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)

    @property
    def begun(self) -> bool:
        """Whether the process of the present name is there, ready or not."""
        return self._process is not self._before

    @property
    def pid(self) -> int:
        """The process, as the identity in the Lease names it."""
        assert self._process is not None
        return self._process.pid


class Trap:
    """Strikes a process once: where it strikes itself, at an announced moment, or when told."""

    def __init__(self, fate: Fate, replica: Replica) -> None:
        """Take what is to happen to whom."""
        self._signal = signal.SIGSTOP if fate.frozen else signal.SIGKILL
        self._replica = replica
        self.user = replica.user
        self._wait = fate.wait
        self._due = TRAPS.get(fate.moment)
        self._lock = threading.Lock()
        self._at: float | None = None
        self._told = replica.directory / "strike"
        self._struck = replica.directory / "struck"
        self._struck.unlink(missing_ok=True)
        if fate.moment in PLACES:
            text = f"{fate.moment}|{fate.often}|{int(self._signal)}"
            self._told.write_text(text, encoding="utf-8")

    @property
    def at(self) -> float | None:
        """When it was struck, None before."""
        if self._at is None and self._struck.exists():
            self._at = float(self._struck.read_text(encoding="utf-8"))
        return self._at

    def strike(self) -> None:
        """Strike now, unless that is done."""
        with self._lock:
            if self.at is None:
                self._told.unlink(missing_ok=True)
                self._replica.send(self._signal)
                self._at = monotonic()

    def seen(self, moment: Moment, what: str) -> None:
        """Hear of a request of the process."""
        if self._due == (what, moment) and self.at is None:
            threading.Event().wait(self._wait)
            self.strike()


class Pair:
    """Two daemons that share a database and a Lease."""

    def __init__(self, lab: Lab, home: Path, name: str, url: str, opened: ExitStack) -> None:
        """Start both."""
        self._lab = lab
        self.lease = f"remedyd-{name}"
        self.writes: list[Write] = []
        self._pids: dict[str, int] = {}
        self._trap: Trap | None = None
        self.replicas = []
        for place in "ab":
            folder = home / f"{name}{place}-"
            folder.mkdir(parents=True, exist_ok=True)
            replica = Replica(lab, folder, self._settings(folder, url))
            replica.start()
            opened.callback(replica.stop)
            opened.callback(_wake, replica)
            self.replicas.append(replica)

    def _settings(self, folder: Path, url: str) -> dict[str, str]:
        given = self._lab.daemon_settings(folder)
        policy, limits = folder / "policy.yaml", folder / "guardrails.yaml"
        text = (shipped("policies") / "replica-gap.yaml").read_text(encoding="utf-8")
        policy.write_text(text.replace("mode: Propose", "mode: Disabled"), encoding="utf-8")
        limits.write_text(GUARDRAILS, encoding="utf-8")
        return given | {
            "DATABASE": url,
            "LEASE": self.lease,
            "NAMESPACE": "default",
            "POLICIES": f'["{policy}"]',
            "LIMITS__APPROVAL_SECONDS": "86400",
        }

    def holds(self, pid: int) -> bool:
        """Whether the Lease names this process."""
        lease = self._lab.apiserver.store.peek(LEASES, "default", self.lease) or {"spec": {}}
        return f"-{pid}-" in str(lease["spec"].get("holderIdentity") or "")

    def leader(self) -> Replica | None:
        """Return who holds the Lease."""
        return next((one for one in self.replicas if self.holds(one.pid)), None)

    def heard(self, moment: Moment, request: Request, status: int) -> None:
        """Hear of a request on its way; `BEGUN` does not say whose it is, the token does."""
        user = self._whose(request)
        if user is None:
            return
        writes = request.method == "PATCH" and "dryRun" not in request.query
        renews = request.method == "PUT" and request.path.endswith(f"/leases/{self.lease}")
        if writes and moment is Moment.DONE:
            name, led = request.path.rpartition("/")[2], self.holds(self._pids[user])
            self.writes.append(Write(monotonic(), user, name, status, led))
        trap = self._trap
        if trap is not None and user == trap.user and (writes or renews):
            trap.seen(moment, WRITE if writes else RENEWAL)

    def _whose(self, request: Request) -> str | None:
        """Return the process that asks, also when it was replaced meanwhile; None: not ours."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        found = self._lab.apiserver.tokens.find(token, self._lab.now())
        user = found.user.name if found else ""
        for one in self.replicas:
            if user == one.user and one.begun:
                self._pids[user] = one.pid
        return user if user in self._pids else None

    def run(self, fate: Fate, seed: int, workload: str) -> tuple[Run, Callable[[], bool]]:
        """Approve a change, strike the leader, see the other lead and write.

        Returns the run and what settles it: called later, and again until it says yes.
        """
        leader = self._led()
        other = next(one for one in self.replicas if one is not leader)
        kind, via = ("frozen" if fate.frozen else "killed"), (leader if fate.by_leader else other)
        proposal, digest = _proposed(other, workload)
        trap = self._trap = Trap(fate, leader)
        struck, pid = leader.user, leader.pid
        run = Run(
            seed, fate.number, kind, fate.moment,
            "leader" if fate.by_leader else "other", round(os.getloadavg()[0], 1),
        )  # fmt: skip
        self._strike(fate, trap, via, other, proposal, digest)
        assert trap.at is not None
        self._trap = None
        restart = None
        if not fate.frozen:
            restart = threading.Thread(target=self._again, args=(leader, fate.rest))
            restart.start()
        run.led = until(
            lambda: any(self.holds(one.pid) for one in self.replicas if one.pid != pid),
            trap.at,
        )
        until(lambda: bool(self._made(workload)), trap.at)
        first = min((one.at for one in self._made(workload)), default=NEVER)
        run.written = max(0.0, first - trap.at)
        woke = NEVER
        if restart is not None:
            restart.join()
        else:
            threading.Event().wait(fate.rest)
            woke = monotonic()
            leader.send(signal.SIGCONT)
        return run, lambda: self._settled(run, proposal, workload, struck, woke)

    def _led(self) -> Replica:
        until = monotonic() + LONGEST
        while (found := self.leader()) is None:
            assert monotonic() < until, f"nobody holds {self.lease}"
            threading.Event().wait(0.05)
        return found

    def _strike(
        self, fate: Fate, trap: Trap, via: Replica, other: Replica, key: str, digest: str
    ) -> None:
        if fate.moment == APPROVING:
            timer = threading.Timer(fate.wait, trap.strike)
            timer.start()
            _approve(via, key, digest)
            timer.join()
        else:
            _approve(via, key, digest)
            if fate.moment in (SOON, LATER):
                threading.Event().wait(fate.wait)
            else:
                until(lambda: trap.at is not None, monotonic(), 10)
        trap.strike()
        # where the first was cut off, or holds the lock of the row; else it changes nothing
        until(lambda: _approve(other, key, digest), monotonic())

    def _again(self, replica: Replica, after: float) -> None:
        replica.wait(10)
        threading.Event().wait(after)
        replica.start()

    def _made(self, workload: str) -> list[Write]:
        return [one for one in self.writes if one.workload == workload and one.status == 200]

    def _settled(self, run: Run, proposal: str, workload: str, struck: str, woke: float) -> bool:
        for one in self.replicas:
            with suppress(httpx2.HTTPError, KeyError), one.client("viewer") as client:
                client.timeout = 2.0
                run.state = str(client.get(f"/v1/proposals/{proposal}").json()["state"])
                break
        made = self._made(workload)
        run.writes = len(made)
        run.unled = sum(not one.led for one in made)
        run.late = sum(one.user == struck and one.at > woke for one in made)
        run.refused = sum(one.workload == workload and one.status != 200 for one in self.writes)
        stored = self._lab.apiserver.store.peek("apps/v1/deployments", "shop", workload) or {}
        run.right = (stored.get("spec") or {}).get("replicas") == 2
        return run.state not in OPEN


def _wake(replica: Replica) -> None:
    with suppress(ProcessLookupError):
        replica.send(signal.SIGCONT)


def _proposed(replica: Replica, name: str) -> tuple[str, str]:
    body = {
        "target": {"namespace": "shop", "kind": "Deployment", "name": name},
        "action": "Scale",
        "params": {"absolute": 2},
    }
    with replica.client("proposer") as client:
        made = client.post("/v1/proposals", json=body).raise_for_status().json()
    return str(made["id"]), str(made["digest"])


def _approve(replica: Replica, key: str, digest: str) -> bool:
    """Approve; return whether there was an answer. It may be that it is approved already."""
    with suppress(httpx2.HTTPError), replica.client("approver") as client:
        client.timeout = 3.0
        answer = client.post(f"/v1/proposals/{key}/approve", json={"digest": digest})
        return not answer.is_server_error
    return False


def until(happened: Callable[[], bool], since: float, longest: float = LONGEST) -> float:
    """Return how many seconds after `since` it happened; infinity when it never did."""
    pause = threading.Event()
    while not happened():
        if monotonic() > since + longest:
            return NEVER
        pause.wait(0.02)
    return max(0.0, monotonic() - since)
