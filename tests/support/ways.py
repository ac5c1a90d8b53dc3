"""A daemon on a lab with many alike Deployments, for tests of the ways in."""

import logging
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from remedyd.lab.scenario import Scenario
from remedyd.lab.world import Lab
from remedyd.paths import shipped
from support.plan import deployment
from support.running import Running

_NAMES = tuple(f"app-{number:02}" for number in range(32))
SCENARIO = Scenario(
    workloads=tuple(deployment(name, "shop", replicas=1) for name in _NAMES),
    namespaces=("shop", "another", "kube-system"),
)
_next = count()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster whose time runs 40 times faster."""
    with Lab(
        seed=5,
        speed=40.0,
        history=timedelta(minutes=2),
        interval=timedelta(seconds=30),
        scenario=SCENARIO,
    ) as started:
        yield started


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon on that cluster, whose audits run at the start and when they are asked for."""
    directory = tmp_path_factory.mktemp("daemon")
    with quiet(), _small(lab, directory) as started:
        yield started


def _small(lab: Lab, directory: Path) -> Running:
    """Return a daemon that does what is asked of it and little else."""
    return Running(lab, directory, audits=(rarely(directory),), trail={"elasticsearch": False})


def rarely(directory: Path) -> Path:
    """Return a copy of the shipped audits that are due once a day: they cost more than any test."""
    copied = directory / "esql"
    shutil.copytree(shipped("esql"), copied)
    for file in copied.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"every: \d+m", "every: 1d", text), encoding="utf-8")
    return copied


@contextmanager
def quiet() -> Iterator[None]:
    """Write no log: a line for each request is much of its cost, and it is not looked at."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.reset_defaults()


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
