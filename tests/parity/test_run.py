"""The whole comparison against an Elasticsearch endpoint on loopback."""

import json
import sys
from pathlib import Path

import pytest

from remedyd.cli.main import main
from remedyd.lab.elasticsearch.messages import Reply
from remedyd.lab.elasticsearch.script import Trouble, unavailable
from support.recordings import STREAM, document, elasticsearch

CONFORMANCE = Path(__file__).parents[1] / "conformance"
TABLES = """\
tables:
  pods:
    fields: {name: keyword, restarts: long, at: date}
    documents:
      - {name: a, restarts: 3, at: "2026-01-01T00:00:00Z"}
      - {name: b, restarts: 5}
"""
CASES = """\
cases:
  - {name: all, query: FROM pods | SORT name, columns: ignored}
  - {name: with a parameter, query: FROM pods | WHERE restarts > ?least, params: {least: 4}}
  - {name: an error, query: FROM pods | KEEP nothing}
  - {name: no such index, query: FROM podz}
  - {name: now, query: ROW a = NOW()}
"""


@pytest.fixture
def cli(monkeypatch, capsys):
    def call(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["remedyd", "parity", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


@pytest.fixture
def cases(tmp_path):
    (tmp_path / "_tables.yaml").write_text(TABLES)
    (tmp_path / "small.yaml").write_text(CASES)
    return tmp_path


@pytest.fixture
def server():
    with elasticsearch({STREAM: [document(1, "kept")]}) as found:
        yield found


def left(server):
    """Return the indices that the endpoint holds now."""
    return server.endpoint._streams.names("*")


def test_two_engines_that_agree(cli, cases, server):
    """Exit 0, and the endpoint holds what it held before."""
    code, out, _ = cli("--es-url", server.url, "--cases", cases)
    assert (code, out.splitlines()) == (
        0,
        ["not asked: 1x its answer depends on the time", "4 the same, 0 differ, 1 not asked"],
    )
    assert left(server) == [STREAM]


def test_the_queries_read_scratch_indices_alone(cli, cases, server):
    """No index of the user is named in any request that writes, deletes or asks."""
    cli("--es-url", server.url, "--cases", cases)
    asked = [json.loads(one.request.body)["query"] for one in server.requests
             if one.request.path == "/_query"]  # fmt: skip
    changed = [one.request.path for one in server.requests
               if one.request.method in ("PUT", "DELETE")]  # fmt: skip
    assert all(query.startswith("FROM remedyd-parity-") for query in asked)
    assert changed
    assert all(path.startswith("/remedyd-parity-") and "*" not in path for path in changed)


def test_a_difference_is_found(cli, cases, server):
    """An endpoint that answers something else is caught, with query and both answers."""
    lie = {"columns": [{"name": "name", "type": "text"}], "values": [["a"]], "is_partial": False}
    server.script.add(Trouble("/_query", reply=Reply(200, lie)))
    code, out, _ = cli("--es-url", server.url, "--cases", cases)
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "DIFFERS  small: all"
    assert "      !  columns in Elasticsearch: name:text" in lines
    assert lines[-1] == "3 the same, 1 differ, 1 not asked"


def test_scratch_indices_are_deleted_after_a_failure(cli, cases, server):
    """Exit 1 with the reason; nothing of ours stays."""
    server.script.add(unavailable("/_query", times=50))
    code, _, err = cli("--es-url", server.url, "--cases", cases)
    assert (code, "answered 503" in err) == (1, True)
    assert left(server) == [STREAM]


def test_the_time_is_bounded(cli, cases, server):
    """What is left when the time is up is not asked."""
    code, out, _ = cli("--es-url", server.url, "--cases", cases, "--seconds", "1", "-o", "json")
    assert code == 0
    assert len(json.loads(out)) == 5


def test_shipped_audits_run_over_a_recording(cli, server, tmp_path):
    """Over a handful of recorded documents, whose mapping comes along."""
    from support.offline import TELEMETRY

    code, out, _ = cli("--es-url", server.url, "--recording", TELEMETRY, "--at",
                       "2026-11-22T22:24:00Z", "--documents", "40")  # fmt: skip
    assert (code, out.splitlines()[-1].partition(", ")[2]) == (0, "0 differ, 1 not asked")
    assert left(server) == [STREAM]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to compare"),
        (("--cases", "nowhere"), "no case files in nowhere"),
        (("--recording", ".", "--at", "noon"), "--at must be a time"),
        (("--cases", ".", "-o", "xml"), "--output must be text or json"),
    ],
)
def test_wrong_arguments_are_invalid(cli, server, words, said):
    """Exit 2 before anything is sent."""
    code, _, err = cli("--es-url", server.url, *words)
    assert (code, said in err or "no *.yaml" in err) == (2, True)
    assert len(server.requests) == 0


def test_a_topic_of_the_conformance_cases_agrees(cli, server, tmp_path):
    """The real case files are understood."""
    for name in ("_tables", "arithmetic", "lookup_join"):
        (tmp_path / f"{name}.yaml").write_text((CONFORMANCE / f"{name}.yaml").read_text())
    code, out, _ = cli("--es-url", server.url, "--cases", tmp_path)
    assert (code, " 0 differ" in out) == (0, True)
