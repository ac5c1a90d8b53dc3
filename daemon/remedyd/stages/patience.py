"""What a proposal waits for by itself: a closed switch, a change of leader, a busy API server.

None of these says anything about the change, so none of them may end it. How long the API server
asked to be left alone is kept in memory only: after a restart it is asked once too often.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

from remedyd.cluster.door import LONGEST_WAIT
from remedyd.errors import ClusterError, Refused
from remedyd.model import Clock, ProposalId
from remedyd.policy.reasons import Reason

_PASSING = frozenset({"Paused", "NotLeader", Reason.CLOCK_WRONG.value})
_MOST = 1000


def waits(error: Refused) -> bool:
    """Whether the refusal is about the moment, not about the change."""
    return error.reason in _PASSING


class Patience:
    """Remembers for each proposal until when the API server wants no further attempt."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock
        self._asked: OrderedDict[ProposalId, tuple[datetime, timedelta]] = OrderedDict()

    def asked(self, proposal: ProposalId, error: ClusterError) -> None:
        """Note a `Retry-After` that is longer than the door waits by itself."""
        if error.retry_after > LONGEST_WAIT:
            span = timedelta(seconds=error.retry_after)
            self._asked[proposal] = (self._clock.now(), span)
            while len(self._asked) > _MOST:
                self._asked.popitem(last=False)

    def over(self, proposal: ProposalId) -> bool:
        """Whether the next attempt may be made."""
        since, span = self._asked.get(proposal, (self._clock.now(), timedelta(0)))
        if timedelta(0) <= self._clock.now() - since < span:  # earlier: the clock was set back
            return False
        self._asked.pop(proposal, None)
        return True
