"""Lets simulated time follow the clock: a thread that runs whatever has become due."""

import threading

from remedyd.lab.timeline import Timeline
from remedyd.model.clock import Clock

_PAUSE_SECONDS = 0.02


class Driver:
    """Runs from `start` to `stop`. An error in an event ends it and is raised by `stop`."""

    def __init__(self, timeline: Timeline, clock: Clock) -> None:
        """Take the time line to move and the clock to follow."""
        self._timeline = timeline
        self._clock = clock
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="lab-driver", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._timeline.pace = self._clock
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
                self._timeline.run_until(self._clock.now())
        except Exception as error:
            self._error = error
