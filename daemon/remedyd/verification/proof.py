"""When a change may be judged, and from which samples.

Time after the rollout is cut in two: `settle` is left out (caches warm, probes pass), then
`observe` is watched. Crash back-off doubles to five minutes, so a shorter observation would
take a container that waits to crash again for a healthy one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from remedyd.model import VerifySpec, Window


@dataclass(frozen=True, slots=True)
class Observation:
    """Where proof stands: `window` to query, whether it is long enough, whether time is up."""

    window: Window
    complete: bool
    expired: bool


def observation(
    rolled_out_at: datetime, now: datetime, lag: timedelta, interval: timedelta, spec: VerifySpec
) -> Observation:
    """Return the samples to judge by: after rollout and settling, up to what has arrived.

    `lag` is the audit's (telemetry arrives late), `interval` its cadence: at least two of them
    are observed, however short `spec.observe_seconds` is.
    """
    start = rolled_out_at + timedelta(seconds=spec.settle_seconds)
    end = max(start, now - lag)
    needed = max(timedelta(seconds=spec.observe_seconds), 2 * interval)
    given_up = rolled_out_at + max(timedelta(seconds=spec.timeout_seconds), needed + lag)
    return Observation(Window(start, end), end - start >= needed, now >= given_up)
