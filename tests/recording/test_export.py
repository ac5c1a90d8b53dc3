"""Exporting history from Elasticsearch: whole, in order, and able to go on."""

import gzip
import json
from datetime import timedelta

import pytest

from remedyd.errors import InvalidInput, NotFound, QueryError
from remedyd.lab.elasticsearch import script
from remedyd.model import Window
from remedyd.offline.recording import RecordingSource
from remedyd.testing.recording.export import Export
from support.recordings import HOUR, START, STREAM, document, elasticsearch, history, written

PODS = [document(minute, f"pod-{n}", n) for minute in range(0, 60, 5) for n in range(30)]
"""Thirty documents with the same timestamp, every five minutes."""


@pytest.fixture(scope="module")
def server():
    with elasticsearch({STREAM: PODS, "metrics-other.otel-default": [document(90, "late")]}) as it:
        yield it


@pytest.fixture
def reads(server):
    with history(server) as found:
        yield found
    server.script.clear()


def pods(documents):
    return [one["resource"]["attributes"]["k8s.pod.name"] for one in documents]


def test_every_document_is_recorded_once_in_order_of_time(reads, tmp_path):
    """Also where thousands share a timestamp and a page ends between them."""
    recorded = Export(reads, tmp_path / "r").run(HOUR, [STREAM])
    found = written(tmp_path / "r" / f"{STREAM}.ndjson.gz")
    assert recorded.documents == {STREAM: 360}
    assert found == PODS


def test_the_window_is_half_open(reads, tmp_path):
    """A document at the end belongs to the next recording."""
    window = Window(START, START + timedelta(minutes=5))
    Export(reads, tmp_path / "r").run(window, [STREAM])
    assert len(written(tmp_path / "r" / f"{STREAM}.ndjson.gz")) == 30


def test_a_stream_without_documents_gets_no_file(reads, tmp_path):
    """Its mapping is kept all the same."""
    recorded = Export(reads, tmp_path / "r").run(HOUR, ["metrics-*"])
    assert recorded.documents == {STREAM: 360, "metrics-other.otel-default": 0}
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == [
        "mappings.json",
        f"{STREAM}.ndjson.gz",
        "recording.json",
    ]


def test_a_recording_answers_as_elasticsearch_does(server, reads, tmp_path):
    """The mapping comes along: aliases, passthrough names and types are the same."""
    Export(reads, tmp_path / "r").run(HOUR, [STREAM])
    query = (
        "FROM metrics-k8sclusterreceiver.otel-* | STATS worst = MAX(k8s.container.restarts), "
        "pods = COUNT_DISTINCT(kubernetes.pod.name) BY k8s.namespace.name | LIMIT 10"
    )
    live = reads._source.query(query, {})
    offline = RecordingSource(tmp_path / "r", HOUR.end).query(query, {})
    assert (offline.columns, offline.rows) == (live.columns, live.rows)
    assert live.rows == ((29, 30, "shop"),)


def test_an_interrupted_recording_goes_on_where_it_stopped(server, reads, tmp_path):
    """What was written stays; the slice that was cut off is written again."""
    out = tmp_path / "r"
    seen = []

    def interrupt(progress):
        seen.append(progress.documents)
        if progress.documents >= 150:
            server.script.add(script.unavailable("*_search", times=1))

    with pytest.raises(QueryError):
        Export(reads, out, slice_length=timedelta(minutes=10), report=interrupt).run(HOUR, [STREAM])
    server.script.clear()
    assert not list(out.glob("*.ndjson.gz")), "an unfinished recording cannot be read"
    before = len(server.requests)
    Export(reads, out, slice_length=timedelta(minutes=10)).run(HOUR, [STREAM])
    assert written(out / f"{STREAM}.ndjson.gz") == PODS
    starts = [
        json.loads(one.request.body)["query"]["range"]["@timestamp"]["gte"]
        for one in list(server.requests)[before:]
        if one.request.path == "/_search"
    ]
    assert min(starts) > START.isoformat(), "whole slices are not asked for again"


