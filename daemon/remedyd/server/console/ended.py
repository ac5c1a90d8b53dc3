"""Sessions that are over before their time, here and at every replica.

The store is asked about a session every few seconds, not for each request: that is how long a
session lives on elsewhere that was signed out at one replica.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from remedyd.model import monotonic

FRESH_SECONDS: Final = 3.0
_MOST: Final = 4096


class Shared(Protocol):
    """What all replicas know of sign-outs; every method raises StoreError."""

    def add(self, session: str, until: datetime, now: datetime) -> None:
        """Remember that a session is over which was good `until`."""
        ...

    def __contains__(self, session: str) -> bool:
        """Whether a session is over."""
        ...


class Spent:
    """What is of no use any more, each until it would be over anyway; bounded."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._until: OrderedDict[str, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: str) -> bool:
        """Whether it was added, and not forgotten since."""
        with self._lock:
            return key in self._until

    def add(self, key: str, until: datetime, now: datetime) -> bool:
        """Remember it; return whether that is news."""
        with self._lock:
            news = key not in self._until
            self._until[key] = until
            for old in [old for old, end in self._until.items() if end <= now]:
                del self._until[old]
            while len(self._until) > _MOST:
                self._until.popitem(last=False)
            return news


class Ended:
    """Ended sessions; safe to share between threads."""

    def __init__(
        self, shared: Shared | None = None, ticks: Callable[[], float] = monotonic
    ) -> None:
        """Take what replicas share; without, a sign-out holds in this process alone."""
        self._spent = Spent()
        self._shared = shared
        self._ticks = ticks
        self._alive: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, session: str, until: datetime, now: datetime) -> None:
        """End a session: here at once, elsewhere within seconds. Raises StoreError."""
        self._spent.add(session, until, now)
        if self._shared is not None:
            self._shared.add(session, until, now)

    def has(self, session: str, until: datetime, now: datetime) -> bool:
        """Return whether a session is over; raise StoreError when that cannot be known."""
        if session in self._spent:
            return True
        begun = self._ticks()
        if self._shared is None or begun - self._looked_at(session) < FRESH_SECONDS:
            return False
        if session in self._shared:
            self._spent.add(session, until, now)
            return True
        with self._lock:
            self._alive[session] = begun
            self._alive.move_to_end(session)
            if len(self._alive) > _MOST:
                self._alive.popitem(last=False)
        return False

    def _looked_at(self, session: str) -> float:
        with self._lock:
            return self._alive.get(session, -FRESH_SECONDS)
