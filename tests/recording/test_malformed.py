"""A recording with a mistake in it is refused with one error: file, line and what is wrong."""

import gzip
import json

import pytest

from remedyd.errors import InvalidInput
from remedyd.offline.engine import Engine
from remedyd.offline.recording import RecordingSource, load
from support.recordings import HOUR, STREAM, document, write_recording

GOOD = json.dumps(document(1, "a"))
PLAIN = "plain-index"


def lines(*texts: str) -> str:
    return "\n".join(texts) + "\n"


def problem(directory):
    with pytest.raises(InvalidInput) as caught:
        RecordingSource(directory, HOUR.end)
    (found,) = caught.value.problems
    assert str(caught.value), "the error says something by itself"
    return found


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (lines(GOOD, "{oops"), 2, "is not JSON"),
        (lines(GOOD, "[1]"), 2, "must be a JSON object"),
        (lines(GOOD, "7"), 2, "must be a JSON object"),
        (lines(GOOD, "", GOOD, '{"a": NaN}'), 4, "NaN"),
        (lines(GOOD, '{"a": 1} {"a": 2}'), 2, "is not JSON"),
        (lines(GOOD, GOOD.replace("2026-01-01T00:01:00.000Z", "yesterday")), 2, "[@timestamp]"),
        (lines(GOOD, GOOD.replace('"2026-01-01T00:01:00.000Z"', "true")), 2, "[@timestamp]"),
        (lines(GOOD, '{"a": "' + "x" * 10), 2, "is not JSON"),
        (lines(GOOD, "[" * 100_000), 2, "nested"),
        (lines(GOOD, '{"a":' * 2_000 + "1" + "}" * 2_000), 2, "nested"),
    ],
    ids=[
        "no-json", "a-list", "a-number", "not-a-number", "two-a-line", "no-date", "a-flag-as-date",
        "cut-off", "too-deep", "too-deep-object",
    ],
)  # fmt: skip
def test_a_bad_line_is_named(tmp_path, text, line, said):
    """The first mistake, at its line."""
    path = write_recording(tmp_path / "r", text)
    found = problem(tmp_path / "r")
    assert (found.path, found.line) == (str(path), line)
    assert said in found.message


