"""Windows of time in which nothing, or only then something, may be written.

A window is written in wall-clock time of a named zone, for that is what a change freeze means to
people: 22:00 stays 22:00 when the clocks change. A time that exists twice or not at all is read
on the safe side: a freeze covers both readings of it, a maintenance window neither.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from remedyd.documents import Model, Name
from remedyd.policy.schema import Pattern

_DAY = timedelta(days=1)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENT = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}(:[0-5][0-9])?"


class WindowKind(StrEnum):
    """What a window does."""

    FREEZE = "Freeze"
    MAINTENANCE = "Maintenance"


class Day(StrEnum):
    """A day of the week."""

    MONDAY = "Mon"
    TUESDAY = "Tue"
    WEDNESDAY = "Wed"
    THURSDAY = "Thu"
    FRIDAY = "Fri"
    SATURDAY = "Sat"
    SUNDAY = "Sun"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f'"{name}" is not a time zone; write one such as Europe/Berlin') from None
    return name


def _bound(text: str) -> str:
    try:
        _parsed(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a date in the calendar') from None
    return text


Zone = Annotated[str, AfterValidator(_zone)]
Bound = Annotated[str, Field(pattern=rf"^({_TIME}|{_MOMENT})$"), AfterValidator(_bound)]
"""A time of day (`"22:00"`) or a moment (`2026-11-27T00:00`), without a zone."""


class Window(Model):
    """A stretch of time: weekly where `start` and `end` are times of day, else once."""

    name: Name
    """Told with every change that it stops."""
    kind: WindowKind
    """Freeze: nothing is written in it. Maintenance: policies write only in one of these."""
    start: Bound
    """A time of day (`"22:00"`), or a moment (`2026-11-27T00:00`)."""
    end: Bound
    """Not part of the window; at or before `start` it means the next day."""
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = tuple(Day)
    """Days on which a weekly window starts."""
    time_zone: Zone = "UTC"
    """Whose clock `start` and `end` are read on, such as Europe/Berlin."""
    namespaces: tuple[Pattern, ...] = ()
    """Namespaces it is about; empty: all."""

    @model_validator(mode="after")
    def _alike(self) -> "Window":
        start, end = _parsed(self.start), _parsed(self.end)
        if type(start) is not type(end):
            raise ValueError("start and end must both be times of day, or both dates with a time")
        if isinstance(start, datetime) and isinstance(end, datetime):
            if end <= start:
                raise ValueError("end must come after start")
            if "days" in self.model_fields_set:
                raise ValueError("days belong to a weekly window, this one has dates")
        return self

    def concerns(self, namespace: str) -> bool:
        """Whether the window is about `namespace`."""
        return not self.namespaces or any(fnmatchcase(namespace, p) for p in self.namespaces)

    def holds_at(self, now: datetime) -> bool:
        """Whether `now`, which is aware, lies in the window."""
        start, end = _parsed(self.start), _parsed(self.end)
        if isinstance(start, datetime) and isinstance(end, datetime):
            return self._between(start, end, now)
        today = now.astimezone(ZoneInfo(self.time_zone)).date()
        return any(
            self._between(*_from(day, cast("time", start), cast("time", end)), now)
            for day in (today, today - _DAY)
            if tuple(Day)[day.weekday()] in self.days
        )

    def _between(self, start: datetime, end: datetime, now: datetime) -> bool:
        (first, last), (earliest, latest) = self._readings(start), self._readings(end)
        if self.kind is WindowKind.FREEZE:
            return first <= now < latest
        return last <= now < earliest

    def _readings(self, wall: datetime) -> tuple[datetime, datetime]:
        """Return the first and the last moment that a wall-clock time may mean."""
        zone = ZoneInfo(self.time_zone)
        both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        return min(both), max(both)


def _from(day: date, start: time, end: time) -> tuple[datetime, datetime]:
    until = day if start < end else day + _DAY
    return datetime.combine(day, start), datetime.combine(until, end)


def _parsed(text: str) -> time | datetime:
    return datetime.fromisoformat(text) if "T" in text else time.fromisoformat(text)
