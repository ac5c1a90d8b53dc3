"""Recordings that are damaged or do not fit: one clear error with file and line."""

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.errors import InvalidInput, QueryError
from remedyd.offline.recording import RecordingSource
from support.offline import NOW, at, recording

GOOD = {"@timestamp": "2026-11-22T22:00:00Z", "metrics": {"up": 1}}
STREAM = "metrics-k8sclusterreceiver.otel-default"


def _lines(*documents: object) -> bytes:
    return "".join(f"{json.dumps(document)}\n" for document in documents).encode()


def _refused(folder: Path, name: str, content: bytes) -> InvalidInput:
    (folder / name).write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        RecordingSource(folder, NOW)
    return caught.value


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    """The problem carries the file and the line."""
    error = _refused(tmp_path, f"{STREAM}.ndjson", _lines(GOOD) + b"{oops\n")
    assert (Path(error.problems[0].path).name, error.problems[0].line) == (f"{STREAM}.ndjson", 2)


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    """A document is an object."""
    error = _refused(tmp_path, f"{STREAM}.ndjson", _lines(GOOD, GOOD, [1]))
    assert error.problems[0].line == 3


def test_a_truncated_gzip_is_named(tmp_path: Path) -> None:
    """A file that was cut off is not taken for a shorter one."""
    whole = gzip.compress(_lines(*[GOOD] * 500))
    error = _refused(tmp_path, f"{STREAM}.ndjson.gz", whole[:-20])
    assert f"{STREAM}.ndjson.gz" in error.message
    assert "cut off or damaged" in error.hint


def test_a_document_that_does_not_fit_is_named(tmp_path: Path) -> None:
    """A timestamp that is none is an error at its line."""
    error = _refused(tmp_path, f"{STREAM}.ndjson", _lines(GOOD, {"@timestamp": "soon"}))
    assert (error.problems[0].line, "soon" in error.message) == (2, True)


def test_mappings_that_are_not_json_are_named(tmp_path: Path) -> None:
    """The mapping file has positions, too."""
    (tmp_path / f"{STREAM}.ndjson").write_bytes(_lines(GOOD))
    error = _refused(tmp_path, "mappings.json", b'{\n "a": }')
    assert (Path(error.problems[0].path).name, error.problems[0].line) == ("mappings.json", 2)


def test_a_mapping_without_properties_is_named(tmp_path: Path) -> None:
    """A mapping that maps nothing is a mistake."""
    (tmp_path / f"{STREAM}.ndjson").write_bytes(_lines(GOOD))
    error = _refused(tmp_path, "mappings.json", json.dumps({STREAM: {"mappings": {}}}).encode())
    assert STREAM in error.message


def test_a_directory_without_streams_is_refused(tmp_path: Path) -> None:
    """An empty directory is no recording."""
    with pytest.raises(InvalidInput):
        RecordingSource(tmp_path, NOW)


def test_what_was_recorded_later_is_not_there_yet() -> None:
    """At a moment of the recording only documents up to it exist."""
    source, clock = recording()
    counts = []
    for moment in (at("22:15"), at("22:30"), at("22:50")):
        clock.current = moment
        query = "FROM metrics-* | STATS c = COUNT(*), newest = MAX(@timestamp) | LIMIT 1"
        ((count, newest),) = source.query(query, {}).rows
        assert newest <= moment  # type: ignore[operator]
        assert moment - newest < timedelta(minutes=2)  # type: ignore[operator]
        counts.append(count)
    assert counts == sorted(set(counts))  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("query", "outcome", "position"),
    [
        ("FROM nothing-*", "NoData", (1, 1)),
        ("FROM metrics-* | KEEP nothing", "MissingField", (1, 23)),
        ("FROM metrics-* | WHERE", "BadQuery", (1, 23)),
        ("FROM metrics-* | ENRICH x", "BadQuery", (1, 18)),
    ],
)
def test_a_failed_query_has_its_outcome(
    query: str, outcome: str, position: tuple[int, int]
) -> None:
    """The outcome names what is wrong, with line and column."""
    source, _ = recording()
    with pytest.raises(QueryError) as caught:
        source.query(query, {})
    assert caught.value.outcome == outcome
    assert (caught.value.line, caught.value.column) == position


def test_mapped_but_absent_is_null() -> None:
    """A field of the mapping that no document carries is null, not unknown."""
    source, _ = recording()
    table = source.query("FROM metrics-* | STATS c = COUNT(k8s.cronjob.name) | LIMIT 1", {})
    assert table.rows == ((0,),)
