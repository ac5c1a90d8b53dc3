"""`remedyd audit`: list, explain, run; exit 0 ok, 1 not Ok, 2 invalid input."""

import json
import sys

import pytest

from remedyd.cli.main import main
from support.audits import COLUMNS, MAPPED, QUERY, YAML, row, write_audit
from support.elastic import Reply, fake_elasticsearch, table


@pytest.fixture
def cli(monkeypatch, capsys):
    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["remedyd", "audit", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


@pytest.fixture
def url(monkeypatch):
    with fake_elasticsearch() as fake:
        cells = {c.name: cell for c, cell in zip(COLUMNS, row(), strict=True)}
        cells |= {"severity_score": 3, "score": 97.5, "last_seen": "2026-11-22T22:29:00.000Z"}
        types = {c.name: c.type for c in COLUMNS}
        fake.on("/_query", Reply(body=table(cells, types=types)))
        fields = {name: {kind: {"type": kind}} for name, kind in MAPPED.items()}
        streams = [".ds-metrics-a.otel-default", ".ds-metrics-b.otel-default"]
        fake.on("/_field_caps", Reply(body={"indices": streams, "fields": fields}))
        yield fake.url


def test_the_shipped_audits_are_listed(cli):
    """Name, window, cadence, floor and purpose, one line each."""
    code, out, _ = cli("list")
    assert code == 0
    assert out.splitlines()[1].split()[:4] == ["container-memory", "10m", "1m", "9.0"]


def test_the_list_as_json_is_the_contract(cli):
    """Machines get everything."""
    code, out, _ = cli("list", "-o", "json")
    names = [one["name"] for one in json.loads(out)]
    assert (code, "replica-gap" in names) == (0, True)


def test_explain_tells_contract_and_query(cli):
    """Without a source nothing is contacted."""
    code, out, _ = cli("explain", "container-memory")
    assert code == 0
    assert "hot_pct" in out
    assert "default 90.0" in out
    assert "FROM metrics-kubeletstatsreceiver.otel-*" in out


def test_explain_with_a_source_shows_what_would_be_sent(cli, url, tmp_path):
    """Mapped fields, the rendered text and the parameters; the query is not run."""
    write_audit(tmp_path)
    words = ["sample", "--audits", str(tmp_path), "--source", url, "--now", "2026-11-22T22:30:00Z"]
    code, out, _ = cli("explain", *words, "-o", "json")
    shown = json.loads(out)
    assert code == 0
    assert shown["mapped"] == MAPPED
    assert shown["sent"]["params"]["end"] == "2026-11-22T22:29:30.000Z"


def test_run_prints_the_table_of_the_query(cli, url, tmp_path):
    """Columns in the query's order, null as a dash."""
    write_audit(tmp_path)
    words = ["sample", "--audits", str(tmp_path), "--source", url, "--now", "2026-11-22T22:30:00Z"]
    code, out, _ = cli("run", *words)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("sample: Ok (2026-11-22T22:19:30Z .. 2026-11-22T22:29:30Z, 1 rows)")
    assert lines[2].split() == [c.name for c in COLUMNS]
    assert lines[3].split()[:6] == ["c1", "shop", "Deployment", "cart", "3", "97.5"]


def test_run_as_json_carries_rows_and_window(cli, url, tmp_path):
    """Machines get targets, severities and values."""
    write_audit(tmp_path)
    words = ["sample", "--audits", str(tmp_path), "--source", url, "--now", "2026-11-22T22:30:00Z"]
    _, out, _ = cli("run", *words, "-o", "json")
    found = json.loads(out)
    assert found["rows"][0]["target"]["name"] == "cart"
    assert found["rows"][0]["severity"] == "critical"
    assert found["rows"][0]["values"]["last_seen"] == "2026-11-22T22:29:00.000Z"


def test_an_outcome_other_than_ok_exits_1(cli, url, tmp_path):
    """What was tested failed: the reason and the next step are shown."""
    write_audit(tmp_path)
    words = ["sample", "--audits", str(tmp_path), "--source", url, "--now", "2026-11-22T23:30:00Z"]
    code, out, _ = cli("run", *words)
    assert code == 1
    assert out.startswith("sample: Stale")
    assert "set aside: Deployment/shop/cart Stale" in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["explain", "replicagap"], 'did you mean "replica-gap"?'),
        (["run", "replica-gap", "-p", "x"], "name=value"),
        (["run", "replica-gap", "-p", "x=1"], "no parameter x"),
        (["run", "container-memory", "-p", "hot_pct=hot"], "must be a double"),
        (["run", "replica-gap", "--now", "noon"], "must be a time"),
        (["run", "replica-gap", "-o", "xml"], "table or json"),
        (["run", "replica-gap", "--source", "."], "needs --now"),
    ],
)
def test_invalid_input_exits_2(cli, words, text):
    """The message says what is wrong and what would be right."""
    code, _, err = cli(*words)
    assert code == 2
    assert text in err


def test_broken_audits_exit_2_with_their_positions(cli, tmp_path):
    """Every mistake, one a line, as path:line:col: message."""
    path = write_audit(tmp_path, YAML.replace("lag: 30s", "lag: soon"), QUERY)
    code, _, err = cli("list", "--audits", str(tmp_path))
    assert code == 2
    assert err.startswith(f"{path}:9:8: must be a duration")


def test_a_query_that_does_not_parse_exits_2_with_its_position(cli, tmp_path):
    """A syntax error is found before anything is sent."""
    write_audit(tmp_path, query=QUERY.replace("ns == ?namespace", "ns = ?namespace"))
    code, _, err = cli("explain", "sample", "--audits", str(tmp_path))
    assert code == 2
    assert err.startswith(f"{tmp_path}/sample.esql:4:32: mismatched input '='")
