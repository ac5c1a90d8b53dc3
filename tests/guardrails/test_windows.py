"""Freeze and maintenance windows hold in the wall-clock time of their zone."""

from datetime import UTC, datetime

import pytest

from remedyd.errors import InvalidInput
from support.guardrails import CART, guardrails, reason, snapshot


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(text: str) -> str:
    return f"{{windows: [{{name: w, {text}}}]}}"


NIGHT = 'kind: Freeze, start: "22:00", end: "06:00", days: [Fri], timeZone: Europe/Berlin'
SALE = "kind: Freeze, start: 2026-11-27T00:00, end: 2026-11-30T00:00, timeZone: America/New_York"


@pytest.mark.parametrize(
    ("spec", "now", "frozen"),
    [
        (NIGHT, "2026-11-06T20:59:59", False),  # Friday 21:59:59 in Berlin
        (NIGHT, "2026-11-06T21:00:00", True),
        (NIGHT, "2026-11-07T04:59:59", True),  # still Friday's night
        (NIGHT, "2026-11-07T05:00:00", False),
        (NIGHT, "2026-11-07T21:30:00", False),  # Saturday
        (NIGHT, "2026-07-03T20:00:00", True),  # summer time: 22:00 is 20:00 UTC
        (SALE, "2026-11-27T04:59:59", False),
        (SALE, "2026-11-27T05:00:00", True),
        (SALE, "2026-11-30T04:59:59", True),
        (SALE, "2026-11-30T05:00:00", False),
        ('kind: Freeze, start: "08:00", end: "09:00"', "2026-11-05T08:30:00", True),
        ('kind: Freeze, start: "08:00", end: "09:00"', "2026-11-05T09:00:00", False),
        ('kind: Freeze, start: "00:00", end: "00:00", days: [Thu]', "2026-11-05T13:00:00", True),
        ('kind: Freeze, start: "00:00", end: "00:00", days: [Thu]', "2026-11-06T00:00:00", False),
    ],
)
def test_a_freeze_holds_from_start_to_before_end(spec: str, now: str, frozen: bool) -> None:
    """Start belongs to the window, end does not; a night belongs to the day it starts on."""
    assert (reason(snapshot(window(spec), now=at(now))) == "Frozen") is frozen


DOUBTFUL = "start: 2026-10-25T02:30, end: 2026-10-25T02:45, timeZone: Europe/Berlin"


@pytest.mark.parametrize(
    ("now", "frozen", "maintained"),
    [
        ("2026-10-25T00:30:00", True, False),  # the first 02:30
        ("2026-10-25T01:00:00", True, False),
        ("2026-10-25T01:40:00", True, False),  # the second 02:40
        ("2026-10-25T01:45:00", False, False),
    ],
)
def test_an_hour_that_exists_twice_is_read_on_the_safe_side(
    now: str, frozen: bool, maintained: bool
) -> None:
    """A freeze covers both readings of a doubtful time, a maintenance window neither."""
    freeze = snapshot(window(f"kind: Freeze, {DOUBTFUL}"), now=at(now))
    work = snapshot(window(f"kind: Maintenance, {DOUBTFUL}"), now=at(now))
    assert (reason(freeze) == "Frozen") is frozen
    assert (reason(work) == "") is maintained


WEEKLY = 'start: "02:15", end: "02:30", days: [Sun], timeZone: Europe/Berlin'


@pytest.mark.parametrize(
    ("now", "frozen", "maintained"),
    [
        ("2026-10-25T00:14:59", False, False),
        ("2026-10-25T00:15:00", True, False),  # the first 02:15
        ("2026-10-25T00:45:00", True, False),  # 02:45, between the two
        ("2026-10-25T01:20:00", True, False),  # the second 02:20
        ("2026-10-25T01:30:00", False, False),
        ("2026-11-01T01:20:00", True, True),  # a Sunday with one 02:20
    ],
)
def test_a_weekly_window_in_a_doubled_hour_is_on_the_safe_side_too(
    now: str, frozen: bool, maintained: bool
) -> None:
    """Work that was to end at the first 02:30 does not begin anew at the second 02:15."""
    freeze = snapshot(window(f"kind: Freeze, {WEEKLY}"), now=at(now))
    work = snapshot(window(f"kind: Maintenance, {WEEKLY}"), now=at(now))
    assert (reason(freeze) == "Frozen") is frozen
    assert (reason(work) == "") is maintained


