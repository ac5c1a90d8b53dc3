"""From NDJSON to parquet: half the size, and read where it lies instead of into memory.

The new recording is put together beside the old one and gets its name when all of it is there.
"""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from remedyd.errors import InvalidInput
from remedyd.model import ManualClock
from remedyd.offline.catalog.rendering import render_mapping
from remedyd.offline.engine import Engine
from remedyd.offline.recording import MAPPINGS, PARQUET, load
from remedyd.offline.sources.parquet_writer import write_parquet

_LAST = datetime.max.replace(tzinfo=UTC)


def convert(source: Path, target: Path) -> dict[str, int]:
    """Write the recording in `source` as parquet into the new directory `target`.

    Returns the number of documents of each stream. Raises InvalidInput naming file and line of
    what cannot be read; then nothing is left behind.
    """
    if not source.is_dir():
        raise InvalidInput(f"{source}: no such directory", hint="name a recording's directory")
    if target.exists():
        raise InvalidInput(f"{target} already exists", hint="name a new directory")
    engine = Engine(clock=ManualClock(_LAST))
    try:
        load(engine, source)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = target.with_name(f".{target.name}.{os.getpid()}")
        made.mkdir()
        try:
            counts = _write(engine, made)
            made.replace(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    finally:
        engine.close()
    return counts


def _write(engine: Engine, directory: Path) -> dict[str, int]:
    counts = {}
    mappings = {}
    for stream, schema in sorted(engine.catalog.schemas.items()):
        mappings[stream] = render_mapping(schema)
        counts[stream] = engine.count(stream)
        write_parquet(engine.storage, schema, directory / f"{stream}{PARQUET}")
    text = json.dumps(mappings, indent=1)
    (directory / MAPPINGS).write_text(text, encoding="utf-8")
    return counts
