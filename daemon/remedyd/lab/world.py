"""The lab: a simulated cluster with a Kubernetes API and an Elasticsearch, on loopback.

Everything in it shares one time. Tests leave `speed` out and move time by hand with `advance`;
with a `speed`, a thread lets the cluster follow a clock that runs that many times faster than
the machine's, and `clock_settings` tells another process how to read the same clock.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, Self

from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.driver import Driver
from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.server import ElasticsearchServer
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.lab.faults import Fault, Workload
from remedyd.lab.observing import Observing
from remedyd.lab.reach import Reach
from remedyd.lab.running import Running
from remedyd.lab.scenario import DEMO, Scenario
from remedyd.lab.simulation import Plan, Simulation
from remedyd.lab.telemetry.documents import Document
from remedyd.model.clock import Clock, ScaledClock, SystemClock, WaitingClock

STACK: Final = (9, 4)
TOKEN: Final = "lab-administrator"  # noqa: S105 - opens a simulated cluster on loopback
MANUAL_ORIGIN: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When a lab begins whose time is moved by hand: the same for every run."""
_TRIM_SECONDS = 300.0
_GUARDRAILS: Final = """\
# A handful of workloads of which many are broken at once: more may be under change than usual.
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: lab}
spec:
  concurrency: 10
  workloadsPercent: 50
  rate: {perHour: 100, perNamespace: 100}
"""


@dataclass(frozen=True, slots=True)
class FaultInForce:
    """A fault and what it is on, for people."""

    workload: Workload
    fault: Fault


