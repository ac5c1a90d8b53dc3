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
from pathlib import Path
from typing import Final, Protocol

from pydantic import SecretStr

from remedyd.errors import ConfigurationError, Throttled, Unauthenticated
from remedyd.model import Clock, Principal
from remedyd.server.tokens import Token, hashed, read

_LONGEST: Final = 4096
_SOURCES: Final = 1024


class TokenSettings(Protocol):
    """The part of the server's settings that names tokens."""

    @property
    def tokens_file(self) -> Path | None:
        """The YAML file."""
        ...

    @property
    def tokens(self) -> SecretStr | None:
        """The same YAML, inline."""
        ...


class Authenticator:
    """Knows the tokens in force; safe to share between threads."""

    def __init__(
        self,
        load: Callable[[], Sequence[Token]],
        clock: Clock,
        *,
        failures: int = 10,
        period: timedelta = timedelta(minutes=1),
    ) -> None:
        """Read the tokens once; `failures` wrong ones per `period` and source are answered.

        Raise `ConfigurationError` for tokens that cannot be used, or if all have expired.
        """
        self._load = load
        self._clock = clock
        self._failures = Failures(failures, period)
        self._tokens: tuple[Token, ...] = ()
        self.reload()

    @classmethod
    def configured(cls, settings: TokenSettings, clock: Clock) -> "Authenticator":
        """Return the authenticator that the server's settings describe."""
        inline = settings.tokens.get_secret_value() if settings.tokens else ""
        return cls(lambda: read(settings.tokens_file, inline), clock)

    def reload(self) -> int:
        """Read the tokens again and return how many are in force.

        On an error (`ConfigurationError`) the old ones stay in force.
        """
        tokens = tuple(self._load())
        now = self._clock.now()
        good = sum(token.expires is None or now < token.expires for token in tokens)
        if not good:
            raise ConfigurationError(
                "every bearer token has expired: nobody could call",
                hint="add a token with a later `expires`; several may be valid at a time",
            )
        self._tokens = tokens
        return good

    def authenticate(self, token: str, source: str = "") -> Principal:
        """Return who holds `token`; `source` is the caller's address, "" when unknown.

        Raise `Unauthenticated`, or its kind `Throttled` after too many failures from `source`.
        """
        now = self._clock.now()
        found = self._find(token)
        if found is None:
            raise self._refused(source, now, "the bearer token is not known")
        if found.expires is not None and now >= found.expires:
            ended = f"{found.expires:%Y-%m-%d %H:%M:%SZ}"
            name = found.principal.name
            raise self._refused(source, now, f"the bearer token of {name} expired at {ended}")
        return found.principal

    def _find(self, token: str) -> Token | None:
        digest = hashed(token[:_LONGEST])
        found = None
        for known in self._tokens:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found if len(token) <= _LONGEST else None

    def _refused(self, source: str, now: datetime, message: str) -> Unauthenticated:
        wait = self._failures.add(source, now)
        if wait:
            seconds = max(1, round(wait.total_seconds()))
            return Throttled(
                f"too many failed attempts; wait {seconds} s",
                seconds,
                hint="check the token before trying again",
            )
        return Unauthenticated(message, hint="use a token from the daemon's tokens file")


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