def test_bytes_of_a_slice_that_was_cut_off_are_dropped(reads, tmp_path):
    """A process that was killed may leave half a slice behind the last whole one."""
    out = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        Export(reads, out, slice_length=timedelta(minutes=10), report=_stop_at(200)).run(
            HOUR, [STREAM]
        )
    part = out / f"{STREAM}.ndjson.gz.part"
    part.write_bytes(part.read_bytes() + b"half of something")
    Export(reads, out).run(HOUR, [STREAM])
    assert written(out / f"{STREAM}.ndjson.gz") == PODS


def _stop_at(count):
    def stop(progress):
        if progress.documents >= count:
            raise KeyboardInterrupt

    return stop


def test_an_unfinished_recording_is_not_read(reads, tmp_path):
    """Nobody takes a part for the whole."""
    out = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        Export(reads, out, report=_stop_at(50)).run(HOUR, [STREAM])
    with pytest.raises(InvalidInput):
        RecordingSource(out, HOUR.end)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (script.forbidden("*_pit"), "unauthorized"),
        (script.unauthenticated("*_count"), "credentials"),
        (script.dropped("*_mapping"), "cannot be reached|closed"),
    ],
)
def test_what_elasticsearch_refuses_is_told(server, reads, tmp_path, trouble, said):
    """As one error with its reason."""
    server.script.add(trouble)
    with pytest.raises(QueryError, match=said):
        Export(reads, tmp_path / "r").run(HOUR, [STREAM])


def test_no_matching_stream_is_an_error(reads, tmp_path):
    """A misspelt pattern must not look like an empty cluster."""
    with pytest.raises(NotFound, match="no data stream matches nothing-\\*"):
        Export(reads, tmp_path / "r").run(HOUR, ["nothing-*"])


def test_a_finished_recording_is_not_overwritten(reads, tmp_path):
    """Nor is a directory that holds something else, or the beginning of another recording."""
    Export(reads, tmp_path / "r").run(HOUR, [STREAM])
    with pytest.raises(InvalidInput, match="already holds a recording"):
        Export(reads, tmp_path / "r").run(HOUR, [STREAM])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(InvalidInput, match="is not empty and holds no recording"):
        Export(reads, tmp_path / "other").run(HOUR, [STREAM])
    with pytest.raises(KeyboardInterrupt):
        Export(reads, tmp_path / "begun", report=_stop_at(50)).run(HOUR, [STREAM])
    shorter = Window(START, START + timedelta(minutes=1))
    with pytest.raises(InvalidInput, match="holds the beginning of another recording"):
        Export(reads, tmp_path / "begun").run(shorter, [STREAM])


def test_a_broken_state_is_an_error(reads, tmp_path):
    """With the file's name."""
    (tmp_path / "recording.json").write_text("{")
    with pytest.raises(InvalidInput, match="is not the state of a recording") as caught:
        Export(reads, tmp_path).run(HOUR, [STREAM])
    assert caught.value.problems[0].path.endswith("recording.json")


def test_progress_is_told_with_the_total(reads, tmp_path):
    """For a bar: how many of how many."""
    told = []
    Export(reads, tmp_path / "r", report=told.append).run(HOUR, [STREAM])
    assert (told[0].documents, told[-1].documents, told[-1].total) == (0, 360, 360)


def test_points_in_time_are_closed(server, reads, tmp_path):
    """Each slice frees what it held in Elasticsearch, also after an error."""
    before = len(server.requests)
    server.script.add(script.unavailable("*_search"))
    with pytest.raises(QueryError):
        Export(reads, tmp_path / "r").run(HOUR, [STREAM])
    methods = [
        one.request.method
        for one in list(server.requests)[before:]
        if one.request.path.endswith("_pit")
    ]
    assert methods == ["POST", "DELETE"]


def test_slices_are_members_of_one_gzip_file(reads, tmp_path):
    """Any tool reads the file; an empty slice leaves nothing in it."""
    window = Window(START, START + timedelta(hours=3))
    Export(reads, tmp_path / "r", slice_length=timedelta(minutes=20)).run(window, [STREAM])
    raw = (tmp_path / "r" / f"{STREAM}.ndjson.gz").read_bytes()
    assert raw.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") == 3
    assert gzip.decompress(raw).count(b"\n") == 360
