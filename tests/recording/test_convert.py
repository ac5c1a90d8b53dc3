"""Converting a recording to parquet keeps what it says."""

import json
from datetime import UTC, datetime

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.errors import InvalidInput
from remedyd.model import ManualClock
from remedyd.offline.catalog import read_mapping
from remedyd.offline.catalog.otel import otel_schema
from remedyd.offline.catalog.rendering import render_mapping
from remedyd.offline.recording import RecordingSource
from remedyd.paths import shipped
from remedyd.testing.recording.convert import convert
from support.offline import TELEMETRY, recording
from support.recordings import HOUR, STREAM, document, write_recording

NOW = datetime(2026, 11, 22, 22, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    target = tmp_path_factory.mktemp("converted") / "parquet"
    counts = convert(TELEMETRY, target)
    assert sum(counts.values()) == 912 + 11_274 + 20_126
    return target


def test_the_answers_stay_the_same(parquet):
    """Every shipped audit returns the same rows over both, warnings included."""
    audits = load_audits(shipped("esql"))
    original, clock = recording()
    clock.current = NOW
    both = (original, RecordingSource(parquet, ManualClock(NOW)))
    for audit in audits.values():
        ours, theirs = (
            AuditRunner(source, ManualClock(NOW), "shop-prod").run(audit) for source in both
        )
        assert (ours.outcome, ours.warnings) == (theirs.outcome, theirs.warnings)
        assert {row.target: row for row in ours.rows} == {row.target: row for row in theirs.rows}


def test_it_is_smaller_than_compressed_text(parquet):
    """Otherwise it would not be worth it."""
    before = sum(path.stat().st_size for path in TELEMETRY.glob("*.gz"))
    after = sum(path.stat().st_size for path in parquet.glob("*.parquet"))
    assert after < before * 0.6


def test_what_was_mapped_on_the_way_is_kept(tmp_path):
    """Without a mapping file the types were learnt from documents; the parquet's say so."""
    one = document(1, "a") | {"attributes": {"ports": [80, 443]}, "start_timestamp": 1.5}
    del one["start_timestamp"]
    write_recording(tmp_path / "r", json.dumps(one))
    convert(tmp_path / "r", tmp_path / "p")
    query = "FROM metrics-* | KEEP attributes.ports, k8s.pod.name, metrics.* | LIMIT 1"
    tables = [RecordingSource(tmp_path / name, HOUR.end).query(query, {}) for name in ("r", "p")]
    assert tables[0].columns == tables[1].columns
    assert tables[1].rows == tables[0].rows == (((80, 443), "a", 0),)


def test_a_broken_recording_leaves_nothing_behind(tmp_path):
    """The error names file and line, and there is no half-made directory."""
    path = write_recording(tmp_path / "r", json.dumps(document(1, "a")) + "\n{oops\n")
    with pytest.raises(InvalidInput) as caught:
        convert(tmp_path / "r", tmp_path / "p")
    assert [(one.path, one.line) for one in caught.value.problems] == [(str(path), 2)]
    assert [one.name for one in tmp_path.iterdir()] == ["r"]


def test_fields_that_differ_in_case_alone_are_refused(tmp_path):
    """A parquet file cannot hold both."""
    one = document(1, "a") | {"attributes": {"Zone": "a", "zone": "b"}}
    write_recording(tmp_path / "r", json.dumps(one))
    with pytest.raises(InvalidInput, match="differ in case alone"):
        convert(tmp_path / "r", tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_an_existing_directory_is_not_touched(tmp_path):
    """Nor is one made for a recording that is not there."""
    write_recording(tmp_path / "r", json.dumps(document(1, "a")))
    (tmp_path / "p").mkdir()
    with pytest.raises(InvalidInput, match="already exists"):
        convert(tmp_path / "r", tmp_path / "p")
    with pytest.raises(InvalidInput, match="no such directory"):
        convert(tmp_path / "gone", tmp_path / "q")


@pytest.mark.parametrize(
    "schema",
    [
        *(
            read_mapping(name, given)
            for name, given in json.loads((TELEMETRY / "mappings.json").read_text()).items()
        ),
        otel_schema("metrics-a.otel-b"),
        otel_schema("plain"),
        read_mapping(
            "i",
            {
                "properties": {
                    "a": {"properties": {"b": {"type": "keyword", "fields": {"t": {"type":
                                                                                   "text"}}}}},
                    "c": {"type": "long", "time_series_metric": "counter"},
                    "d": {"type": "passthrough", "priority": 5, "time_series_dimension": True,
                          "dynamic": "false", "properties": {"e": {"type": "ip"}}},
                    "f": {"type": "alias", "path": "a.b"},
                    "g": {"type": "geo_point"},
                }
            },
        ),
    ],
    ids=lambda schema: schema.stream,
)  # fmt: skip
def test_a_schema_written_and_read_again_is_the_same(schema):
    """Types, dimensions, metrics, aliases, passthrough objects and settings survive."""
    rendered = json.loads(json.dumps(render_mapping(schema)))
    again = read_mapping(schema.stream, rendered)
    assert (again.leaves, again.aliases) == (schema.leaves, schema.aliases)
    assert set(again.containers) == set(schema.containers)
    assert (again.mode, again.ignore_malformed) == (schema.mode, schema.ignore_malformed)
    assert again.fields == schema.fields


def test_the_stream_keeps_its_name(parquet):
    """One file a stream, beside the mapping of all."""
    names = sorted(path.name for path in parquet.iterdir())
    assert names[0] == "logs-k8seventsreceiver.otel-default.parquet"
    assert f"{STREAM}.parquet" in names
    assert "mappings.json" in names


def test_every_type_of_value_survives(tmp_path):
    """Addresses, versions and nanoseconds, several values included, are read back as written."""
    source = tmp_path / "ndjson"
    source.mkdir()
    kinds = {"ip": "ip", "version": "version", "at": "date_nanos", "big": "unsigned_long"}
    mapping = {"mappings": {"properties": {name: {"type": kind} for name, kind in kinds.items()}}}
    (source / "mappings.json").write_text(json.dumps({"hosts": mapping}))
    documents = [
        {
            "ip": "10.0.0.9",
            "version": "1.10",
            "at": "2026-11-22T10:00:00.123456789Z",
            "big": 2**64 - 1,
        },
        {"ip": ["2001:db8::1", "9.0.0.1"], "version": ["1.2-rc.1", "x"]},
    ]
    lines = "".join(f"{json.dumps(document)}\n" for document in documents)
    (source / "hosts.ndjson").write_text(lines)
    convert(source, tmp_path / "parquet")
    query = "FROM hosts | SORT big"
    before, after = (
        RecordingSource(path, NOW).query(query, {}) for path in (source, tmp_path / "parquet")
    )
    assert after.columns == before.columns
    assert after.rows == before.rows
