"""Names for proposals: sortable by time, unguessable enough, fit for an annotation or a URL."""

import secrets
from collections.abc import Callable
from typing import Final

from remedyd.model import Clock, ProposalId

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


class ProposalIds:
    """Makes ids of 26 lower-case characters: 48 bits of milliseconds, 80 bits of randomness."""

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Take the time and a source of random bytes (a seeded one makes runs repeatable)."""
        self._clock = clock
        self._entropy = entropy

    def __call__(self) -> ProposalId:
        """Return a new id."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        number = (milliseconds << 80) | int.from_bytes(self._entropy(10))
        digits = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
        return ProposalId("".join(digits))
