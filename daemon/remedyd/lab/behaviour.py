"""What one running container uses, and when and how it will end.

Usage is a formula of time instead of a running simulation: a kill is computed once, when the
container starts or a fault changes, and telemetry asks for numbers only when it scrapes.
"""

import math
from dataclasses import dataclass

from remedyd.lab.profiles import Profile
from remedyd.lab.quantities import MEBIBYTE

_WARM_UP_SECONDS = 8.0
_COLD_SHARE = 0.6
_SHORTEST_RUN_SECONDS = 2.0
_WAVE_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Growth:
    """Memory that rises from `since` on, in bytes per second, up to `ceiling` in bytes."""

    since: float
    rate: float
    ceiling: float


@dataclass(frozen=True, slots=True)
class End:
    """How a container ends: when (seconds of the timeline), the reason and the exit code."""

    at: float
    reason: str
    code: int


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One run of a container from `started` (seconds of the timeline) on.

    `growth` is what a fault adds; `crash` an exit that is due anyway; `healthy` False keeps it
    from becoming ready; `phase` (0..1) sets it apart from its siblings.
    """

    profile: Profile
    started: float
    phase: float
    growth: Growth | None = None
    crash: End | None = None
    healthy: bool = True

    def demand(self, at: float) -> float:
        """Return the bytes the container wants at a time, whatever its limit."""
        base = self.profile.memory
        warm = min(1.0, (at - self.started) / _WARM_UP_SECONDS)
        level = base * (_COLD_SHARE + (1 - _COLD_SHARE) * max(0.0, warm))
        if self.growth is None or at <= self.growth.since:
            return level
        grown = base + (at - self.growth.since) * self.growth.rate
        return max(level, min(grown, self.growth.ceiling))

    def working_set(self, at: float) -> float:
        """Return the bytes in use: the demand with a slow wave, never above the limit."""
        angle = 2 * math.pi * (at / _WAVE_SECONDS + self.phase)
        used = self.demand(at) * (1 + 0.015 * math.sin(angle) + 0.004 * math.sin(7.3 * angle))
        limit = self.profile.memory_limit
        return used if limit is None else min(used, 0.995 * limit)

    def cpu(self, at: float) -> float:
        """Return the cores in use."""
        angle = 2 * math.pi * (at / _WAVE_SECONDS + self.phase)
        return self._level() * (1 + 0.1 * math.sin(angle))

    def cpu_time(self, at: float) -> float:
        """Return the CPU seconds used since the start: the integral of `cpu`."""
        turn = 2 * math.pi / _WAVE_SECONDS
        swing = math.cos(turn * self.started + 2 * math.pi * self.phase) - math.cos(
            turn * at + 2 * math.pi * self.phase
        )
        return self._level() * (at - self.started + 0.1 * swing / turn)

    def _level(self) -> float:
        limit = self.profile.cpu_limit
        return self.profile.cpu if limit is None else min(self.profile.cpu, 0.9 * limit)

    def end(self) -> End | None:
        """Return how this run will end, None when it goes on for ever."""
        ends = [end for end in (self._out_of_memory(), self.crash) if end is not None]
        return min(ends, key=lambda end: end.at) if ends else None

    def _out_of_memory(self) -> End | None:
        limit, base = self.profile.memory_limit, self.profile.memory
        if limit is None:
            return None
        soonest = self.started + _SHORTEST_RUN_SECONDS
        if base > limit:
            return End(soonest, "OOMKilled", 137)
        if self.growth is None or self.growth.ceiling <= limit or self.growth.rate <= 0:
            return None
        crossing = self.growth.since + (limit - base) / self.growth.rate
        return End(max(soonest, crossing), "OOMKilled", 137)


def ramp(since: float, base: float, need: float, seconds: float) -> Growth:
    """Return a growth from `base` to `need` bytes within some seconds, then level."""
    return Growth(since, max(1.0, (need - base) / max(seconds, 0.1)), need)


def leak(since: float, mebibytes_per_minute: float) -> Growth:
    """Return a growth that never stops."""
    return Growth(since, mebibytes_per_minute * MEBIBYTE / 60, math.inf)
