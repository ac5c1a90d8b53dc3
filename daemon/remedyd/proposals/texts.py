"""What stored texts came to, so that the same text is not decoded again and again.

On the way from an approval to its write the same record is read five times, and at every tick so is
whatever is under way. Each time the text itself comes from the database and is compared whole: a
record that anybody changed, by whatever means, is decoded anew.
"""

import threading
from collections import OrderedDict
from typing import Final

from remedyd.model import Proposal
from remedyd.proposals import codec

_MOST: Final = 256


class Texts:
    """Remembers the latest; safe to share between threads, as proposals are: nobody alters one."""

    def __init__(self, most: int = _MOST) -> None:
        """Take how many are remembered; those not asked for longest go first."""
        self._most = most
        self._known: OrderedDict[str, Proposal] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, text: str) -> Proposal:
        """Return the proposal of a text; raise `StoreError` if it is not one of ours."""
        with self._lock:
            found = self._known.get(text)
            if found is not None:
                self._known.move_to_end(text)
                return found
        return self.keep(text, codec.load(text))

    def keep(self, text: str, proposal: Proposal) -> Proposal:
        """Remember what a text says; return it."""
        with self._lock:
            self._known[text] = proposal
            self._known.move_to_end(text)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return proposal
