"""What happened in the store, for watches and for the controllers.

Each subscription has its own queue, so that a slow reader never holds up a writer.
"""

import queue
from collections.abc import Iterator
from dataclasses import dataclass

from remedyd.model.values import KubeObject


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One change: `type` is ADDED, MODIFIED or DELETED.

    `object` and `previous` are shared with the store: read them, never change them.
    """

    type: str
    gvr: str
    object: KubeObject
    previous: KubeObject | None
    version: int


class Subscription:
    """A queue of the events of one resource, from a resourceVersion on."""

    def __init__(self, gvr: str, namespace: str | None) -> None:
        """Take what to listen for; namespace None means all."""
        self.gvr = gvr
        self.namespace = namespace
        self.closed = False
        self._queue: queue.SimpleQueue[StoreEvent | None] = queue.SimpleQueue()

    def offer(self, event: StoreEvent) -> None:
        """Add an event if it belongs here; called by the store."""
        if event.gvr != self.gvr:
            return
        if self.namespace and event.object["metadata"].get("namespace") != self.namespace:
            return
        self._queue.put(event)

    def get(self, timeout: float | None = None) -> StoreEvent | None:
        """Return the next event, or None when `timeout` seconds passed or it was closed."""
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            return None

    def pending(self) -> Iterator[StoreEvent]:
        """Yield what is queued now, without waiting."""
        while (event := self.get(timeout=0.0)) is not None:
            yield event

    def close(self) -> None:
        """Wake the reader for good; the store forgets closed subscriptions."""
        self.closed = True
        self._queue.put(None)
