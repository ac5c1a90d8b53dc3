"""Data streams in memory: documents in the order they came, trimmed by age.

Documents are kept as they are handed over and never changed. Trimming is lazy: it costs nothing
until a good part of a stream is too old.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from remedyd.lab.elasticsearch.mappings import StreamMapping

Document = dict[str, Any]


@dataclass(slots=True)
class Stream:
    """One stream. `base` counts the documents that were trimmed away since the beginning."""

    name: str
    mapping: StreamMapping
    documents: list[Document] = field(default_factory=list)
    ids: dict[str, Document] = field(default_factory=dict)
    base: int = 0


class DataStreams:
    """All streams by name; every method may be called from any thread."""

    def __init__(self, retention: timedelta) -> None:
        """Take how long documents are kept, by their own time."""
        self._streams: dict[str, Stream] = {}
        self._retention = retention
        self._lock = threading.RLock()

    def append(self, name: str, documents: Sequence[Document]) -> None:
        """Add documents to a stream, which is made when it does not exist."""
        if not documents:
            return
        with self._lock:
            stream = self._make(name)
            stream.mapping.learn(documents)
            stream.documents.extend(documents)

    def create(self, name: str, ident: str, document: Document) -> bool:
        """Add a document under an id of the caller's choice; False when the id is taken."""
        with self._lock:
            stream = self._make(name)
            if ident in stream.ids:
                return False
            stream.ids[ident] = document
            self.append(name, [document])
            return True

    def _make(self, name: str) -> Stream:
        known = self._streams.get(name)
        if known is None:
            known = self._streams[name] = Stream(name, StreamMapping(name))
        return known

    def get(self, name: str) -> Stream | None:
        """Return a stream by its name."""
        return self._streams.get(name)

    def matching(self, pattern: str) -> list[Stream]:
        """Return the streams that an index list such as `a-*,b,-c` means, by name."""
        chosen: set[str] = set()
        with self._lock:
            for part in pattern.split(","):
                wanted = part.strip().removeprefix("-")
                found = {n for n in self._streams if wanted == "_all" or fnmatchcase(n, wanted)}
                chosen = chosen - found if part.strip().startswith("-") else chosen | found
            return [self._streams[name] for name in sorted(chosen)]

    def snapshot(self, name: str, since: int = 0) -> tuple[int, list[Document]]:
        """Return the documents from number `since` on, with the number of the first of them."""
        with self._lock:
            stream = self._streams[name]
            first = max(since, stream.base)
            return first, stream.documents[first - stream.base :]

    def trim(self, now: datetime) -> None:
        """Forget what is older than the retention, once that is a quarter of a stream."""
        horizon = (now - self._retention).strftime("%Y-%m-%dT%H:%M:%S")
        with self._lock:
            for stream in self._streams.values():
                quarter = len(stream.documents) // 4
                if quarter and stream.documents[quarter]["@timestamp"] < horizon:
                    stale = _first_kept(stream.documents, horizon)
                    del stream.documents[:stale]
                    stream.base += stale

    def drop(self, names: Iterable[str]) -> None:
        """Delete streams."""
        with self._lock:
            for name in names:
                self._streams.pop(name, None)


def _first_kept(documents: Sequence[Document], horizon: str) -> int:
    for number, document in enumerate(documents):
        if document["@timestamp"] >= horizon:
            return number
    return len(documents)
