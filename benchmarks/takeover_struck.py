"""The daemon as it is, except that it strikes itself where it was told to.

From outside nobody can hit the moment between two lines. While there is a file `strike` in the
working directory, with a place, how often to pass it, and a signal, the process sends itself that
signal there, and says when in a file `struck`.

    python benchmarks/takeover_struck.py run
"""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from remedyd.cluster.late import Late
from remedyd.doorstep import main
from remedyd.model.clock import monotonic

HEAD, LOOKED = "head sent", "looked, body not sent"
COMMIT, COMMITTED = "before a commit", "after a commit"
PLACES = (HEAD, LOOKED, COMMIT, COMMITTED)

_told, _struck = Path("strike"), Path("struck")
_passed = 0


def passing(place: str) -> None:
    """Strike here, if this is the place and it was passed often enough."""
    global _passed
    try:
        where, often, number = _told.read_text(encoding="utf-8").split("|")
    except FileNotFoundError:
        _passed = 0
        return
    if where != place:
        return
    _passed += 1
    if _passed >= int(often):
        _told.unlink(missing_ok=True)
        part = _struck.with_suffix(".part")
        part.write_text(str(monotonic()), encoding="utf-8")
        part.replace(_struck)
        # to this thread: one to the process may stop another first, and this one goes on meanwhile
        signal.pthread_kill(threading.get_ident(), int(number))


def _in_two(self: Late) -> Iterator[bytes]:
    scales = b'"replicas"' in self.content  # no Event about it
    if scales:
        passing(HEAD)
    self._look()
    if scales:
        passing(LOOKED)
    yield self.content


def _commit(connection: Any) -> None:
    if connection.get_execution_options().get("remedyd_write"):
        passing(COMMIT)
        connection.connection.driver_connection.commit()
        passing(COMMITTED)


if __name__ == "__main__":
    Late.__iter__ = _in_two  # type: ignore[method-assign]
    sa.event.listen(sa.Engine, "commit", _commit)
    main()
