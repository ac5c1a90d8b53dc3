"""How far a lab has come, told to other processes: their clock waits for it.

Eight bytes in a file that both map into memory: written after every event, read whenever somebody
asks for the time. A message for each would cost more than what it tells of.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path


class Reach:
    """The latest time that a clock may show; usable until `close`."""

    def __init__(self, origin: datetime, ahead: timedelta) -> None:
        """Take where the time line begins, and how far a clock may run ahead of the lab."""
        self._begin = (origin + ahead).timestamp()
        with tempfile.NamedTemporaryFile(prefix="remedyd-reached-", delete=False) as file:
            file.truncate(8)
            self._bytes = mmap(file.fileno(), 8)
        self.path = Path(file.name)
        """The file: the time as seconds since 1970, a double."""
        self._seconds = memoryview(self._bytes).cast("d")
        self.tell(0.0)

    def tell(self, seconds: float) -> None:
        """Say that the lab has come to a number of seconds since its origin."""
        self._seconds[0] = self._begin + seconds

    def latest(self) -> datetime:
        """Return the time that is not to be passed."""
        return datetime.fromtimestamp(self._seconds[0], UTC)

    def close(self) -> None:
        """Take the file away; those that have it open read on."""
        self.path.unlink(missing_ok=True)
