"""What every controller of the lab is given: the objects, the time, chance, and Events."""

from dataclasses import dataclass
from random import Random

from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.controllers.recorder import Recorder
from remedyd.lab.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Environment:
    """Shared by all controllers; `random` is seeded, so that runs can be repeated."""

    store: ObjectStore
    timeline: Timeline
    random: Random
    recorder: Recorder

    def jitter(self, low: float, high: float) -> float:
        """Return a number of seconds between the two."""
        return self.random.uniform(low, high)

    def lag(self) -> float:
        """Return how long news takes to reach a controller, in seconds."""
        return self.random.uniform(0.02, 0.05)
