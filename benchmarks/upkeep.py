"""What a store with a long history asks of those who look after it, and what the daemon feels.

    python benchmarks/upkeep.py 100000 [--days 10]

Fills a SQLite file, then a PostgreSQL of its own, as `history.py` does. Retention runs in a thread
as in the daemon, backup, vacuum and restore by the command line in a process of their own. All the
while another thread writes 20 times a second, as the daemon would, and tells how long a write took.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from history import DAYS, NOW, fill

from remedyd.errors import StoreError
from remedyd.model import ManualClock
from remedyd.model.clock import monotonic
from remedyd.proposals.database import Database
from remedyd.proposals.store import Store
from support import postgres

PAUSE = 0.05
COMMAND = "from remedyd.cli.main import main; main()"


class Writer:
    """Writes again and again, and remembers how long each write took."""

    def __init__(self, store: Store) -> None:
        """Take the store of the daemon."""
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.took: list[float] = []
        self.failed = 0

    def _write(self) -> None:
        while not self._stopping.wait(PAUSE):
            begun = monotonic()
            try:
                self._store.check()
            except StoreError:
                self.failed += 1
            self.took.append((monotonic() - begun) * 1000)

    def __enter__(self) -> "Writer":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End after the write at hand."""
        self._stopping.set()
        self._thread.join()

    def told(self) -> str:
        """Return median, longest and failed writes, as cells of a table."""
        if not self.took:
            return "| | |"
        middle, longest = statistics.median(self.took), max(self.took)
        return f"| {middle:.1f} | {longest:.0f} | {self.failed} of {len(self.took)} |"


def command(url: str, *words: str) -> tuple[float, float, int]:
    """Run `remedyd store`; return seconds, own processor time in seconds, and most memory in MB."""
    begun = monotonic()
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "store", *words],
        env={**os.environ, "REMEDYD_DATABASE": url},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"remedyd store {words[0]} ended with {running.returncode}")
    seconds = monotonic() - begun
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def report(what: str, store: Store | None, work: Callable[[], str]) -> None:
    """Do some work while the daemon writes, and print a line."""
    if store is None:
        print(f"| {what} | {work()} | | | |", flush=True)
        return
    with Writer(store) as writer:
        told = work()
    print(f"| {what} | {told} {writer.told()}", flush=True)


def run(url: str, *words: str) -> Callable[[], str]:
    """Return the work of one command, told as cells."""

    def work() -> str:
        seconds, used, memory = command(url, *words)
        return f"{seconds:.1f} | {used:.1f} | {memory}"

    return work


def measure(name: str, place: str, fresh: str, count: int, days: float, home: Path) -> None:
    """Fill a store, look after it, and print what it cost."""
    with closing(Store(place, ManualClock(NOW))) as store, closing(opened(place)) as database:
        store.migrate()
        fill(place, count)
        print(f"\n{name}: {count} proposals, {database._size() / 1e6:.0f} MB\n")
        print("| | s | processor s | MB | write, median ms | longest | failed |")
        print("|---|---|---|---|---|---|---|", flush=True)
        report("nothing else", store, lambda: f"{threading.Event().wait(3) or 3} | | ")
        file = home / f"{name}.gz"
        report("backup", store, run(place, "backup", str(file)))
        report(f"retention of {days:g} days", store, lambda: forgotten(store, days))
        report("vacuum", store, run(place, "vacuum"))
        after = database._size() / 1e6
        report("restore", None, run(fresh, "restore", str(file)))
        print(f"\nThe backup has {file.stat().st_size / 1e6:.0f} MB, the store {after:.0f} MB.")


def forgotten(store: Store, days: float) -> str:
    """Delete the oldest days; return the time and how many proposals went."""
    begun = monotonic()
    gone = store.delete_finished(NOW - timedelta(days=DAYS - days))
    return f"{monotonic() - begun:.1f} ({gone} proposals) | | "


def opened(url: str) -> Database:
    """Return the database of a store."""
    return Database(url, busy_timeout=timedelta(seconds=5))


@contextmanager
def places() -> Iterator[dict[str, tuple[str, str, Path]]]:
    """Give a store to fill, and one to restore into, of each kind."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remedyd-")))
        found = {"SQLite": (f"sqlite:///{home}/a.db", f"sqlite:///{home}/b.db", home)}
        if postgres.binaries() is not None:
            server = stack.enter_context(postgres.server())
            first, second = server.url(server.database()), server.url(server.database())
            found["PostgreSQL"] = (first, second, home)
        yield found


def main(count: int, days: float) -> None:
    """Measure both kinds of store."""
    with places() as found:
        for name, (place, fresh, home) in found.items():
            measure(name, place, fresh, count, days, home)


if __name__ == "__main__":
    words = sys.argv[1:]
    main(int(words[0]) if words else 100_000, float(words[2]) if words[1:2] == ["--days"] else 10)