MISSING = "timeZone: Europe/Berlin, start: 2026-03-29T02:30, end: 2026-03-29T06:00"


@pytest.mark.parametrize(
    ("now", "frozen", "maintained"),
    [
        ("2026-03-29T00:29:59", False, False),
        ("2026-03-29T00:30:00", True, False),  # 01:30, which is 02:30 in summer time
        ("2026-03-29T01:29:59", True, False),  # 03:29:59
        ("2026-03-29T01:30:00", True, True),  # 03:30, which is 02:30 in winter time
        ("2026-03-29T03:59:59", True, True),
        ("2026-03-29T04:00:00", False, False),
    ],
)
def test_a_start_that_the_clocks_jump_over_is_on_the_safe_side(
    now: str, frozen: bool, maintained: bool
) -> None:
    """02:30 does not exist on that night: a freeze begins early, maintenance begins late."""
    freeze = snapshot(window(f"kind: Freeze, {MISSING}"), now=at(now))
    work = snapshot(window(f"kind: Maintenance, {MISSING}"), now=at(now))
    assert (reason(freeze) == "Frozen") is frozen
    assert (reason(work) == "") is maintained


def test_a_night_keeps_its_wall_clock_when_the_clocks_change() -> None:
    """Friday's freeze from 22:00 to 06:00 lasts seven hours in the night of the jump."""
    spec = window(NIGHT.replace("[Fri]", "[Sat]"))
    for now, frozen in (
        ("2026-03-28T21:00:00", True),  # 22:00 in winter time
        ("2026-03-29T03:59:59", True),
        ("2026-03-29T04:00:00", False),  # 06:00 in summer time
    ):
        assert (reason(snapshot(spec, now=at(now))) == "Frozen") is frozen


def test_a_freeze_stops_requests_too() -> None:
    """A change freeze is for everybody who writes."""
    spec = window('kind: Freeze, start: "00:00", end: "00:00"')
    assert reason(snapshot(spec, requested=True)) == "Frozen"


def test_policies_wait_for_maintenance() -> None:
    """Outside of every maintenance window policies write nothing; a principal may."""
    spec = window('kind: Maintenance, start: "01:00", end: "05:00"')
    assert reason(snapshot(spec)) == "OutsideMaintenance"
    assert reason(snapshot(spec, requested=True)) == ""
    assert reason(snapshot(spec, now=at("2026-11-05T01:00:00"))) == ""


def test_one_open_maintenance_window_is_enough() -> None:
    """Of several windows any one that is open lets a change through."""
    spec = (
        '{windows: [{name: a, kind: Maintenance, start: "01:00", end: "05:00"},'
        ' {name: b, kind: Maintenance, start: "11:00", end: "13:00"}]}'
    )
    assert reason(snapshot(spec)) == ""


def test_windows_are_about_their_namespaces() -> None:
    """A window that names namespaces leaves the others alone."""
    spec = window('kind: Freeze, start: "00:00", end: "00:00", namespaces: [bank-*]')
    assert reason(snapshot(spec)) == ""
    here = CART.__class__("prod", "bank-1", "Deployment", "cart")
    assert reason(snapshot(spec, target=here)) == "Frozen"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('start: "22:00", end: "06:00", timeZone: Mars/Olympus', "is not a time zone"),
        ('start: "22:00", end: 2026-11-27T00:00', "both be times of day"),
        ("start: 2026-11-30T00:00, end: 2026-11-27T00:00", "end must come after start"),
        ("start: 2026-11-27T00:00, end: 2026-11-30T00:00, days: [Mon]", "days belong to a weekly"),
        ("start: 2026-02-30T00:00, end: 2026-03-01T00:00", "not a date in the calendar"),
        ('start: "24:00", end: "06:00"', "does not match the pattern"),
        ("start: 22:00, end: 06:00", "base-60"),
        ('start: "22:00", end: "06:00", days: [Friday]', 'did you mean "Fri"'),
    ],
)
def test_a_wrong_window_is_refused_with_its_place(text: str, message: str) -> None:
    """Every mistake in a file is told with line and column."""
    with pytest.raises(InvalidInput) as caught:
        guardrails(window(f"kind: Freeze, {text}"))
    (problem, *_) = [p for p in caught.value.problems if message in p.message]
    assert (problem.path, problem.line) == ("g.yaml", 4)
    assert problem.column > 0
