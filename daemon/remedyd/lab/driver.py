"""Lets simulated time follow the clock: a thread that runs whatever has become due."""

import threading
from datetime import timedelta

from remedyd.lab.timeline import Timeline
from remedyd.model.clock import Clock

_PAUSE_SECONDS = 0.02
_STRIDE = timedelta(minutes=5)
"""What is due is run in such parts: who wants to change the world, or to stop, waits for one."""


class Driver:
    """Runs from `start` to `stop`. An error in an event ends it and is raised by `stop`."""

    def __init__(self, timeline: Timeline, clock: Clock, shown: Clock | None = None) -> None:
        """Take the time line to move, the clock to follow, and the one that others are shown."""
        self._timeline = timeline
        self._clock = clock
        self._shown = shown or clock
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="lab-driver", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._timeline.pace = self._shown
        self._thread.start()

    def stop(self) -> None:
        """Stand still for good; raise what went wrong in an event, if anything did."""
        self._stopping.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    @property
    def running(self) -> bool:
        """Whether time is moving."""
        return self._thread.is_alive()

    def _follow(self) -> None:
        try:
            while not self._stopping.wait(_PAUSE_SECONDS):
                while not self._stopping.is_set() and self._stride():
                    pass
        except Exception as error:
            self._error = error

    def _stride(self) -> bool:
        """Run a part of what is due; say whether there is more."""
        due, next_ = self._clock.now(), self._timeline.reached + _STRIDE
        self._timeline.run_until(min(due, next_))
        return next_ < due
