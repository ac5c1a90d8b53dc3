"""Hours of ordinary work, and nothing is held more and more of.

The short sister of `./dev soak`, in one process and with the time moved by hand: how many things
the daemon's own objects hold is counted after a warm-up, and after twice as much again.
"""

import gc
import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.paths import shipped
from remedyd.proposals.texts import Texts
from support.byhand import HandApp
from support.running import TOKENS, Running

NAMES = ("cart", "mail", "web")
SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec("shop", name, "registry.example.com/shop:1", "40Mi", "20m", 1)
        for name in NAMES
    ),
    namespaces=("default", "kube-system", "shop"),
)
GUARDRAILS = """
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: limits}
spec: {quarantineAfter: 100, concurrency: 100, rate: {perHour: 1000, perNamespace: 1000}}
"""
AUDIT = "replica-gap"
WARM_UP, ROUNDS = 7, 16
ALLOWED = 30
"""How many more things one kind of object may hold; each round asks for two changes, and each of
them has some five versions."""
FEW_TEXTS = 16
NOT_OURS = ("remedyd.lab", "remedyd.offline")
BOUNDED = frozenset(
    {
        "remedyd.model.plan.FieldChange",
        "remedyd.model.state.Change",
        "remedyd.proposals.memory.Memory._known",
    }
)
"""What is kept of changes that were looked at: the last 500, which these hours do not fill."""
CONTAINERS = (dict, list, set, deque)


class Served(Running):
    """A daemon that is served, and whose time and schedule a test moves by hand."""

    app: HandApp

    def __init__(self, lab: Lab, home: Path, **settings: Any) -> None:
        """Take as the daemon does that runs by itself."""
        super().__init__(lab, home, **settings)
        self._take(HandApp(self.settings))
        self.app.clock = lab.clock


@dataclass(frozen=True, slots=True)
class Held:
    """What the process and its store hold."""

    things: Counter[str]
    files: int
    threads: int
    series: int
    proposals: int


class Work:
    """An hour's ordinary work in each round of ten minutes."""

    def __init__(self, lab: Lab, daemon: Served, policy: Path) -> None:
        """Take the daemon, and a policy's file that is edited now and then."""
        self._lab = lab
        self._daemon = daemon
        self._policy = policy
        self._random = Random(1)
        self._number = 0

    def round(self) -> None:
        """Ask, decide, listen, look, reload, let time pass."""
        self._number += 1
        self._decide(self._ask())
        if self._number % 4 == 0:
            self._listen()
            self._visit()
            self._edit()
            self._daemon.app.loop.cycle(AUDIT)
        self._lab.advance(timedelta(minutes=10))
        self._daemon.app.loop.tick()
        self._daemon.app.mail()
        for chore in self._daemon.app.chores.values():
            chore()
        assert self._daemon.client().get("/readyz").status_code == 200

    def _ask(self) -> list[dict[str, Any]]:
        client = self._daemon.client("proposer")
        for name in self._random.sample(NAMES, 2):
            body = {
                "target": {"namespace": "shop", "kind": "Deployment", "name": name},
                "action": "Scale",
                "params": {"absolute": self._random.choice((1, 2, 3))},
            }
            assert client.post("/v1/proposals", json=body).status_code < 500
        found: list[dict[str, Any]] = client.get("/v1/proposals?state=Proposed").json()["items"]
        return found

    def _decide(self, waiting: list[dict[str, Any]]) -> None:
        client = self._daemon.client("approver")
        for one in waiting:
            path, chance = f"/v1/proposals/{one['id']}", self._random.random()
            if chance < 0.6:
                client.post(f"{path}/approve", json={"digest": one["digest"]})
            elif chance < 0.75:
                client.post(f"{path}/reject", json={"reason": "no"})
        for one in client.get("/v1/proposals?state=Effective&limit=1").json()["items"]:
            client.post(f"/v1/proposals/{one['id']}/rollback", json={"reason": "enough"})

    def _listen(self) -> None:
        path, seen = "/v1/events?seconds=0.05", {"Last-Event-ID": "0"}
        with self._daemon.client("viewer").stream("GET", path, headers=seen) as answer:
            next(answer.iter_lines())  # and hangs up

    def _visit(self) -> None:
        browser = self._daemon.client()
        form = {"token": TOKENS["viewer"]}
        origin = {"Origin": self._daemon.url}
        assert browser.post("/console/sign-in", data=form, headers=origin).status_code == 303
        assert browser.get("/console/history").status_code == 200
        browser.cookies.clear()

    def _edit(self) -> None:
        text = self._policy.read_text(encoding="utf-8")
        self._policy.write_text(f"{text.rstrip()}\n# {self._number}\n", encoding="utf-8")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Work, Served]]:
    """A daemon on a lab, whose finished proposals are kept for an hour and a half."""
    home = tmp_path_factory.mktemp("growth")
    (home / "limits.yaml").write_text(GUARDRAILS, encoding="utf-8")
    policy = home / "policy.yaml"
    policy.write_bytes((shipped("policies") / f"{AUDIT}.yaml").read_bytes())
    lab = Lab(
        seed=5,
        history=timedelta(minutes=1),
        interval=timedelta(minutes=10),
        scenario=SCENARIO,
        retention=timedelta(minutes=10),
    )
    told: dict[str, Any] = {
        "guardrails": home / "limits.yaml",
        "policies": [policy],
        "limits": {"retention_days": 0.04, "workflow_approval_seconds": 1800},
        "trail": {"elasticsearch": False},
    }
    with lab, Served(lab, home, **told) as daemon:
        # What is remembered of texts has a limit; this one is reached in the warm-up
        daemon.app.loop._store._texts = Texts(FEW_TEXTS)
        yield Work(lab, daemon, policy), daemon


def things() -> Counter[str]:
    """Count our own objects by kind, and what is in the containers that they hold."""
    gc.collect()
    found = Counter[str]()
    for one in gc.get_objects():
        kind = type(one)
        name = kind.__module__
        ours = isinstance(name, str) and name.startswith("remedyd.")
        if not ours or name.startswith(NOT_OURS):
            continue
        found[f"{name}.{kind.__qualname__}"] += 1
        for attribute, value in getattr(one, "__dict__", {}).items():
            if isinstance(value, CONTAINERS):
                found[f"{name}.{kind.__qualname__}.{attribute}"] += len(value)
    return found


def held(daemon: Served) -> Held:
    """Look at the process and the store."""
    daemon.app.loop.cycle(AUDIT)  # a decision looks at everything, and lets go what is over
    return Held(
        things(),
        len(list(Path("/proc/self/fd").iterdir())),
        threading.active_count(),
        daemon.app.metrics.exposition().count(b"\n"),
        len(daemon.client("viewer").get("/v1/proposals?limit=200").json()["items"]),
    )


@pytest.mark.slow
def test_nothing_grows(work: tuple[Work, Served]) -> None:
    """Memory, files, threads, series and the store are after hours what they were."""
    doing, daemon = work
    for _ in range(WARM_UP):
        doing.round()
    before = held(daemon)
    for _ in range(ROUNDS):
        doing.round()
    after = held(daemon)
    more = (after.things - before.things).items()
    assert {kind: n for kind, n in more if n > ALLOWED and kind not in BOUNDED} == {}
    assert after.files <= before.files + 3
    assert after.threads <= before.threads + 2
    assert after.series <= before.series + 45  # what happens for the first time begins a few
    assert after.proposals <= before.proposals + 10
    assert before.proposals > 5
