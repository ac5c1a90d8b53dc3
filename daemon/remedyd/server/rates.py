"""How many requests one principal may send: a bucket of tokens that refills evenly.

In memory and per replica: it keeps one busy agent from starving the others, it is no quota.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_PRINCIPALS: Final = 4096


class Rates:
    """The buckets; safe to share between threads."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float]) -> None:
        """Allow `per_minute` requests a minute, all of which may come at once."""
        self._size = float(per_minute)
        self._per_second = per_minute / 60.0
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, principal: str) -> int:
        """Count one request; return 0, or how many seconds to wait before the next one."""
        with self._lock:
            now = self._monotonic()
            left, at = self._buckets.pop(principal, (self._size, now))
            left = min(self._size, left + (now - at) * self._per_second)
            wait = 0 if left >= 1.0 else math.ceil((1.0 - left) / self._per_second)
            self._buckets[principal] = (left if wait else left - 1.0, now)
            if len(self._buckets) > _PRINCIPALS:
                self._buckets.popitem(last=False)
            return wait
