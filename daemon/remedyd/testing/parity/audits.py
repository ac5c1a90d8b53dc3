"""The shipped audits as questions over recorded telemetry."""

import json
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from remedyd.audits.definition import AuditSet
from remedyd.audits.parameters import bind, window_at
from remedyd.audits.preflight import prepare
from remedyd.errors import QueryError
from remedyd.model import ManualClock
from remedyd.offline.recording import MAPPINGS, RecordingSource
from remedyd.offline.sources.ndjson import read_ndjson
from remedyd.testing.parity.questions import Fixture, Question, Topic

_SUFFIXES = (".ndjson", ".ndjson.gz")


def audit_topic(audits: AuditSet, recording: Path, at: datetime, most: int) -> Topic:
    """Return the audits at the time `at`, over at most `most` documents of each stream.

    Raises InvalidInput for a recording that cannot be read.
    """
    source = RecordingSource(recording, ManualClock(at))
    questions = []
    for audit in audits.values():
        try:
            text = prepare(audit, source).text
        except QueryError:
            text = audit.query
        params = {**bind(audit, window_at(audit, at))}
        questions.append(Question(audit.name, text, params))
    mappings = json.loads((recording / MAPPINGS).read_text(encoding="utf-8"))
    fixtures = [
        Fixture(_stream(path), _SETTINGS, _mapping(mappings, _stream(path)), _documents(path, most))
        for path in sorted(recording.iterdir())
        if path.name.endswith(_SUFFIXES) and _stream(path) in mappings
    ]
    return Topic("shipped-audits", tuple(fixtures), tuple(questions))


_SETTINGS = {"index.mode": "standard", "index.mapping.ignore_malformed": True}
"""Ordinary indices: a time series would not take documents of long ago."""


def _stream(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".ndjson")


def _mapping(mappings: dict[str, Any], stream: str) -> dict[str, Any]:
    found: dict[str, Any] = mappings[stream].get("mappings", mappings[stream])
    return found


def _documents(path: Path, most: int) -> list[dict[str, Any]]:
    return [document for _, document in islice(read_ndjson(path), most)]
