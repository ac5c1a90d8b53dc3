"""Whether our clock can be believed: whatever is dated by a wrong one is not known.

Two things are looked at. The API server dates each of its answers: a minute apart, one of the two
clocks is wrong, and approvals, cooldowns and telemetry cannot be dated until they agree again. And
a clock that is set while we run (wall against monotonic time) leaves telemetry of two times in one
window: for as long as such windows may last, policies make no change.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from remedyd.model import Clock, monotonic
from remedyd.observability import logs
from remedyd.observability.metrics import Metrics

log = logs.get(__name__)

APART: Final = timedelta(seconds=60)
"""From how far apart on a clock is wrong."""
SETTLING: Final = timedelta(minutes=15)
"""How long after a jump policies hold still: as long as the longest window of a shipped audit."""


class Timekeeping:
    """Watches our clock; safe to share between threads."""

    def __init__(
        self,
        clock: Clock,
        ahead: Callable[[], timedelta | None],
        metrics: Metrics,
        passing: Callable[[], float] = monotonic,
    ) -> None:
        """`ahead` is how far our clock is ahead of the API server's (None: nobody knows yet).

        `passing` are seconds that never go backwards. A clock that is moved by hand is believed.
        """
        self._pace = clock.wall_seconds(timedelta(seconds=1))
        self._ahead = ahead
        self._metrics = metrics
        self._passing = passing
        self._lock = threading.Lock()
        self._wrong = False
        self._settled_at = float("-inf")

    def jumped(self, by: timedelta) -> None:
        """Note that the machine's clock was set while we ran."""
        seconds = by.total_seconds()
        way = "forward" if seconds > 0 else "back"
        self._metrics.clock_jumps.labels(way).inc()
        settles = abs(by) >= APART
        if settles:
            self._settled_at = self._passing() + SETTLING.total_seconds()
        log.warning(
            f"the machine's clock was set by {seconds:.1f} s",
            seconds=round(seconds, 1),
            hint=f"policies make no change for {SETTLING}" if settles else "",
        )

    def wrong(self) -> str:
        """Return why our clock cannot be believed now, "" when it can."""
        ahead = self._ahead()
        if ahead is None or not self._pace:
            return ""
        seconds = ahead.total_seconds() * self._pace
        self._metrics.clock_ahead.set(seconds)
        wrong = abs(seconds) > APART.total_seconds()
        self._tell(wrong, seconds)
        if not wrong:
            return ""
        way = "ahead of" if seconds > 0 else "behind"
        return (
            f"our clock is {abs(seconds):.0f} s {way} the API server's: nothing is proposed, "
            "approved or written until they agree"
        )

    def unsettled(self) -> str:
        """Return why policies hold still after a jump, "" when they need not."""
        left = self._settled_at - self._passing()
        if left <= 0:
            return ""
        return f"the clock was set: telemetry cannot be dated for another {left / 60:.0f} min"

    def settled(self) -> bool:
        """Whether time that has passed by our clock has passed."""
        return not self.wrong() and not self.unsettled()

    def reasons(self) -> list[str]:
        """Return why nothing may begin."""
        return [f"clock: {why}"] if (why := self.wrong()) else []

    def notices(self) -> list[str]:
        """Return what an operator should know while work goes on."""
        return [f"clock: {why}"] if (why := self.unsettled()) else []

    def _tell(self, wrong: bool, seconds: float) -> None:
        with self._lock:
            if wrong == self._wrong:
                return
            self._wrong = wrong
        if wrong:
            log.error(
                f"our clock is {seconds:.0f} s off the API server's: nothing is changed",
                seconds=round(seconds),
                hint="run a time service (chrony, systemd-timesyncd) on the nodes",
            )
        else:
            log.info("the clock is right again")
