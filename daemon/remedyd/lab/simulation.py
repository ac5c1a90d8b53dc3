"""The simulated cluster without any port: objects, controllers, faults, telemetry, one time."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from remedyd.lab.annotations import AnnotationFaults
from remedyd.lab.apiserver import plugins
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.breakage import Breakage
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.manager import Controllers
from remedyd.lab.controllers.recorder import Recorder
from remedyd.lab.faults import FaultBoard
from remedyd.lab.scenario import Scenario, install
from remedyd.lab.telemetry.collector import Collector, Sink
from remedyd.lab.timeline import Timeline

WARM_UP = timedelta(minutes=2)
"""How long workloads get to become ready before the collector starts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a simulation starts: `history` of telemetry lies before `origin`.

    `metrics` names those that the collector sends; None for all.
    """

    seed: int
    origin: datetime
    history: timedelta
    interval: timedelta
    scenario: Scenario
    cluster_name: str = "lab"
    metrics: Container[str] | None = None


class Simulation:
    """Ready at `plan.origin` once `begin` has returned."""

    def __init__(self, plan: Plan, sink: Sink) -> None:
        """Take how to start, and where telemetry goes."""
        self._plan = plan
        self._sink = sink
        self.timeline = Timeline(plan.origin - plan.history - WARM_UP)
        self.store = ObjectStore(self.timeline, Random(f"{plan.seed} ids"))
        recorder = Recorder(self.store, self.timeline, Random(f"{plan.seed} events"))
        self.env = Environment(self.store, self.timeline, Random(plan.seed), recorder)
        self.board = FaultBoard()
        plugins.install(self.store, Random(f"{plan.seed} names"))

    def begin(self) -> None:
        """Create the scenario and let it run up to the origin, as fast as it goes."""
        plan, timeline = self._plan, self.timeline
        self.controllers = Controllers(self.env, self.board)
        self.breakage = Breakage(self.env, self.controllers, self.board)
        wishes = AnnotationFaults(timeline, self.breakage, self.env.recorder)
        self.store.on_change(wishes.observe)
        install(plan.scenario, self.store)
        timeline.advance(WARM_UP)
        self.collector = Collector(
            self.env,
            self.controllers,
            self.board,
            self._sink,
            cluster_name=plan.cluster_name,
            interval=plan.interval,
            metrics=plan.metrics,
        )
        timeline.run_until(plan.origin)
