"""Runs the daemon until a chosen moment, then kills it as a power failure would.

Used as a program: `python crashing.py MOMENT NUMBER run`. A moment is `commit` (right after the
store's NUMBER-th committed transition), `before-commit` (right before it), `before-patch` or
`after-patch` (around the NUMBER-th real PATCH; the answer never reaches the daemon).
"""

import os
import signal
import sys
from typing import Any

import urllib3
from sqlalchemy import event
from sqlalchemy.engine import Engine


def die() -> None:
    """End this process without any clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Dies at the n-th call."""

    def __init__(self, number: int) -> None:
        """Take how many calls there will be."""
        self.left = number

    def __call__(self) -> None:
        """Count."""
        self.left -= 1
        if self.left == 0:
            die()


def on_commits(countdown: Countdown, *, before: bool) -> None:
    """Count the transactions that change a proposal, at or right after their commit."""
    changing: set[int] = set()

    @event.listens_for(Engine, "after_cursor_execute")
    def statement(connection: Any, cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith(("UPDATE proposals", "INSERT INTO proposals")):
            changing.add(id(connection))

    @event.listens_for(Engine, "commit")
    def commit(connection: Any) -> None:
        if id(connection) in changing:
            changing.discard(id(connection))
            if before:
                countdown()
            else:
                connection.connection.driver_connection.commit()
                countdown()


def on_patches(countdown: Countdown, *, before: bool) -> None:
    """Count the PATCH requests that are not a dry run."""
    original = urllib3.PoolManager.urlopen

    def urlopen(self: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        counted = method == "PATCH" and "dryRun" not in url
        if counted and before:
            countdown()
        answer = original(self, method, url, *args, **options)
        if counted and not before:
            countdown()
        return answer

    urllib3.PoolManager.urlopen = urlopen  # type: ignore[method-assign]


if __name__ == "__main__":
    moment, number = sys.argv[1], Countdown(int(sys.argv[2]))
    del sys.argv[1:3]
    if moment.endswith("commit"):
        on_commits(number, before=moment.startswith("before"))
    else:
        on_patches(number, before=moment.startswith("before"))
    from remedyd.cli.main import main

    main()
