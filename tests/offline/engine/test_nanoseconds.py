"""Times finer than Python's own."""

from datetime import UTC, datetime

from remedyd.model.instants import NanoTime, from_nanos, millis_text

AT = 1_795_341_600_123_456_789


def test_a_time_keeps_its_nanoseconds():
    """It is a datetime that prints and compares all nine digits."""
    moment = from_nanos(AT)
    assert isinstance(moment, NanoTime)
    assert moment.isoformat() == "2026-11-22T10:00:00.123456789+00:00"
    assert millis_text(moment) == "2026-11-22T10:00:00.123456789Z"
    assert moment != from_nanos(AT + 1)
    assert moment == from_nanos(AT)
    assert len({moment, from_nanos(AT), from_nanos(AT + 1)}) == 2


def test_a_whole_microsecond_is_a_plain_datetime():
    """Nothing is added where a datetime says it all."""
    moment = from_nanos(1_000_000)
    assert type(moment) is datetime
    assert moment == datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)
    assert millis_text(moment) == "1970-01-01T00:00:00.001Z"


def test_a_precision_asked_for_is_kept():
    """Asked for seconds, it prints seconds."""
    assert from_nanos(AT).isoformat(timespec="seconds") == "2026-11-22T10:00:00+00:00"
