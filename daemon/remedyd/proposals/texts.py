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
_CHARACTERS: Final = 3_000_000
"""Of all remembered texts together: whole pod templates may stand in some hundreds of them."""


class Texts:
    """Remembers the latest; safe to share between threads, as proposals are: nobody alters one."""

    def __init__(self, most: int = _MOST, characters: int = _CHARACTERS) -> None:
        """Take how many are remembered, and of what length in all; the latest always is.

        Those not asked for longest go first.
        """
        self._most = most
        self._characters = characters
        self._length = 0
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
            self._length += 0 if text in self._known else len(text)
            self._known[text] = proposal
            self._known.move_to_end(text)
            while len(self._known) > 1 and self._too_much():
                gone, _ = self._known.popitem(last=False)
                self._length -= len(gone)
        return proposal

    def _too_much(self) -> bool:
        return len(self._known) > self._most or self._length > self._characters
