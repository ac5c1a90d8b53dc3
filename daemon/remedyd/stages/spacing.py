"""When something was last done about a proposal, for what is done again only after a while.

In memory, and bounded: what was forgotten, or is dated later than now because the clock was set
back since, is done once too often. Nothing that decides may rest on this.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from remedyd.model import ProposalId

_MOST: Final = 1000


class Spacing:
    """Remembers the last time for each of the latest thousand proposals."""

    def __init__(self) -> None:
        """Begin without a memory."""
        self._last: OrderedDict[ProposalId, datetime] = OrderedDict()

    def note(self, proposal: ProposalId, now: datetime) -> None:
        """Remember that it was done now."""
        self._last[proposal] = now
        self._last.move_to_end(proposal)
        while len(self._last) > _MOST:
            self._last.popitem(last=False)

    def within(self, proposal: ProposalId, now: datetime, span: timedelta) -> bool:
        """Whether it was done less than `span` ago."""
        last = self._last.get(proposal)
        return last is not None and timedelta(0) <= now - last < span

    def forget(self, proposal: ProposalId) -> None:
        """Have it done anew."""
        self._last.pop(proposal, None)

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._last)
