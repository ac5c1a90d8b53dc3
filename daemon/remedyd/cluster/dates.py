"""How far apart our clock and the API server's are, by the date of each of its answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from remedyd.model.clock import Clock


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the moment in a `Date` header, to the second; None where there is no good one."""
    try:
        found = parsedate_to_datetime(headers.get("Date") or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


class Dates:
    """Listens to answers; the last one counts. Safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        """Take our clock."""
        self._clock = clock
        self._ahead: timedelta | None = None

    def heard(self, headers: Mapping[str, str]) -> None:
        """Note the headers of an answer that came just now."""
        there = date_of(headers)
        if there is not None:
            self._ahead = self._clock.now() - there

    def ahead(self) -> timedelta | None:
        """Return by how much our clock was ahead at the last answer; None before the first."""
        return self._ahead
