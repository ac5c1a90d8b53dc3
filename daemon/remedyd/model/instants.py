"""Times finer than a microsecond, which Python's own cannot hold.

Only `date_nanos` columns have them. They stay datetimes, so that whatever computes with a time
goes on to work; what compares or prints one sees all nine digits.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NanoTime(datetime):
    """An aware UTC datetime and the `nanosecond` (1 to 999) within its microsecond."""

    nanosecond: int = 0

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """Return all nine digits where no precision is asked for."""
        if timespec != "auto":
            return super().isoformat(sep, timespec)
        text = super().isoformat(sep, "microseconds")
        return f"{text[:26]}{self.nanosecond:03d}{text[26:]}"

    def __eq__(self, other: object) -> bool:
        """Compare down to the nanosecond."""
        return super().__eq__(other) and self.nanosecond == getattr(other, "nanosecond", 0)

    def __ne__(self, other: object) -> bool:
        """Compare down to the nanosecond."""
        return not self == other

    __hash__ = datetime.__hash__


def from_nanos(nanos: int) -> datetime:
    """Return the time of nanoseconds since 1970: a NanoTime where a datetime would lose digits."""
    micros, rest = divmod(nanos, 1000)
    moment = _EPOCH + timedelta(microseconds=micros)
    if not rest:
        return moment
    fine = NanoTime.combine(moment.date(), moment.timetz())
    assert isinstance(fine, NanoTime)
    fine.nanosecond = rest
    return fine


def millis_text(moment: datetime) -> str:
    """Return a time as Elasticsearch prints it: milliseconds, or finer where it is finer."""
    text = f"{moment.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')}"
    text += f"{getattr(moment, 'nanosecond', 0):03d}"
    while text.endswith("000") and len(text) > 23:
        text = text[:-3]
    return f"{text}Z"
