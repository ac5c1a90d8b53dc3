"""Tells whoever waits that a proposal has moved, so that nobody has to sleep and look again.

A notice comes after the commit and carries no more than the id: the listener reads the truth
from the store. It reaches listeners in this process only; with several replicas on one database
a listener also looks by itself now and then.
"""

import threading
from collections.abc import Callable
from itertools import count

from remedyd.model import ProposalId

Listener = Callable[[ProposalId], None]


class Notices:
    """Who listens; safe to share between threads."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._keys = count()
        self._listeners: dict[int, Listener] = {}
        self._lock = threading.Lock()

    def listen(self, told: Listener) -> Callable[[], None]:
        """Call `told` after each move, in the mover's thread; return what ends this.

        `told` must return at once and raise nothing.
        """
        with self._lock:
            key = next(self._keys)
            self._listeners[key] = told

        def stop() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return stop

    def tell(self, proposal: ProposalId) -> None:
        """Tell every listener that `proposal` has moved."""
        with self._lock:
            listeners = tuple(self._listeners.values())
        for told in listeners:
            told(proposal)
