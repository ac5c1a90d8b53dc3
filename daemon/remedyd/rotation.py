"""What is made of files that others exchange: credentials, and whom to trust.

A Secret is rotated under a running daemon. The files are looked at before each use (a `stat`), so
the next request has what they hold; whoever is under way ends with what it began with. What cannot
be used, or is proved not to be accepted, leaves the one before in force: a typing error in a
Secret must not blind the watch.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from remedyd.errors import ConfigurationError, RemedydError
from remedyd.model import monotonic

_LOOKS: Final = 5
_REST_SECONDS: Final = 5.0
"""How long a content that was refused is not tried again, however often it is asked for."""

T = TypeVar("T")
State = tuple[str, int, int]


def states(files: Iterable[Path]) -> list[State]:
    """Return what tells one file from another in its place, even of the same content."""
    found = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            found.append((str(file), 0, 0))
            continue
        found.append((str(file), state.st_ino, state.st_mtime_ns))
    return found


def fingerprint(files: Iterable[Path]) -> str:
    """Return a hash of names and contents, and of which files cannot be read.

    While a ConfigMap is exchanged, names are there whose file is gone: that is another state
    than when the names are gone as well.
    """
    found = hashlib.sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            found.update(f"{file}\0{type(error).__name__}\0".encode())
            continue
        found.update(f"{file}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


class Rotating(Generic[T]):
    """Holds what was made of some files; safe to share between threads."""

    def __init__(
        self,
        part: str,
        files: Sequence[Path],
        make: Callable[[], T],
        *,
        prove: Callable[[T], None] = lambda _: None,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """Make it for the first time, unproved. `make` and `prove` raise RemedydError.

        `part` is what it is for, in a word. `prove` is called with what a change has made,
        before it comes into force.
        """
        self.part = part
        self.trouble = ""
        """Why the files' content is not in force, "" if it is."""
        self.hint = ""
        self.on_found: Callable[[], None] = lambda: None
        """Called when there is another content, before anything is made of it."""
        self.on_told: Callable[[Rotating[T]], None] = lambda _: None
        """Called when another content came into force, or is refused."""
        self._files = tuple(files)
        self._make = make
        self._prove = prove
        self._ticks = ticks
        self._lock = threading.Lock()
        self._refused: tuple[str, float] = ("", 0.0)
        self._made, self._seen, self._digest = self._read()

    def current(self) -> T:
        """Return what is in force, after a look whether the files are others.

        While another thread makes the next one, the one before is good.
        """
        if self._files and states(self._files) != self._seen and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._made

    def look(self) -> None:
        """Read the files, and try once more what was refused."""
        with self._lock:
            self._look()

    def instead_of(self, failed: T) -> T | None:
        """Return what is in force after another look; None if that is what has just failed."""
        with self._lock:
            if self._made is failed:
                self._look()
            return None if self._made is failed else self._made

    def _look(self) -> None:
        self._seen = states(self._files)
        digest = fingerprint(self._files)
        if digest == self._digest:
            self._settle(told=bool(self.trouble))
            return
        refused, at = self._refused
        if digest == refused and self._ticks() - at < _REST_SECONDS:
            return
        if digest != refused:
            self.on_found()
        try:
            made, self._seen, digest = self._read()
            self._prove(made)
        except RemedydError as error:
            self._refuse(digest, error)
            return
        self._made, self._digest = made, digest
        self._settle(told=True)

    def _settle(self, *, told: bool) -> None:
        self._refused, self.trouble, self.hint = ("", 0.0), "", ""
        if told:
            self.on_told(self)

    def _refuse(self, digest: str, error: RemedydError) -> None:
        news = self.trouble != error.message
        self._refused = (digest, self._ticks())
        self.trouble, self.hint = error.message, error.hint
        if news:
            self.on_told(self)

    def _read(self) -> tuple[T, list[State], str]:
        """Make it of files of which none changes meanwhile."""
        for _ in range(_LOOKS):
            before, digest = states(self._files), fingerprint(self._files)
            made = self._make()
            if before == states(self._files):
                return made, before, digest
        raise ConfigurationError(
            f"the files of {self.part} change while they are read",
            hint="they are looked at again within a minute",
        )


Follow = Callable[[Rotating[Any]], object]
"""Looks after what may be rotated: tells of it, and tries again what was refused."""
