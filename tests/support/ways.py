"""A daemon on a lab with many alike Deployments, for tests of the ways in."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import httpx2
import pytest

from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from support.running import Running

_NAMES = tuple(f"app-{number:02}" for number in range(48))
SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec(
            "shop",
            name,
            f"registry.example.com/{name}:1.0",
            "40Mi",
            "20m",
            1,
            limits=("200m", "256Mi"),
        )
        for name in _NAMES
    ),
    namespaces=("shop", "another", "kube-system"),
)
_next = count()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster whose time runs 40 times faster."""
    with Lab(seed=5, speed=40.0, history=timedelta(minutes=1), scenario=SCENARIO) as started:
        yield started


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon on that cluster."""
    with Running(lab, tmp_path_factory.mktemp("daemon")) as started:
        yield started


def an_app() -> str:
    """Return a Deployment that no other test uses."""
    return _NAMES[next(_next) % len(_NAMES)]


def scaling(name: str, replicas: int = 2, **more: Any) -> dict[str, Any]:
    """Return the body that asks for `replicas` of a Deployment."""
    target = {"namespace": "shop", "kind": "Deployment", "name": name}
    return {"target": target, "action": "Scale", "params": {"absolute": replicas}} | more


def proposed(running: Running, name: str = "", role: str = "proposer") -> dict[str, Any]:
    """Return a new proposal that waits for approval."""
    answer = running.client(role).post("/v1/proposals", json=scaling(name or an_app()))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def reached(client: httpx2.Client, proposal: str, *states: str) -> dict[str, Any]:
    """Wait until the proposal is in one of `states` and return it."""
    found: dict[str, Any] = client.get(f"/v1/proposals/{proposal}").json()
    for _ in range(60):
        if found["state"] in states:
            return found
        path = f"/v1/proposals/{proposal}?wait=15&version={found['version']}"
        found = client.get(path).json()
    raise AssertionError(f"{found['state']} instead of {states}: {found['reason']}")


class Listening:
    """Reads an event stream in a thread; `events` grows, `wait_for` waits for one."""

    def __init__(self, client: httpx2.Client, path: str, headers: dict[str, str] | None = None):
        """Take where to listen."""
        self.events: list[dict[str, str]] = []
        self._grown = threading.Condition()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(client, path, headers or {}))
        self._thread.start()
        assert self._opened.wait(10), "the stream did not open"

    def _read(self, client: httpx2.Client, path: str, headers: dict[str, str]) -> None:
        with suppress(httpx2.HTTPError), client.stream("GET", path, headers=headers) as stream:
            fields: dict[str, str] = {}
            for line in stream.iter_lines():
                self._opened.set()
                if line and not line.startswith(":"):
                    key, _, value = line.partition(": ")
                    fields[key] = value
                elif "data" in fields:
                    with self._grown:
                        self.events.append(fields)
                        self._grown.notify_all()
                    fields = {}

    def wait_for(self, action: str, proposal: str, seconds: float = 10) -> dict[str, str]:
        """Return the event; raise AssertionError when it does not come."""

        def found() -> dict[str, str] | None:
            return next(
                (e for e in self.events if e["event"] == action and proposal in e["data"]), None
            )

        with self._grown:
            assert self._grown.wait_for(lambda: found() is not None, seconds), self.events
            event = found()
        assert event is not None
        return event

    def join(self) -> None:
        """Wait for the end of the stream."""
        self._thread.join(20)
        assert not self._thread.is_alive()
