"""The body of a write that is held back until the very last look.

No check can stop a process between itself and the next line: a leader that is frozen there writes
when it wakes. So the head of the request goes first, with the time that the API server may take
for the whole of it; then comes the look, then the body. Whoever sleeps longer than that in between
finds the request given up by the server. A proxy that buffers whole requests takes this away; the
resourceVersion that every write carries is left then.
"""

import json
from collections.abc import Callable, Iterator


class Late:
    """A JSON body that asks before it is sent."""

    def __init__(self, look: Callable[[], object], body: object) -> None:
        """Take what is asked (raises Refused to send nothing) and the body."""
        self._look = look
        self.content = json.dumps(body).encode()

    def __iter__(self) -> Iterator[bytes]:
        """Ask, then give the whole."""
        self._look()
        yield self.content
