"""From a bearer token to a principal, or to nobody.

Every known hash is compared, each in constant time, so that neither a near miss nor the place in
the list shows in the answer's delay. Failures are counted per source and answered with a growing
refusal (`Throttled`); a right token passes even then, because behind a proxy all callers share
one address and whoever guesses must not lock the on-call out.
"""

import hmac
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from remedyd.errors import ConfigurationError, Throttled, Unauthenticated
from remedyd.model import Clock, Principal
from remedyd.server.tokens import Token, hashed
from remedyd.server.vouching import Lasting, Vouching

_LONGEST: Final = 4096
_SOURCES: Final = 1024
_LISTED: Final = "use a token from the daemon's tokens file"


class Authenticator:
    """Knows the tokens in force; safe to share between threads."""

    def __init__(
        self,
        load: Callable[[], Sequence[Token]],
        clock: Clock,
        *,
        vouching: Vouching | None = None,
        lasting: Lasting | None = None,
        failures: int = 10,
        period: timedelta = timedelta(minutes=1),
    ) -> None:
        """Read the tokens once; `failures` wrong ones per `period` and source are answered.

        `vouching` is asked about tokens that are not in the list, `lasting` later about users who
        signed in to the console. Raise `ConfigurationError` for
        tokens that cannot be used, or if nobody could call.
        """
        self._load = load
        self._clock = clock
        self._vouching = vouching
        self.lasting: Final = lasting
        self._failures = Failures(failures, period)
        self._tokens: tuple[Token, ...] = ()
        self.reload()

    def reload(self) -> int:
        """Read the tokens again and return how many are in force.

        On an error (`ConfigurationError`) the old ones stay in force.
        """
        tokens = tuple(self._load())
        now = self._clock.now()
        good = sum(token.expires is None or now < token.expires for token in tokens)
        if not good and self._vouching is None:
            raise ConfigurationError(
                "every bearer token has expired: nobody could call",
                hint="add a token with a later `expires`; several may be valid at a time",
            )
        self._tokens = tokens
        return good

    def authenticate(self, token: str, source: str = "") -> Principal:
        """Return who holds `token`; `source` is the caller's address, "" when unknown.

        Raise `Unauthenticated`, or its kind `Throttled` after too many failures from `source`;
        for a token that others know, what `Vouching.identify` raises.
        """
        now = self._clock.now()
        found = self._find(token)
        if found is None and (vouched := self._vouched(token, source, now)):
            return vouched
        if found is None:
            raise self._refused(source, now, "the bearer token is not known")
        if found.expires is not None and now >= found.expires:
            ended = f"{found.expires:%Y-%m-%d %H:%M:%SZ}"
            name = found.principal.name
            raise self._refused(source, now, f"the bearer token of {name} expired at {ended}")
        return found.principal

    def listed(self, token: str) -> Principal | None:
        """Return who holds a token in force of the list, at once: nobody else is asked."""
        found = self._find(token)
        if found is None or (found.expires is not None and self._clock.now() >= found.expires):
            return None
        return found.principal

    def holder(self, recognises: Callable[[bytes], bool]) -> Principal | None:
        """Return who holds the token in force whose SHA-256 is recognised: a session's, say."""
        now = self._clock.now()
        for known in self._tokens:
            if recognises(known.digest) and (known.expires is None or now < known.expires):
                return known.principal
        return None

    def _vouched(self, token: str, source: str, now: datetime) -> Principal | None:
        if self._vouching is None:
            return None
        try:
            return self._vouching.identify(token, source)
        except Throttled:
            raise
        except Unauthenticated as error:
            raise self._refused(source, now, error.message, error.hint) from error

    def _find(self, token: str) -> Token | None:
        digest = hashed(token[:_LONGEST])
        found = None
        for known in self._tokens:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found if len(token) <= _LONGEST else None

    def _refused(
        self, source: str, now: datetime, message: str, hint: str = _LISTED
    ) -> Unauthenticated:
        wait = self._failures.add(source, now)
        if wait:
            seconds = max(1, round(wait.total_seconds()))
            return Throttled(
                f"too many failed attempts; wait {seconds} s",
                seconds,
                hint="check the token before trying again",
            )
        return Unauthenticated(message, hint=hint)


class Failures:
    """Counts failures per source within a sliding period, for a bounded number of sources."""

    def __init__(self, allowed: int, period: timedelta) -> None:
        """Take how many failures are answered plainly per period."""
        self._allowed = allowed
        self._period = period
        self._times: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, source: str, now: datetime) -> timedelta:
        """Count one failure; return how long to wait, zero while few enough."""
        with self._lock:
            times = self._times.setdefault(source, deque(maxlen=self._allowed + 1))
            self._times.move_to_end(source)
            while times and times[0] <= now - self._period:
                times.popleft()
            times.append(now)
            if len(self._times) > _SOURCES:
                self._times.popitem(last=False)
            if len(times) <= self._allowed:
                return timedelta(0)
            return times[0] + self._period - now