def test_a_truncated_gzip_file_is_named(tmp_path):
    """With the line after the last whole one."""
    whole = gzip.compress((GOOD + "\n").encode() * 1000)
    path = write_recording(tmp_path / "r", whole[: len(whole) // 2])
    found = problem(tmp_path / "r")
    assert (found.path, found.line > 1) == (str(path), True)
    assert "cannot be read" in found.message


def test_a_gzip_file_with_a_wrong_checksum_is_named(tmp_path):
    """All lines can be read, and yet they are not what was written."""
    whole = bytearray(gzip.compress((GOOD + "\n").encode()))
    whole[-8] ^= 0xFF
    path = write_recording(tmp_path / "r", bytes(whole))
    assert problem(tmp_path / "r").path == str(path)


def test_a_file_that_is_no_gzip_is_named(tmp_path):
    """Whatever its name says."""
    path = write_recording(tmp_path / "r", GOOD.encode())
    found = problem(tmp_path / "r")
    assert (found.path, "cannot be read" in found.message) == (str(path), True)


def test_a_file_in_another_encoding_is_named(tmp_path):
    """UTF-8 alone is JSON."""
    path = tmp_path / "r" / f"{STREAM}.ndjson"
    path.parent.mkdir()
    path.write_bytes(GOOD.encode() + b'\n{"a": "caf\xe9"}\n')
    found = problem(tmp_path / "r")
    assert (found.path, "UTF-8" in found.message) == (str(path), True)


def test_mixed_types_of_a_field_are_refused_where_elasticsearch_would(tmp_path):
    """The first document made it a number; text that is none does not fit, at its line."""
    path = write_recording(tmp_path / "r", lines('{"a": 1}', '{"a": "2"}', '{"a": "two"}'), PLAIN)
    found = problem(tmp_path / "r")
    assert (found.path, found.line) == (str(path), 3)
    assert "failed to parse field [a] of type [long]" in found.message


def test_an_object_where_a_value_was_is_refused(tmp_path):
    """And a value where an object was: a field is one or the other."""
    write_recording(tmp_path / "r", lines('{"a": 1}', '{"a": {"b": 1}}'), PLAIN)
    assert problem(tmp_path / "r").line == 2
    write_recording(tmp_path / "s", lines('{"a": {"b": 1}}', '{"a": 1}'), PLAIN)
    assert problem(tmp_path / "s").line == 2


def test_a_telemetry_stream_drops_a_misfit_as_elasticsearch_does(tmp_path):
    """The OpenTelemetry templates ignore malformed values: the document stays, the value goes."""
    odd = document(2, "b")
    odd["metrics"] = {"k8s.container.restarts": "many"}
    write_recording(tmp_path / "r", lines(GOOD, json.dumps(odd)))
    source = RecordingSource(tmp_path / "r", HOUR.end)
    table = source.query(
        "FROM metrics-* | SORT k8s.pod.name | KEEP k8s.container.restarts | LIMIT 9", {}
    )
    assert table.rows == ((0,), (None,))


MAPPING = {"mappings": {"properties": {"a": {"type": "long"}}}}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("{", 1, "is not JSON"),
        ('{\n "a": 1,\n}', 3, "is not JSON"),
        ("[]", 0, "must be an object"),
        (json.dumps({PLAIN: 7}), 1, "mapping"),
        (json.dumps({PLAIN: {}}), 1, "has no `properties`"),
        (json.dumps({PLAIN: {"mappings": {"properties": {"a": 1}}}}), 1, "must be an object"),
        (json.dumps({PLAIN: {"mappings": {"properties": {"a": {"type": 7}}}}}), 1, "type"),
        (json.dumps({PLAIN: {"mappings": {"properties": {"a": {"type": "lung"}}}}}), 1, "lung"),
        (json.dumps({PLAIN: {**MAPPING, "settings": []}}), 1, "settings"),
        (
            json.dumps(
                {PLAIN: {"mappings": {"properties": {"a": {"type": "passthrough",
                                                           "priority": "high"}}}}}
            ), 1, "priority",
        ),
        (
            json.dumps(
                {PLAIN: {"mappings": {"properties": {"a": {"type": "keyword", "fields": 3}}}}}
            ), 1, "fields",
        ),
        (
            json.dumps({PLAIN: {"mappings": {"properties": {
                "b": {"properties": {"a": {"type": "long"}}}, "a": {"type": "lung"},
            }}}}, indent=1), 13, "lung",
        ),
    ],
)  # fmt: skip
def test_wrong_mappings_are_named(tmp_path, text, line, said):
    """File, line and what is wrong."""
    write_recording(tmp_path / "r", '{"a": 1}\n', PLAIN)
    path = tmp_path / "r" / "mappings.json"
    path.write_text(text)
    found = problem(tmp_path / "r")
    assert (found.path, found.line) == (str(path), line)
    assert said in found.message


def test_documents_that_contradict_the_mapping_are_named(tmp_path):
    """The mapping says a number, the document a word."""
    path = write_recording(tmp_path / "r", lines('{"a": 1}', '{"a": "x"}'), PLAIN)
    (tmp_path / "r" / "mappings.json").write_text(json.dumps({PLAIN: MAPPING}))
    found = problem(tmp_path / "r")
    assert (found.path, found.line) == (str(path), 2)


def test_a_stream_in_two_files_is_refused(tmp_path):
    """Which of them is right nobody can tell."""
    write_recording(tmp_path / "r", lines(GOOD))
    (tmp_path / "r" / f"{STREAM}.ndjson.gz").write_bytes(gzip.compress(lines(GOOD).encode()))
    found = problem(tmp_path / "r")
    assert found.path == str(tmp_path / "r" / f"{STREAM}.ndjson.gz")
    assert "keep one" in found.message


def test_a_parquet_file_that_is_none_is_named(tmp_path):
    """Whatever its name says."""
    (tmp_path / "r").mkdir()
    path = tmp_path / "r" / f"{STREAM}.parquet"
    path.write_bytes(b"PAR1 not really PAR1")
    assert problem(tmp_path / "r").path == str(path)


def test_a_directory_without_a_stream_is_named(tmp_path):
    """Or without anything."""
    assert problem(tmp_path).path == str(tmp_path)
    assert problem(tmp_path / "gone").path == str(tmp_path / "gone")


def test_nothing_is_half_loaded(tmp_path):
    """A file with a mistake leaves the stream as it was, without its first documents."""
    write_recording(tmp_path / "r", lines(GOOD, GOOD, "{oops"))
    engine = Engine()
    with pytest.raises(InvalidInput):
        load(engine, tmp_path / "r")
    assert STREAM not in engine.catalog.schemas or engine.count(STREAM) == 0
    engine.close()
