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
        self._identities: dict[str, set[str]] = {}
        for policy, identity in sightings:
            self._identities.setdefault(policy, set()).add(identity)

    def note(self, policy: Policy, matched: Set[str], unknown: Set[str], at: datetime) -> None:
        """Remember the rows that matched in the window ending `at`, forget those that did not.

        Both are identities; nothing is known about the `unknown` ones, so they stay as they are.
        """
        known = self._identities.get(policy.name, set())
        sustain = policy.spec.sustain
        if sustain.cycles == 1:
            matched, unknown = frozenset(), frozenset()
        for identity in sorted((known | matched) - unknown):
            key = (policy.name, identity)
            times = self.sightings.get(key, ())
            if identity in matched:
                times = tuple(sorted({*times, at}))
            elif sustain.window is None and (not times or at > times[-1]):
                times = ()
            since = at - (sustain.window or _FORGET)
            times = tuple(time for time in times if time > since)[-_KEPT:]
            if times:
                self.sightings[key] = times
            else:
                self.sightings.pop(key, None)

    def lacking(self, match: Match) -> str:
        """Return what is still missing before the match counts; empty when nothing is."""
        sustain = match.policy.spec.sustain
        if sustain.cycles == 1:
            return ""
        times = self.sightings.get((match.policy.name, match.identity), ())
        seen = len(times)
        if seen >= sustain.cycles:
            return ""
        within = f" within {format_duration(sustain.window)}" if sustain.window else " in a row"
        return f"matched in {seen} of {sustain.cycles} runs{within}"
