"""Exports history from Elasticsearch into a recording, so that it can stop and go on.

The files of a recording get their names when all of it is there: until then nobody can take a
part for the whole.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from remedyd.errors import InvalidInput, NotFound
from remedyd.model import Json, Window
from remedyd.testing.recording.state import State, StreamState, load_state

_MAPPINGS = "mappings.json"
_PART = ".ndjson.gz.part"
_WHOLE = ".ndjson.gz"


class Source(Protocol):
    """Where documents come from: `elastic.history.History`."""

    def streams(self, patterns: Sequence[str]) -> list[str]:
        """Return the data streams that match."""
        ...

    def template(self, stream: str) -> dict[str, Json]:
        """Return settings and mapping of a stream."""
        ...

    def count(self, stream: str, window: Window) -> int:
        """Return how many documents lie in a window."""
        ...

    def documents(self, stream: str, window: Window) -> Iterator[list[dict[str, Json]]]:
        """Yield the documents of a window in order of time, page by page."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stream is."""

    stream: str
    documents: int
    total: int


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded: documents by stream."""

    documents: dict[str, int]


class Export:
    """Writes one recording."""

    def __init__(
        self,
        source: Source,
        directory: Path,
        *,
        slice_length: timedelta = timedelta(minutes=15),
        report: Report = lambda progress: None,
    ) -> None:
        """Take where from, where to, how much is read at once, and who wants to know."""
        self._source = source
        self._directory = directory
        self._slice = slice_length
        self._report = report

    def run(self, window: Window, patterns: Sequence[str], *, elasticsearch: str = "") -> Recorded:
        """Record every stream that matches, or go on with what was begun.

        Raises InvalidInput where the directory holds something else, NotFound where no stream
        matches, QueryError when Elasticsearch fails: then the same call goes on later.
        """
        wanted = State(
            window.start.isoformat(), window.end.isoformat(), list(patterns),
            elasticsearch=elasticsearch,
        )  # fmt: skip
        state = self._begun(wanted)
        names = self._source.streams(patterns)
        if not names:
            raise NotFound(
                f"no data stream matches {', '.join(patterns)}",
                hint="name others with --indices, or check the rights of the key",
            )
        mappings = {name: self._source.template(name) for name in names}
        _write_json(self._directory / _MAPPINGS, mappings)
        for name in names:
            self._stream(name, window, state)
        self._finish(state)
        return Recorded({name: one.documents for name, one in state.streams.items()})

    def _begun(self, wanted: State) -> State:
        """Return the state to go on from; a new directory starts anew."""
        self._directory.mkdir(parents=True, exist_ok=True)
        state = load_state(self._directory)
        if state is None:
            if any(self._directory.iterdir()):
                raise InvalidInput(
                    f"{self._directory} is not empty and holds no recording",
                    hint="name a new directory",
                )
            wanted.save(self._directory)
            return wanted
        if state.finished:
            raise InvalidInput(
                f"{self._directory} already holds a recording", hint="name a new directory"
            )
        if not state.same_request(wanted):
            asked = f"{state.start} to {state.end}, {', '.join(state.indices)}"
            raise InvalidInput(
                f"{self._directory} holds the beginning of another recording: {asked}",
                hint="ask for the same again to finish it, or name a new directory",
            )
        return state

    def _stream(self, name: str, window: Window, state: State) -> None:
        """Append slice after slice; each is whole on the disk before it counts."""
        mine = state.streams.setdefault(name, StreamState(window.start.isoformat()))
        total = self._source.count(name, window)
        self._report(Progress(name, mine.documents, total))
        path = self._directory / f"{name}{_PART}"
        with path.open("ab") as file:
            file.truncate(mine.bytes)
        for part in _slices(Window(mine.reached, window.end), self._slice):
            self._slice_of(name, part, path, mine, total)
            state.save(self._directory)

    def _slice_of(self, name: str, part: Window, path: Path, mine: StreamState, total: int) -> None:
        written = 0
        with path.open("ab") as raw:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
                for page in self._source.documents(name, part):
                    file.writelines(_lines(page))
                    written += len(page)
                    self._report(Progress(name, mine.documents + written, total))
            if not written:
                raw.truncate(mine.bytes)
            raw.flush()
        mine.documents += written
        mine.bytes = path.stat().st_size
        mine.until = part.end.isoformat()

    def _finish(self, state: State) -> None:
        """Give the files their names; streams without a document have none."""
        for name, one in state.streams.items():
            part = self._directory / f"{name}{_PART}"
            if not one.documents:
                part.unlink(missing_ok=True)
            elif part.exists():
                part.replace(self._directory / f"{name}{_WHOLE}")
        state.finished = True
        state.save(self._directory)


def _slices(window: Window, length: timedelta) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        end = min(start + length, window.end)
        yield Window(start, end)
        start = end


def _lines(documents: Iterable[dict[str, Json]]) -> Iterator[bytes]:
    for document in documents:
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        yield f"{text}\n".encode()


def _write_json(path: Path, value: object) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=1), encoding="utf-8")
    temporary.replace(path)


def moment(text: str) -> datetime:
    """Read a time with its zone, in UTC; raise ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("say the time zone, as in 2026-01-01T00:00:00Z")
    return found
