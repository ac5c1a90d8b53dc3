"""The data streams: an ES|QL engine that holds everything, and recent documents as they came.

New documents wait in a queue until somebody asks: a lab that is only watched with kubectl pays
nothing for ES|QL, and the minutes of history at the start are taken in at once. What a client
writes is read immediately, because it must be told when it is wrong, and waits as well.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from remedyd.model.audit import Table
from remedyd.model.clock import Clock
from remedyd.model.values import Json
from remedyd.offline.catalog import Schema
from remedyd.offline.catalog.otel import otel_schema
from remedyd.offline.engine import Engine
from remedyd.offline.sources.batch import Batch

Document = Mapping[str, Any]
_QUEUE_LIMIT = 20_000
_RECENT_METRICS = timedelta(minutes=10)
_COUNTERS: Mapping[str, str] = {
    f"metrics.{prefix}.{name}": f"counter_{kind}"
    for prefix in ("container", "k8s.pod", "k8s.node")
    for name, kind in (
        ("cpu.time", "double"),
        ("network.io", "long"),
        ("network.errors", "long"),
        ("uptime", "long"),
    )
}


class DataStreams:
    """Every method may be called from any thread."""

    def __init__(self, clock: Clock, stack: tuple[int, int], retention: timedelta) -> None:
        """Take the lab's time, the release imitated, and how long documents are kept."""
        self._engine = Engine(stack=stack, clock=clock, threads=1)
        self._clock = clock
        self._retention = retention
        self._lock = threading.RLock()
        self._queue: dict[str, list[Document]] = defaultdict(list)
        self._written: dict[str, Batch] = {}
        self._recent: dict[str, list[Document]] = defaultdict(list)
        self._ids: dict[str, set[str]] = defaultdict(set)

    def close(self) -> None:
        """Give back all memory; nothing works afterwards."""
        with self._lock:
            self._engine.close()
            del self._engine  # idle connections outlive the lab; the database must not

    def append(self, name: str, documents: Sequence[Document]) -> None:
        """Add telemetry to a stream, which is made when it does not exist."""
        if not documents:
            return
        with self._lock:
            self._queue[name].extend(documents)
            self._recent[name].extend(documents)
            if len(self._queue[name]) > _QUEUE_LIMIT:
                self.take_in()

    def create(self, name: str, ident: str, document: Document) -> bool:
        """Add a client's document under an id; False when the id is taken.

        Raises BadDocument for one that does not fit the mapping.
        """
        with self._lock:
            if ident in self._ids[name]:
                return False
            batch = self._written.get(name)
            if batch is None:
                self.take_in()
                known = self._engine.catalog.schemas.get(name)
                batch = self._written[name] = Batch(known or otel_schema(name))
            batch.add(document)
            self._ids[name].add(ident)
            self._recent[name].append(document)
            return True

    def define(self, name: str, template: Mapping[str, Any]) -> None:
        """Make an empty index from settings and mappings; raise InvalidInput."""
        mappings = {"properties": {}, **template.get("mappings", {})}
        with self._lock:
            self.take_in()
            self._engine.create_stream(name, {**template, "mappings": mappings})

    def attach(self, name: str, path: str) -> None:
        """Let parquet files (`path` may be a pattern) be the documents of a stream.

        ES|QL sees them, and those that match later; `_search` does not.
        """
        with self._lock:
            self.take_in()
            self._engine.attach_parquet(name, path)

    def drop(self, name: str) -> None:
        """Delete an index with its documents."""
        with self._lock:
            self.take_in()
            self._engine.drop_stream(name)
            for kept in (self._queue, self._recent, self._ids):
                kept.pop(name, None)

    def take_in(self) -> None:
        """Move what waits into the engine."""
        with self._lock:
            while self._written:
                _, batch = self._written.popitem()
                if batch.rows:
                    self._engine.add_batch(batch)
            for name, documents in self._queue.items():
                if documents:
                    templates = [_COUNTERS] * len(documents)
                    self._engine.add_documents(name, documents, templates)
                    self._queue[name] = []

    def trim(self) -> None:
        """Forget what is older than the retention."""
        now = self._clock.now()
        with self._lock:
            self.take_in()
            self._engine.drop_before(now - self._retention)
            for name, documents in self._recent.items():
                kept = _RECENT_METRICS if name.startswith("metrics-") else self._retention
                horizon = _text(now - kept)
                first = next(
                    (n for n, d in enumerate(documents) if str(d.get("@timestamp")) >= horizon),
                    len(documents),
                )
                del documents[:first]

    def names(self, pattern: str) -> list[str]:
        """Return the streams that an index list such as `a-*,b,-c` means, in order of name."""
        chosen: set[str] = set()
        with self._lock:
            known = {*self._engine.catalog.schemas, *self._recent}
        for part in pattern.split(","):
            wanted = part.strip().removeprefix("-")
            found = {name for name in known if wanted == "_all" or fnmatchcase(name, wanted)}
            chosen = chosen - found if part.strip().startswith("-") else chosen | found
        return sorted(chosen)

    def schema(self, name: str) -> Schema:
        """Return the mapping of a stream as it is now."""
        self.take_in()
        return self._engine.catalog.schemas[name]

    def recent(self, name: str) -> list[Document]:
        """Return the latest documents of a stream, oldest first."""
        with self._lock:
            return list(self._recent.get(name, ()))

    def query(self, text: str, params: Mapping[str, Json] | Sequence[Json]) -> Table:
        """Run ES|QL over everything; raise EsqlError."""
        self.take_in()
        return self._engine.query(text, params)

    def fields(self, names: Sequence[str]) -> dict[str, str]:
        """Return the type of every field of these streams."""
        self.take_in()
        return self._engine.fields(",".join(names)) if names else {}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
