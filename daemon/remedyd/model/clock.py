"""Time as a parameter: nothing in the pipeline reads the wall clock by itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...

    def wall_seconds(self, span: timedelta) -> float:
        """Return how many real seconds to wait for `span` to pass on this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def wall_seconds(self, span: timedelta) -> float:
        """Return `span` in seconds: one second takes a second."""
        return span.total_seconds()


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that runs `speed` times faster than the machine's, for the embedded lab.

    `origin` is the time shown when the machine's clock shows `epoch`; two processes given the
    same three values agree.
    """

    origin: datetime
    epoch: datetime
    speed: float

    def now(self) -> datetime:
        """Return the scaled time, aware, in UTC."""
        return self.origin + (datetime.now(UTC) - self.epoch) * self.speed

    def wall_seconds(self, span: timedelta) -> float:
        """Return the real seconds in which `span` passes."""
        return span.total_seconds() / self.speed


@dataclass(frozen=True, slots=True)
class WaitingClock:
    """A clock that waits for those who make its time: it shows none later than `latest()`.

    The lab on a busy machine comes later than its own clock. With this one it takes longer, and
    nobody sees a time that the lab has not come to.
    """

    clock: ScaledClock
    latest: Callable[[], datetime]

    def now(self) -> datetime:
        """Return the scaled time, or the latest that there is."""
        return min(self.clock.now(), self.latest())

    def wall_seconds(self, span: timedelta) -> float:
        """Return the real seconds in which `span` passes when nobody has to be waited for."""
        return self.clock.wall_seconds(span)


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until told: for tests and replay."""

    current: datetime
    waits: list[timedelta] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.current

    def wall_seconds(self, span: timedelta) -> float:
        """Return 0: waiting costs nothing; the span is noted in `waits`."""
        self.waits.append(span)
        return 0.0

    def advance(self, span: timedelta) -> datetime:
        """Move forward and return the new time."""
        self.current += span
        return self.current


class Drift:
    """Notices when the machine's clock is set: it moves against time that only passes."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        passing: Callable[[], float] = time.monotonic,
        tolerance: timedelta = timedelta(seconds=2),
    ) -> None:
        """Take both times; what a time service slews within one look is within `tolerance`."""
        self._wall = wall
        self._passing = passing
        self._tolerance = tolerance
        self._last = (wall(), passing())

    def look(self) -> timedelta:
        """Return by how much the clock was set since the last look; zero for not at all."""
        wall, passed = self._wall(), self._passing()
        by = wall - self._last[0] - timedelta(seconds=passed - self._last[1])
        self._last = (wall, passed)
        return by if abs(by) > self._tolerance else timedelta(0)


def monotonic() -> float:
    """Return seconds that never go backwards, for timeouts and durations."""
    return time.monotonic()
