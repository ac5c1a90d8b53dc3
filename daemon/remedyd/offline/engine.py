"""Running ES|QL in-process: verify, generate SQL, run it, report warnings as Elasticsearch does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from remedyd.model import Clock, Column, SystemClock, Table
from remedyd.offline.catalog import Catalog, Schema, read_mapping
from remedyd.offline.catalog.otel import otel_schema
from remedyd.offline.catalog.patterns import parse_patterns
from remedyd.offline.cells import row_reader
from remedyd.offline.nodes import Query
from remedyd.offline.parser import parse
from remedyd.offline.plan import Plan
from remedyd.offline.sources.batch import Batch
from remedyd.offline.sources.parquet import fit
from remedyd.offline.sqlgen import Statement, generate
from remedyd.offline.storage import Storage
from remedyd.offline.types import DataType
from remedyd.offline.verifier import Given, Settings, verify
from remedyd.offline.warning_texts import warnings_of

DEFAULT_STACK = (9, 4)
_REMEMBERED = 50_000
"""Longer texts are parsed anew each time, so that the memory of queries stays small."""
_parsed = lru_cache(maxsize=128)(parse)


def parsed(text: str) -> Query:
    """Return a query as it is understood; the latest ones are remembered. Raises EsqlError."""
    return _parsed(text) if len(text) < _REMEMBERED else parse(text)


class Engine:
    """Streams of documents in memory, and the queries over them.

    `stack` is the Elasticsearch release imitated: functions that came later do not exist.
    `clock` is what NOW() reads; with `hide_future`, documents later than that are not seen.
    Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        stack: tuple[int, int] = DEFAULT_STACK,
        clock: Clock | None = None,
        threads: int = 0,
        hide_future: bool = False,
    ) -> None:
        self.stack = stack
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._hide_future = hide_future
        self._storage = Storage(threads)
        self._lock = threading.RLock()
        self._catalog = Catalog()

    def close(self) -> None:
        """Give back all memory."""
        self._storage.close()

    # --- streams ---------------------------------------------------------------------------

    def create_stream(
        self, name: str, mapping: Mapping[str, Any], *, path: str = "", text: str = ""
    ) -> None:
        """Make an empty stream from its mapping. Raises InvalidInput for a bad mapping.

        `path` and `text` are of the file it comes from, for the error to point into.
        """
        self._put(read_mapping(name, mapping, path=path, text=text))

    def _put(self, schema: Schema) -> None:
        with self._lock:
            self._storage.prepare(schema)
            self._catalog = Catalog({**self._catalog.schemas, schema.stream: schema})

    def add_documents(
        self,
        stream: str,
        documents: Iterable[Mapping[str, Any]],
        templates: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Append documents to a stream, all or none; fields new to it are mapped.

        A stream that does not exist is made from the OpenTelemetry templates. `templates` gives
        for each document the dynamic template per path, as a bulk request names them. Raises
        BadDocument.
        """
        with self._lock:
            schema = self._catalog.schemas.get(stream)
            batch = Batch(schema if schema is not None else otel_schema(stream))
            for index, document in enumerate(documents):
                batch.add(document, templates[index] if index < len(templates) else None)
            self.add_batch(batch)

    def add_batch(self, batch: Batch) -> None:
        """Append documents gathered before, all or none."""
        with self._lock:
            before = batch.schema
            grown = batch.finish()
            self._storage.append(grown, batch.rows)
            if grown is not before or grown.stream not in self._catalog.schemas:
                self._catalog = Catalog({**self._catalog.schemas, grown.stream: grown})

    def attach_parquet(self, stream: str, path: str) -> None:
        """Let a parquet file be the documents of a new stream, or of one without any so far.

        It stays where it is and must not change. A stream that was not created is made from
        the OpenTelemetry templates. Raises InvalidInput, ExecutionError.
        """
        with self._lock:
            schema = self._catalog.schemas.get(stream)
            schema, columns = fit(
                schema if schema is not None else otel_schema(stream),
                self._storage.parquet_columns(path),
                path,
            )
            self._storage.show_parquet(stream, path, columns, schema.stored)
            self._catalog = Catalog({**self._catalog.schemas, stream: schema})

    def drop_stream(self, name: str) -> None:
        """Forget a stream and its documents."""
        with self._lock:
            kept = {key: schema for key, schema in self._catalog.schemas.items() if key != name}
            self._catalog = Catalog(kept)
            self._storage.drop(name)

    def drop_before(self, moment: datetime) -> None:
        """Forget documents older than `moment` (aware) in every stream."""
        naive = moment.astimezone(UTC).replace(tzinfo=None)
        for stream in self._catalog.schemas:
            self._storage.drop_before(stream, naive)

    @property
    def storage(self) -> Storage:
        """Where the documents are; for queries that are put together outside of this class."""
        return self._storage

    @property
    def catalog(self) -> Catalog:
        """The streams and their mappings at this moment."""
        return self._catalog

    def count(self, stream: str) -> int:
        """Return how many documents a stream holds."""
        return self._storage.count(stream)

    def fields(self, indices: str, names: Iterable[str] | None = None) -> dict[str, str]:
        """Return the type of every mapped field (of the given names) in an index list."""
        resolution = self._catalog.resolve(parse_patterns(indices))
        wanted = resolution.names() if names is None else names
        found = {name: list(resolution.types(name)) for name in wanted}
        return {
            name: types[0].value if len(types) == 1 else DataType.UNSUPPORTED.value
            for name, types in found.items()
            if types
        }

    # --- queries ---------------------------------------------------------------------------

    def plan(self, query: str | Query, params: Given = (), *, now: datetime | None = None) -> Plan:
        """Verify a query without running it. Raises EsqlError."""
        understood = parse(query) if isinstance(query, str) else query
        moment = now if now is not None else self._clock.now()
        return verify(
            understood, self._catalog, Settings(moment, self.stack, params, self._hide_future)
        )

    def sql(self, query: str, params: Given = (), *, now: datetime | None = None) -> str:
        """Return the DuckDB SQL a query becomes."""
        return generate(self.plan(query, params, now=now), self._storage).sql

    def query(self, text: str, params: Given = (), *, now: datetime | None = None) -> Table:
        """Run a query. `params` maps names to JSON values, or lists positional ones.

        Raises EsqlError; its subclass UnsupportedEsql for what only Elasticsearch can run.
        """
        started = time.perf_counter()
        query = parsed(text)
        with self._lock:
            plan = self.plan(query, params, now=now)
            statement = generate(plan, self._storage)
            names = [site.sequence for site in statement.sites]
            rows, moved = self._storage.run_watched(statement.sql, names)
            warnings = [*plan.warnings, *self._warnings(query, statement, moved)]
        columns = tuple(Column(name, column.type.value) for name, column in plan.output)
        return Table(
            columns=columns,
            rows=tuple(map(row_reader([column.type for _, column in plan.output]), rows)),
            warnings=tuple(warnings),
            took_ms=(time.perf_counter() - started) * 1000,
        )

    def _warnings(self, query: Query, statement: Statement, moved: set[str]) -> list[str]:
        texts: list[str] = []
        for site in statement.sites:
            if site.sequence in moved:
                shown = []
                if site.shown:
                    shown = [row[0] for row in self._storage.run(statement.examples(site))]
                texts += warnings_of(site, query.source, shown)
        return list(dict.fromkeys(texts))
