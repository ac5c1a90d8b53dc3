"""Simulated time: a heap of things to come, and the one clock that every part of the lab reads.

Tests advance it by hand and get the same events in the same order every time. In a demo a driver
thread lets it follow a scaled clock: then events run a moment late in real time, but each of
them still sees exactly the time it was due at, so that a fast demo tells the same story.
"""

import heapq
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from remedyd.model.clock import Clock

Action = Callable[[], None]


class Timeline:
    """Implements `model.Clock`; `pace` is None while it stands still between advances."""

    def __init__(self, origin: datetime) -> None:
        """Start at `origin` (aware, in UTC)."""
        self._origin = origin
        self._seconds = 0.0
        self._heap: list[tuple[float, int, Action]] = []
        self._count = 0
        self._heap_lock = threading.Lock()
        self._runner: int | None = None
        self.pace: Clock | None = None
        self.tell: Callable[[float], None] | None = None
        """Told how far events have come, in seconds since the origin."""
        self.lock = threading.RLock()
        """Held while events run: hold it to change the world from another thread."""

    def now(self) -> datetime:
        """Return the time of the running event, else the current time; aware, in UTC."""
        current = self._origin + timedelta(seconds=self._seconds)
        if self.pace is None or self._runner == threading.get_ident():
            return current
        return max(current, self.pace.now())

    def wall_seconds(self, span: timedelta) -> float:
        """Return the real seconds in which `span` passes; 0 while time is moved by hand."""
        return 0.0 if self.pace is None else self.pace.wall_seconds(span)

    @property
    def seconds(self) -> float:
        """The time as seconds since the origin; cheaper than `now()`."""
        if self.pace is None or self._runner == threading.get_ident():
            return self._seconds
        return (self.now() - self._origin).total_seconds()

    @property
    def reached(self) -> datetime:
        """How far events have come, whatever the clock says."""
        return self.moment(self._seconds)

    def moment(self, seconds: float) -> datetime:
        """Return the date of a number of seconds since the origin."""
        return self._origin + timedelta(seconds=seconds)

    def after(self, seconds: float, action: Action) -> None:
        """Run `action` that many simulated seconds from now; from any thread."""
        self.at(self.seconds + seconds, action)

    def at(self, seconds: float, action: Action) -> None:
        """Run `action` at a number of seconds since the origin; the past means at once."""
        with self._heap_lock:
            self._count += 1
            heapq.heappush(self._heap, (seconds, self._count, action))

    def every(self, seconds: float, action: Action, *, first: float | None = None) -> None:
        """Run `action` again and again, the first time after `first` (default: one period)."""

        def again() -> None:
            self.at(self._seconds + seconds, again)
            action()

        self.after(seconds if first is None else first, again)

    def run_until(self, until: datetime) -> None:
        """Run everything that is due up to and including `until`, in order of time."""
        end = (until - self._origin).total_seconds()
        with self.lock:
            self._runner = threading.get_ident()
            try:
                while (action := self._next(end)) is not None:
                    action()
                self._move(end)
            finally:
                self._runner = None

    def advance(self, span: timedelta) -> datetime:
        """Let `span` pass and return the new time."""
        self.run_until(self._origin + timedelta(seconds=self._seconds) + span)
        return self.now()

    def _next(self, end: float) -> Action | None:
        with self._heap_lock:
            if not self._heap or self._heap[0][0] > end:
                return None
            due, _, action = heapq.heappop(self._heap)
        self._move(due)
        return action

    def _move(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)
        if self.tell is not None:
            self.tell(self._seconds)


class WorkQueue:
    """Keys to look at soon, each at most once at a time, like a controller's work queue."""

    def __init__(
        self,
        timeline: Timeline,
        handle: Callable[[tuple[str, str]], None],
        lag: Callable[[], float],
    ) -> None:
        """Take what to call with a key, and how long news takes to arrive (seconds)."""
        self._timeline = timeline
        self._handle = handle
        self._lag = lag
        self._due: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def add(self, key: tuple[str, str], delay: float | None = None) -> None:
        """Look at `key` after `delay` (default: the lag), or earlier if that was due already."""
        when = self._timeline.seconds + (self._lag() if delay is None else delay)
        with self._lock:
            if self._due.get(key, float("inf")) <= when:
                return
            self._due[key] = when
        self._timeline.at(when, lambda: self._fire(key, when))

    def _fire(self, key: tuple[str, str], when: float) -> None:
        with self._lock:
            if self._due.get(key) != when:
                return
            del self._due[key]
        self._handle(key)
