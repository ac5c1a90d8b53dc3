"""What happens to the daemon during a soak: broken workloads, people, browsers, changed files.

Each turn does a few things at random, each by the way that people and programs take: faults in the
lab, HTTP with a token, a form of the console, a file that is written. What the daemon refuses is
counted and no error: limits and conflicts are part of a week.
"""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from remedyd.errors import RemedydError
from remedyd.lab.daemon import Daemon
from remedyd.lab.world import Lab

TROUBLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("oom", {"need": 175}),
    ("stuck", {}),
    ("crash", {"cure": "restart"}),
    ("insatiable", {}),
)
_BROKEN = "this: [is no policy\n"
_LISTENERS = 3


class People:
    """Everybody who wants something of the daemon; close it when done."""

    def __init__(
        self, lab: Lab, daemon: Daemon, names: list[str], policies: Path, random: Random
    ) -> None:
        """Take the workloads by name, and the directory of the policies in force."""
        self._lab = lab
        self._daemon = daemon
        self._names = names
        self._policy = sorted(policies.glob("*.yaml"))[0]
        self._sound = self._policy.read_text(encoding="utf-8")
        self._random = random
        self._proposer = daemon.client("proposer")
        self._approver = daemon.client("approver")
        self._listening: list[threading.Thread] = []
        self._broken: dict[str, str] = {}
        self.did: Counter[str] = Counter()

    def turn(self) -> None:
        """Do a few things; what is refused is counted."""
        acts: tuple[tuple[Callable[[], None], float], ...] = (
            (self._break, 0.15),
            (self._mend, 0.12),
            (self._request, 0.5),
            (self._decide, 0.9),
            (self._roll_back, 0.15),
            (self._listen, 0.2),
            (self._visit, 0.15),
            (self._edit, 0.03),
        )
        for act, chance in acts:
            if self._random.random() < chance:
                try:
                    act()
                except (httpx2.HTTPError, RemedydError) as error:
                    self.did[f"{act.__name__.strip('_')}: {type(error).__name__}"] += 1

    def close(self) -> None:
        """Hang up."""
        self._proposer.close()
        self._approver.close()
        for listening in self._listening:
            listening.join(5)

    def _sent(self, what: str, answer: httpx2.Response) -> Any:
        """Count an answer as done or refused; return its body."""
        good = answer.status_code < 400
        self.did[what if good else f"{what}: {answer.status_code}"] += 1
        return answer.json() if good else None

    def _break(self) -> None:
        name = self._random.choice(self._names)
        if name in self._broken:
            return
        fault, params = self._random.choice(TROUBLE)
        self._lab.inject(fault, f"shop/{name}", **params)
        self._broken[name] = fault
        self.did["break a workload"] += 1

    def _mend(self) -> None:
        if self._broken:
            name = self._random.choice(sorted(self._broken))
            self._lab.clear(self._broken.pop(name), f"shop/{name}")
            self.did["mend a workload"] += 1

    def _request(self) -> None:
        name = self._random.choice(self._names)
        body = {
            "target": {"namespace": "shop", "kind": "Deployment", "name": name},
            "action": "Scale",
            "params": {"absolute": self._random.choice((2, 3, 4))},
        }
        self._sent("request", self._proposer.post("/v1/proposals", json=body))

    def _decide(self) -> None:
        found = self._sent("list", self._approver.get("/v1/proposals?state=Proposed&limit=20"))
        for one in (found or {}).get("items", ()):
            chance = self._random.random()
            path = f"/v1/proposals/{one['id']}"
            if chance < 0.5:
                told = {"digest": one["digest"], "comment": "soak"}
                self._sent("approve", self._approver.post(f"{path}/approve", json=told))
            elif chance < 0.65:
                self._sent("reject", self._approver.post(f"{path}/reject", json={"reason": "no"}))

    def _roll_back(self) -> None:
        found = self._sent("list", self._approver.get("/v1/proposals?state=Effective&limit=5"))
        for one in (found or {}).get("items", ())[:1]:
            path = f"/v1/proposals/{one['id']}/rollback"
            self._sent("roll back", self._approver.post(path, json={"reason": "soak"}))

    def _listen(self) -> None:
        """Follow the event stream for a few seconds, or hang up in the middle of it."""
        self._listening = [one for one in self._listening if one.is_alive()]
        if len(self._listening) >= _LISTENERS:
            return
        seconds, rude = self._random.uniform(0.2, 6), self._random.random() < 0.5
        listening = threading.Thread(target=self._follow, args=(seconds, rude), daemon=True)
        listening.start()
        self._listening.append(listening)

    def _follow(self, seconds: float, rude: bool) -> None:
        path = f"/v1/events?seconds={seconds:.1f}"
        try:
            with (
                self._daemon.client("viewer") as client,
                client.stream("GET", path, headers={"Last-Event-ID": "0"}) as answer,
            ):
                for line in answer.iter_lines():
                    if rude and line.startswith("data:"):
                        self.did["hang up a stream"] += 1
                        return
            self.did["follow a stream"] += 1
        except httpx2.HTTPError as error:
            self.did[f"follow a stream: {type(error).__name__}"] += 1

    def _visit(self) -> None:
        """Sign in to the console, look at three pages, and sign out or just leave."""
        with httpx2.Client(base_url=self._daemon.url, timeout=10, verify=False) as browser:
            entered = browser.post(
                "/console/sign-in",
                data={"token": self._daemon.tokens["viewer"]},
                headers={"Origin": self._daemon.url},
            )
            pages = [browser.get(f"/console{page}") for page in ("", "/history", "/audits")]
        good = entered.status_code < 400 and all(page.status_code == 200 for page in pages)
        self.did["visit the console" if good else "visit the console: refused"] += 1

    def _edit(self) -> None:
        """Change a policy's file: to one that is sound and new, or to one that is broken."""
        sound = self._random.random() < 0.7
        text = f"{self._sound}# {self._random.random()}\n" if sound else _BROKEN
        self._policy.write_text(text, encoding="utf-8")
        self.did["edit a policy" if sound else "break a policy file"] += 1
