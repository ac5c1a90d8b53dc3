"""A recording as a query source: what happened once, asked as if it were Elasticsearch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from remedyd.errors import InvalidInput, Problem, QueryError
from remedyd.model import AuditOutcome, Clock, Json, ManualClock, Table
from remedyd.offline.catalog.otel import otel_schema
from remedyd.offline.engine import DEFAULT_STACK, Engine
from remedyd.offline.errors import EsqlError
from remedyd.offline.sources.batch import BadDocument, Batch
from remedyd.offline.sources.ndjson import read_ndjson
from remedyd.offline.storage import ExecutionError
from remedyd.offline.verifier import UnknownIndex

MAPPINGS = "mappings.json"
PARQUET = ".parquet"
_SUFFIXES = (".ndjson", ".ndjson.gz", PARQUET)


class RecordingSource:
    """Implements model.QuerySource over directories of NDJSON or parquet files.

    Each `<stream>.ndjson[.gz]` or `<stream>.parquet` is a stream; `mappings.json` beside it holds
    the mapping per stream, in the shape of an index template. A stream without one starts from the
    OpenTelemetry templates, but then a field that was never recorded is unknown instead of
    null. `now` is the moment NOW() stands at, a datetime or a clock that moves: documents
    later than that are not there yet.
    """

    def __init__(
        self,
        paths: Path | str | Sequence[Path | str],
        now: datetime | Clock,
        *,
        stack: tuple[int, int] = DEFAULT_STACK,
    ) -> None:
        """Load everything. Raises InvalidInput naming file and line; nothing is half-loaded."""
        clock = ManualClock(now) if isinstance(now, datetime) else now
        self.engine = Engine(stack=stack, clock=clock, hide_future=True)
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        for path in given:
            load(self.engine, Path(path))

    def query(self, text: str, params: Mapping[str, Json]) -> Table:
        """Run a query; raises errors.QueryError with the outcome it amounts to."""
        try:
            return self.engine.query(text, params)
        except EsqlError as error:
            raise QueryError(
                _outcome(error).value,
                error.message,
                line=error.line,
                column=error.column,
                hint=error.hint,
            ) from error
        except ExecutionError as error:
            raise QueryError("BadQuery", error.message, hint=error.hint) from error

    def fields(self, indices: str, names: frozenset[str]) -> Mapping[str, str]:
        """Return the mapped ones among `names` with their type."""
        return self.engine.fields(indices, sorted(names))

    def version(self) -> tuple[int, int]:
        """Return the Elasticsearch release imitated."""
        return self.engine.stack


def _outcome(error: EsqlError) -> AuditOutcome:
    if isinstance(error, UnknownIndex):
        return AuditOutcome.NO_DATA
    if "Unknown column" in error.reason:
        return AuditOutcome.MISSING_FIELD
    return AuditOutcome.BAD_QUERY


def load(engine: Engine, directory: Path) -> None:
    """Load every stream of a directory into an engine. Raises InvalidInput."""
    files = sorted(path for path in directory.glob("*") if path.name.endswith(_SUFFIXES))
    if not files:
        message = f"no {' or '.join(_SUFFIXES)} file in {directory}"
        raise InvalidInput(message, [Problem("no recorded stream here", str(directory))])
    _refuse_doubles(files)
    path_of_mappings = directory / MAPPINGS
    mappings, text = _mappings(path_of_mappings)
    for path in files:
        stream = _stream(path)
        if stream in mappings and stream not in engine.catalog.schemas:
            mapping = mappings[stream]
            engine.create_stream(stream, mapping, path=str(path_of_mappings), text=text)
        if path.name.endswith(PARQUET):
            _attach(engine, stream, path)
        else:
            _load_stream(engine, stream, path)


def _stream(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".ndjson").removesuffix(PARQUET)


def _refuse_doubles(files: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in files:
        other = seen.setdefault(_stream(path), path)
        if other != path:
            message = f"the stream {_stream(path)} is in {other.name}, too; keep one of the files"
            raise InvalidInput(f"{path}: {message}", [Problem(message, str(path))])


def _attach(engine: Engine, stream: str, path: Path) -> None:
    try:
        engine.attach_parquet(stream, str(path))
    except ExecutionError as error:
        problem = Problem(error.message, str(path))
        raise InvalidInput(f"{path} cannot be read: {error.message}", [problem]) from error


def _mappings(path: Path) -> tuple[dict[str, Any], str]:
    """Return the mapping per stream, and the text they are written in."""
    if not path.exists():
        return {}, ""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        message = f"is not JSON: {error}"
        raise InvalidInput(f"{path}: {message}", [Problem(message, str(path), line, 1)]) from error
    if not isinstance(found, dict):
        message = "must be an object with one mapping per stream"
        raise InvalidInput(f"{path}: {message}", [Problem(message, str(path))])
    return found, text


def _load_stream(engine: Engine, stream: str, path: Path) -> None:
    schema = engine.catalog.schemas.get(stream)
    batch = Batch(schema if schema is not None else otel_schema(stream))
    for number, document in read_ndjson(path):
        try:
            batch.add(document)
        except BadDocument as error:
            problem = Problem(str(error), str(path), number, 1)
            raise InvalidInput(
                f"recording {path.name}: line {number}: {error}", [problem]
            ) from error
    engine.add_batch(batch)
