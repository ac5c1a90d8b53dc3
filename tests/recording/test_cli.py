"""`remedyd record` and `remedyd recording convert`."""

import json
import sys

import pytest

from remedyd.cli.main import main
from support.recordings import STREAM, document, elasticsearch, write_recording, written

HOUR = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T01:00:00Z")


@pytest.fixture
def cli(monkeypatch, capsys):
    def call(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["remedyd", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


@pytest.fixture(scope="module")
def url():
    with elasticsearch({STREAM: [document(minute, "a") for minute in range(30)]}) as server:
        yield server.url


def test_a_recording_is_made(cli, url, tmp_path):
    """What was recorded is told, and lies where it should."""
    code, out, _ = cli("record", "--es-url", url, *HOUR, "--out", tmp_path / "r")
    assert (code, out.splitlines()[0].split()) == (0, ["30", STREAM])
    assert len(written(tmp_path / "r" / f"{STREAM}.ndjson.gz")) == 30


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "noon", "--to", "2026-01-01T01:00:00Z"), "--from: "),
        (("--from", "2026-01-01T00:00:00", "--to", "2026-01-01T01:00:00Z"), "say the time zone"),
        (("--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T01:00:00Z"), "must be before"),
        ((*HOUR, "--slice", "1"), "--slice: "),
        ((*HOUR, "--slice", "0s"), "longer than 0s"),
    ],
)
def test_wrong_times_are_invalid(cli, url, tmp_path, words, said):
    """Exit 2 before anything is asked."""
    code, _, err = cli("record", "--es-url", url, *words, "--out", tmp_path / "r")
    assert (code, said in err) == (2, True)
    assert not (tmp_path / "r").exists()


def test_no_elasticsearch_is_a_failure(cli, tmp_path, monkeypatch):
    """Exit 1 with the next step."""
    monkeypatch.setenv("REMEDYD_ELASTICSEARCH__TIMEOUT_SECONDS", "0.2")
    code, _, err = cli("record", "--es-url", "http://127.0.0.1:1", *HOUR, "--out", tmp_path / "r")
    assert (code, "http://127.0.0.1:1" in err) == (1, True)


def test_a_recording_is_converted_beside_itself(cli, tmp_path):
    """The default directory has the format in its name."""
    write_recording(tmp_path / "r", json.dumps(document(1, "a")))
    code, out, _ = cli("recording", "convert", tmp_path / "r")
    assert (code, out.splitlines()[0].split()) == (0, ["1", STREAM])
    assert (tmp_path / "r-parquet" / f"{STREAM}.parquet").exists()


def test_a_broken_recording_is_invalid(cli, tmp_path):
    """Exit 2 with file and line."""
    path = write_recording(tmp_path / "r", "{}\n{")
    code, _, err = cli("recording", "convert", tmp_path / "r")
    assert (code, err.startswith(f"{path}:2:1: ")) == (2, True)
