"""Our own time from an approval to the write is told apart from the API server's."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from remedyd.errors import Refused
from remedyd.model import Applied, Plan, ProposalId
from remedyd.observability.metrics import Metrics
from remedyd.stages.pace import Pace, PacedDoor, arrived
from support.proposals import START, a_proposal

ONE = ProposalId("one")


@dataclass
class Scene:
    """A pace on a clock that only moves when it is told to, and what happens at the door."""

    now: float = 100.0
    metrics: Metrics = field(default_factory=Metrics)
    refuses: bool = False

    def __post_init__(self) -> None:
        self.pace = Pace(self.metrics, lambda: self.now)
        self.fence = self.pace.fenced(self._fence)
        self.door = PacedDoor(self, self.pace)

    def _fence(self, proposal: str) -> None:
        self.asks(0.003)
        self.now += 0.001
        if self.refuses:
            raise Refused("Paused", "writes are paused")

    def asks(self, seconds: float) -> None:
        """Let the API server take its time."""
        self.now += seconds
        self.pace.took("GET", seconds)

    def write(self, proposal_id: str, plan: Plan) -> Applied:
        """Look, be let through, and send."""
        self.asks(0.010)
        self.now += 0.002
        self.fence(proposal_id)
        self.asks(0.5)
        return Applied(START, resource_version="1", generation=1)

    undo = landed = None

    def approve(self) -> None:
        """Approve, with a look at the API server."""
        with self.pace.approving(ONE):
            self.asks(0.020)
            self.now += 0.004

    def told(self) -> tuple[float, float]:
        """Return how many were told of, and their seconds in all."""
        read = self.metrics.registry.get_sample_value
        name = "remedyd_approval_to_write_own_seconds"
        return read(f"{name}_count") or 0.0, round(read(f"{name}_sum") or 0.0, 6)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Return a scene whose request came in 5 ms before it was taken up."""
    token = arrived.set(99.995)
    yield Scene()
    arrived.reset(token)


PLAN = a_proposal().plan


def test_round_trips_are_taken_off(scene: Scene) -> None:
    """What is left is from the arrival to the write: parsing, store, queue, looking."""
    scene.approve()
    scene.asks(3.0)  # this thread goes on with something else
    scene.now -= 3.0
    scene.now += 0.006  # the queue
    scene.door.write(ONE, PLAN)
    assert scene.told() == (1.0, 0.018)


def test_a_change_that_waits_is_not_timed(scene: Scene) -> None:
    """A freeze or a pause in between says nothing about us."""
    scene.approve()
    scene.refuses = True
    with pytest.raises(Refused):
        scene.door.write(ONE, PLAN)
    scene.refuses = False
    scene.door.write(ONE, PLAN)
    assert scene.told() == (0.0, 0.0)


def test_a_failed_approval_is_not_timed(scene: Scene) -> None:
    """Nothing follows from it."""
    with pytest.raises(Refused), scene.pace.approving(ONE):
        raise Refused("Paused", "writes are paused")
    scene.door.write(ONE, PLAN)
    assert scene.told() == (0.0, 0.0)


def test_every_round_trip_is_counted_by_its_method(scene: Scene) -> None:
    """The API server's share has a metric of its own."""
    scene.asks(0.25)
    read = scene.metrics.registry.get_sample_value
    name = "remedyd_kubernetes_request_duration_seconds_sum"
    assert read(name, {"method": "GET"}) == pytest.approx(0.25)


def test_the_time_of_arrival_is_optional(scene: Scene) -> None:
    """An approval that came by no request begins with itself."""
    arrived.set(None)
    scene.approve()
    scene.door.write(ONE, PLAN)
    assert scene.told() == (1.0, 0.007)
