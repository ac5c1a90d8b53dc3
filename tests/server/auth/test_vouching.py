"""What was vouched for is remembered for a minute that passes, whatever the clock is set to."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from remedyd.errors import Unauthenticated
from remedyd.model import ManualClock, Principal, Scope
from remedyd.server.jwts import Claimed
from remedyd.server.vouching import Vouching

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEEP = timedelta(seconds=60)
ANN = Principal("ann", frozenset({Scope.APPROVER}))


class Machine:
    """Its two times, one that is set and one that passes, and a voucher who is asked."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.passed = 100.0
        self.asked = 0
        self.right = True
        self.vouching = Vouching([self], self.clock, keep=KEEP, ticks=lambda: self.passed)

    def live(self, seconds: float, jump: float = 0) -> None:
        """Let time pass, and the clock be set by `jump` seconds."""
        self.passed += seconds
        self.clock.advance(timedelta(seconds=seconds + jump))

    def takes(self, claimed: Claimed) -> bool:
        return True

    def identify(self, token: str) -> Principal:
        self.asked += 1
        if not self.right:
            raise Unauthenticated("not any more")
        return ANN


def token(**claims: object) -> str:
    """Return what looks like a signed token."""

    def part(content: Mapping[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part({'iss': 'i', **claims})}.c2ln"


@pytest.fixture
def machine() -> Machine:
    """Return one that has just let Ann in."""
    made = Machine()
    assert made.vouching.identify(token()) == ANN
    return made


@pytest.mark.parametrize("jump", [0, -50, -3600, 3600])
def test_a_withdrawn_right_is_felt_within_a_minute_that_passes(
    machine: Machine, jump: float
) -> None:
    """The clock may be set meanwhile, in small steps even: no answer lasts longer by it."""
    machine.right = False
    machine.live(50, jump)
    machine.live(10)
    with pytest.raises(Unauthenticated, match="not any more"):
        machine.vouching.identify(token())


@pytest.mark.parametrize(("jump", "asked"), [(0, 1), (-30, 2), (30, 1), (-3600, 2), (3600, 2)])
def test_an_answer_that_no_clock_makes_old_is_kept(
    machine: Machine, jump: float, asked: int
) -> None:
    """Where one says that it is too old, or younger than it can be, it is asked for anew."""
    machine.live(20, jump)
    assert machine.vouching.identify(token()) == ANN
    assert machine.asked == asked


def test_a_yes_ends_with_its_token_although_the_clock_was_set_back() -> None:
    """What was left of the token's time has passed, so that it is looked at again."""
    machine = Machine()
    held = token(exp=int((NOW + timedelta(seconds=30)).timestamp()))
    machine.vouching.identify(held)
    machine.live(20, -15)
    machine.live(12)
    machine.right = False
    with pytest.raises(Unauthenticated, match="not any more"):
        machine.vouching.identify(held)
