"""Waits for proposals to move: for a reader with patience, and for the event stream.

A notice from the store wakes the waiter; because another replica's moves give no notice here, it
looks by itself every few seconds as well.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import Final, Self, TypeVar

from starlette.concurrency import run_in_threadpool

from remedyd.errors import Throttled
from remedyd.service import Service

LONGEST_SECONDS: Final = 60
_LOOK_AGAIN_SECONDS: Final = 3.0
_STREAMS: Final = 64
_OWN_STREAMS: Final = 16
T = TypeVar("T")


class Streams:
    """Who waits here: bounds the open streams, and wakes all waiters when the daemon stops."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: Counter[str] = Counter()
        self._waiting: set[Moved] = set()
        self.ending = False

    def check(self, principal: str) -> None:
        """Raise Throttled when no more streams may be opened, or none by this principal."""
        if self._open[principal] >= _OWN_STREAMS:
            raise Throttled(f"{principal} has {_OWN_STREAMS} event streams open, the most", 30)
        if self._open.total() >= _STREAMS:
            raise Throttled(f"{_STREAMS} event streams are open, which is the most", 30)

    @contextmanager
    def opened(self, principal: str) -> Iterator[None]:
        """Count a stream until the block ends."""
        self._open[principal] += 1
        try:
            yield
        finally:
            self._open[principal] -= 1
            self._open += Counter()  # forgets who has none open

    def join(self, moved: "Moved") -> None:
        """Let a waiter be woken at the end."""
        self._waiting.add(moved)

    def leave(self, moved: "Moved") -> None:
        """Let it go."""
        self._waiting.discard(moved)

    def end(self) -> None:
        """Wake every waiter: the daemon stops. Safe in a signal handler."""
        self.ending = True
        for moved in tuple(self._waiting):
            moved.wake()


class Moved(AbstractContextManager["Moved"]):
    """Between `with` and its end: notices that something moved. Belongs to one event loop."""

    def __init__(self, service: Service, streams: Streams) -> None:
        """Take whom to listen to."""
        self._service = service
        self._streams = streams
        self._flag = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._stop = self._service.listen(lambda _: self.wake())
        self._streams.join(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._streams.leave(self)
        self._stop()

    def wake(self) -> None:
        """End the wait, from any thread."""
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._flag.set)

    async def within(self, seconds: float) -> bool:
        """Wait for a move, at most `seconds`; return whether there was one."""
        try:
            await asyncio.wait_for(self._flag.wait(), seconds)
        except TimeoutError:
            return False
        self._flag.clear()
        return True


async def until(
    service: Service,
    streams: Streams,
    read: Callable[[], T],
    done: Callable[[T], bool],
    seconds: float,
) -> T:
    """Return what `read` gives once it is `done`, or after `seconds` whatever it gives then."""
    if seconds <= 0:
        return await run_in_threadpool(read)
    with Moved(service, streams) as moved:
        end = asyncio.get_running_loop().time() + seconds
        while True:
            found = await run_in_threadpool(read)
            left = end - asyncio.get_running_loop().time()
            if done(found) or left <= 0 or streams.ending:
                return found
            await moved.within(min(left, _LOOK_AGAIN_SECONDS))