class Lab(Running):
    """Usable between `start` and `stop`, or as a context manager."""

    def __init__(
        self,
        *,
        seed: int = 1,
        speed: float | None = None,
        origin: datetime | None = None,
        history: timedelta = timedelta(minutes=15),
        interval: timedelta = timedelta(seconds=15),
        retention: timedelta = timedelta(minutes=60),
        scenario: Scenario = DEMO,
        apiserver_port: int = 0,
        elasticsearch_port: int = 0,
        metrics: Container[str] | None = None,
        ahead: timedelta | None = None,
    ) -> None:
        """Take how to run.

        `origin` is the time at the start (default: fixed without a speed, now with one);
        `history` of telemetry lies before it; `interval` is the time between scrapes;
        documents older than `retention` are forgotten. Ports 0 mean any free one. `metrics`
        names those that the collector sends (None: all). `ahead` is how far the clock may run
        ahead of the cluster on a machine that is too slow for `speed`: then it waits, as does a
        daemon's (None: it never waits).
        """
        whole = datetime.now(UTC).replace(microsecond=0)
        self._origin = origin or (MANUAL_ORIGIN if speed is None else whole)
        self._speed = speed
        self._ahead = ahead
        self._reach: Reach | None = None
        self._scaled: ScaledClock | None = None
        self._shown: Clock | None = None
        self._driver: Driver | None = None
        plan = Plan(seed, self._origin, history, interval, scenario, metrics=metrics)
        self._simulation = Simulation(plan, self._store_telemetry)
        self._streams = DataStreams(self._simulation.timeline, STACK, retention)
        ids = Random(f"{seed} documents")
        self.elasticsearch = ElasticsearchServer(Endpoint(self._streams, ids), elasticsearch_port)
        """The Elasticsearch endpoint; `.requests`, `.script` and `.endpoint.security`."""
        views = Observing(self._simulation)
        self.apiserver = LabApiServer(
            self._simulation.store,
            apiserver_port,
            logs=views.log,
            metrics=views.metrics,
            ids=Random(f"{seed} api"),
            now=lambda: (self._shown or SystemClock()).now(),
        )
        """The Kubernetes API; `.requests` and `.faults`."""

    def _store_telemetry(self, stream: str, documents: list[Document]) -> None:
        self._streams.append(stream, documents)

    def start(self) -> Self:
        """Create the cluster, live through its history, open the ports, let time run."""
        self._simulation.begin()
        self._simulation.timeline.every(_TRIM_SECONDS, self._streams.trim)
        if self._speed is not None:
            self._streams.take_in()
            self._scaled = ScaledClock(self._origin, datetime.now(UTC), self._speed)
            self._shown = self._waiting(self._scaled) if self._ahead else self._scaled
            self._driver = Driver(self._simulation.timeline, self._scaled, self._shown)
            self._driver.start()
        self.apiserver.start()
        self.elasticsearch.start()
        return self

    def _waiting(self, clock: ScaledClock) -> Clock:
        timeline = self._simulation.timeline
        self._reach = Reach(timeline.moment(0.0), self._ahead or timedelta())
        self._reach.tell(timeline.seconds)
        timeline.tell = self._reach.tell
        return WaitingClock(clock, self._reach.latest)

    def stop(self) -> None:
        """Stop time and close the ports; raise what went wrong in the simulation, if anything."""
        self.apiserver.stop()
        self.elasticsearch.stop()
        try:
            if self._driver is not None:
                self._driver.stop()
        finally:
            self._streams.close()
            if self._reach is not None:
                self._reach.close()

    # time

    @property
    def running(self) -> bool:
        """Whether time passes by itself; an error in the simulation stops it."""
        return self._driver is not None and self._driver.running

    @property
    def clock(self) -> Clock:
        """The clock of everything in the lab."""
        return self._shown or self._simulation.timeline

    def now(self) -> datetime:
        """Return the lab's time; aware, in UTC."""
        return self._simulation.timeline.now()

    def advance(self, span: timedelta) -> datetime:
        """Let `span` pass at once and return the new time; only without a speed."""
        if self._speed is not None:
            raise RuntimeError("time passes by itself in a lab with a speed")
        return self._simulation.timeline.advance(span)

    # ways in

    @property
    def elasticsearch_url(self) -> str:
        """Base URL of the Elasticsearch endpoint."""
        return self.elasticsearch.url

    @property
    def simulation(self) -> Simulation:
        """The cluster behind the ports."""
        return self._simulation

    @property
    def streams(self) -> DataStreams:
        """The documents behind the Elasticsearch endpoint."""
        return self._streams

    def kubeconfig(self) -> str:
        """Return a kubeconfig for the Kubernetes API, as text."""
        return self.apiserver.kubeconfig(TOKEN)

    def clock_settings(self) -> dict[str, str]:
        """Return the daemon's settings for the lab's clock; none at the machine's own pace."""
        if self._scaled is None:
            return {}
        return {
            "CLOCK__SPEED": repr(self._scaled.speed),
            "CLOCK__ORIGIN": self._scaled.origin.isoformat(),
            "CLOCK__EPOCH": self._scaled.epoch.isoformat(),
        } | ({} if self._reach is None else {"CLOCK__REACHED": str(self._reach.path)})

    def daemon_settings(self, directory: Path) -> dict[str, str]:
        """Return what a daemon must be told (without `REMEDYD_`) to work on this lab.

        Writes a kubeconfig and guardrails into `directory`.
        """
        guardrails = directory / "guardrails.yaml"
        guardrails.write_text(_GUARDRAILS, encoding="utf-8")
        path = write_kubeconfig(directory, self.apiserver)
        return {
            "CLUSTER_NAME": "lab",
            "ELASTICSEARCH__URL": self.elasticsearch_url,
            "KUBERNETES__KUBECONFIG": str(path),
            "GUARDRAILS": str(guardrails),
        } | self.clock_settings()

    # faults

    def inject(self, fault: str, target: str, **params: object) -> Fault:
        """Put a fault in force now; see `faults.KINDS`.

        `target` is `namespace/name`, `namespace/Kind/name`, a node, or a receiver. Raises
        InvalidInput for an unknown fault or parameter, NotFound for an unknown target.
        """
        with self._simulation.timeline.lock:
            return self._simulation.breakage.inject(fault, target, dict(params))

    def clear(self, fault: str, target: str) -> None:
        """Take a fault away now."""
        with self._simulation.timeline.lock:
            self._simulation.breakage.clear(fault, target)

    def faults(self) -> Sequence[FaultInForce]:
        """Return the faults in force."""
        with self._simulation.timeline.lock:
            return [FaultInForce(*pair) for pair in self._simulation.board.listed()]


def write_kubeconfig(directory: Path, apiserver: LabApiServer) -> Path:
    """Write a kubeconfig for a simulated API server into `directory`; return where it is."""
    path = directory / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(apiserver.kubeconfig(TOKEN), encoding="utf-8")
    return path
