"""Tokens that others vouch for: the API server, or an OpenID provider.

An answer is remembered for a short while, by the token's hash and never beyond its end, so that a
busy caller costs one question a minute; a withdrawn right is felt after that time. Questions are
bounded per address, so that whoever sends made-up tokens cannot have us flood the API server, and
in number at a time, so that one who answers slowly does not hold every thread.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, runtime_checkable

from remedyd.errors import Forbidden, IdentityUnavailable, Throttled, Unauthenticated
from remedyd.model import Clock, Principal, monotonic
from remedyd.server import jwts
from remedyd.server.jwts import Claimed
from remedyd.server.rates import Rates
from remedyd.server.tokens import hashed

_REMEMBERED: Final = 2048
_QUESTIONS_A_MINUTE: Final = 300
_AT_ONCE: Final = 8  # a fraction of the threads that serve requests: the others go on
_PATIENCE_SECONDS: Final = 1.0
_NO: Final = timedelta(seconds=10)
_Answer = Principal | Unauthenticated | Forbidden


class Voucher(Protocol):
    """Whoever knows the holders of some tokens."""

    def takes(self, claimed: Claimed) -> bool:
        """Whether a token that says this of itself is to be asked about here."""
        ...

    def identify(self, token: str) -> Principal:
        """Return who holds the token.

        Raise Unauthenticated for a bad one, Forbidden for a user without any right here,
        IdentityUnavailable or ClusterError when there is no answer.
        """
        ...


@runtime_checkable
class Lasting(Protocol):
    """Whoever can say later what a user may do, without the token: for a browser's session."""

    def named(self, token: str) -> tuple[str, tuple[str, ...]] | None:
        """Return user and granted groups of a token that was let in, None if it is not ours."""
        ...

    def standing(self, user: str, groups: Sequence[str]) -> Principal | None:
        """Return who that is by the grants of now, None when nothing is granted any more."""
        ...


class Vouching:
    """Asks the vouchers and remembers what they said; safe to share between threads."""

    def __init__(
        self,
        vouchers: Sequence[Voucher],
        clock: Clock,
        *,
        keep: timedelta,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """Take who may be asked, and how long a yes is remembered."""
        self._vouchers = vouchers
        self._clock = clock
        self._keep = keep
        self._ticks = ticks
        self._rates = Rates(_QUESTIONS_A_MINUTE, ticks)
        self._known: OrderedDict[bytes, tuple[datetime, float, _Answer]] = OrderedDict()
        self._age = 0
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def identify(self, token: str, source: str = "") -> Principal | None:
        """Return who holds the token, None if nobody here could know.

        Raise what `Voucher.identify` raises, or Throttled.
        """
        claimed = jwts.peek(token)
        voucher = next((v for v in self._vouchers if claimed and v.takes(claimed)), None)
        if claimed is None or voucher is None:
            return None
        now = self._clock.now()
        if claimed.expires is not None and now >= claimed.expires:
            raise Unauthenticated("the token has expired", hint="fetch a new one")
        key = hashed(token)
        with self._lock:
            until, end, answer = self._known.get(key, (now, 0.0, None))
            age = self._age
        # by both clocks: the one that dates tokens may be set, which makes no answer last longer
        over = self._ticks() >= end or not timedelta(0) < until - now <= self._keep
        if answer is None or over:
            answer = self._ask(voucher, token, source)
            self._remember(key, answer, now, claimed, age)
        if isinstance(answer, Principal):
            return answer
        raise type(answer)(answer.message, hint=answer.hint)

    def forget(self) -> None:
        """Ask anew from now on: what users may do has changed."""
        with self._lock:
            self._age += 1
            self._known.clear()

    def _ask(self, voucher: Voucher, token: str, source: str) -> _Answer:
        if wait := self._rates.take(source):
            raise Throttled(
                f"too many tokens had to be looked up; wait {wait} s", wait, hint="try again"
            )
        if not self._places.acquire(timeout=_PATIENCE_SECONDS):
            raise IdentityUnavailable(
                "too many tokens are being looked up: whoever vouches for them is slow",
                hint="try again; tokens of the tokens file go on working",
            )
        try:
            return voucher.identify(token)
        except (Unauthenticated, Forbidden) as error:
            return error
        finally:
            self._places.release()

    def _remember(
        self, key: bytes, answer: _Answer, now: datetime, claimed: Claimed, age: int
    ) -> None:
        until = now + (self._keep if isinstance(answer, Principal) else min(_NO, self._keep))
        if claimed.expires is not None:
            until = min(until, claimed.expires)
        end = self._ticks() + (until - now).total_seconds()
        with self._lock:
            if age != self._age:  # asked before what users may do has changed
                return
            self._known[key] = (until, end, answer)
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
