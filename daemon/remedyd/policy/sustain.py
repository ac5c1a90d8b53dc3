"""How long a row has matched: the memory that turns a single reading into a finding.

A sighting is the end of the window in which the row matched, not the time of the call: the same
window judged twice counts once. Audits that gave no usable rows leave the memory untouched, for
they say nothing about the row.
"""

from collections.abc import Mapping, Set
from datetime import datetime, timedelta

from remedyd.documents import format_duration
from remedyd.policy.judging import Match
from remedyd.policy.policy import Policy

Sightings = dict[tuple[str, str], tuple[datetime, ...]]

_FORGET = timedelta(days=1)
_KEPT = 100


class Sustained:
    """The sightings of all policies; reads the old ones, collects the new ones."""

    def __init__(self, sightings: Mapping[tuple[str, str], tuple[datetime, ...]]) -> None:
        """Take what was remembered before this cycle."""
        self.sightings: Sightings = dict(sightings)
        self._identities: dict[str, list[str]] = {}
        for policy, identity in sightings:
            self._identities.setdefault(policy, []).append(identity)
        self._short: dict[str, dict[str, int]] = {}

    def note(
        self,
        policy: Policy,
        matched: Mapping[str, None],
        unknown: Set[str],
        at: datetime,
        now: datetime,
    ) -> None:
        """Remember the rows that matched in the window ending `at`, forget those that did not.

        Both are identities; nothing is known about the `unknown` ones, so they stay as they are.
        A sighting later than `now` was dated by a clock that was set back since: it is none.
        """
        sightings, name = self.sightings, policy.name
        cycles, window = policy.spec.sustain.cycles, policy.spec.sustain.window
        if cycles == 1:
            matched, unknown = {}, frozenset()
        since, latest = at - (window or _FORGET), max(at, now)
        for identity in self._identities.get(name, ()):
            if identity not in matched and identity not in unknown:
                times = _known(sightings.pop((name, identity)), latest)
                over = window is None and times[-1:] < (at,)
                if not over and (times := _since(times, since)):
                    sightings[name, identity] = times
        short = self._short[name] = {}
        for identity in matched:
            key = (name, identity)
            times = sightings[key] = _since(
                _with(_known(sightings.get(key, ()), latest), at), since
            )
            if len(times) < cycles:
                short[identity] = len(times)

    def lacking(self, match: Match) -> str:
        """Return what is still missing before the match counts; empty when nothing is."""
        policy = match.policy
        seen = self._short[policy.name].get(match.identity)
        if seen is None:
            return ""
        sustain = policy.spec.sustain
        within = f" within {format_duration(sustain.window)}" if sustain.window else " in a row"
        return f"matched in {seen} of {sustain.cycles} runs{within}"


def _since(times: tuple[datetime, ...], since: datetime) -> tuple[datetime, ...]:
    """Return the times after `since`, the latest ones."""
    if times[:1] <= (since,):
        times = tuple(time for time in times if time > since)
    return times[-_KEPT:]


def _known(times: tuple[datetime, ...], latest: datetime) -> tuple[datetime, ...]:
    """Return the times that are not dated later than they can be."""
    return times if times[-1:] <= (latest,) else tuple(time for time in times if time <= latest)


def _with(times: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    """Return the times, which are in order, with another one."""
    return (*times, at) if not times or at > times[-1] else tuple(sorted({*times, at}))
