"""`remedyd audit lint`: exit 0 nothing found, 1 findings, 2 invalid input."""

import json
import sys

import pytest

from remedyd.cli.main import main
from support.offline import TELEMETRY

RECORDED = ("container-memory", "container-restarts", "replica-baseline", "replica-gap")
RECORDED += ("telemetry-freshness",)
WRONG = "FROM m-*\n| STATS x = LAST(a, @timestamp) BY k8s.deployment.name\n| LIMIT 10\n"


@pytest.fixture
def cli(monkeypatch, capsys):
    def call(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["remedyd", "audit", "lint", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def test_the_shipped_audits_are_clean(cli):
    """Warnings included, and with the recorded mapping unknown fields too: it has no traces."""
    code, out, _ = cli()
    assert (code, out.splitlines()[-1]) == (0, "7 queries checked, 0 findings")
    code, out, _ = cli("--mappings", TELEMETRY / "mappings.json", *RECORDED)
    assert (code, out.splitlines()[-1]) == (0, "5 queries checked, 0 findings")


def test_a_verbatim_query_is_left_alone_unless_it_is_asked_for(cli):
    """The demo's own query is kept word for word; by name it shows its defects."""
    assert "seed-deployment-health.esql: not checked: kept verbatim" in cli()[1]
    code, out, _ = cli("seed-deployment-health")
    assert (code, "[last-with-nulls]" in out, "[lifetime-restarts]" in out) == (1, True, True)


def test_each_finding_has_place_explanation_and_fix(cli, tmp_path):
    """Three lines a finding, the first as compilers write it."""
    path = tmp_path / "q.esql"
    path.write_text(WRONG)
    code, out, _ = cli(path)
    lines = out.splitlines()
    assert code == 1
    assert lines[0].startswith(f"{path}:2:13: error: LAST takes the null")
    assert lines[1].startswith("  why: FIRST and LAST keep nulls")
    assert lines[2] == "  fix: LAST(a, @timestamp) WHERE a IS NOT NULL"
    assert lines[-1].startswith("1 queries checked, ")


def test_a_finding_may_be_allowed_with_a_reason(cli, tmp_path):
    """A comment on the line above silences it."""
    path = tmp_path / "q.esql"
    path.write_text(
        "FROM m-*\n// lint: allow last-with-nulls, one stream\n"
        "| STATS x = LAST(a, @timestamp) BY k8s.cluster.name, k8s.namespace.name, "
        "k8s.deployment.name\n| LIMIT 10\n"
    )
    assert cli(path)[0] == 0


def test_a_mapping_finds_fields_that_no_stream_has(cli, tmp_path):
    """With the mapping of a recording, misspelt fields are found before anything runs."""
    path = tmp_path / "q.esql"
    path.write_text("FROM metrics-*\n| WHERE k8s.namespace.nam == 1\n| LIMIT 10\n")
    code, out, _ = cli(path, "--mappings", TELEMETRY / "mappings.json")
    assert (code, "[unknown-field]" in out) == (1, True)


def test_a_directory_means_every_query_in_it(cli, tmp_path):
    """Each file is named."""
    (tmp_path / "a.esql").write_text(WRONG)
    (tmp_path / "b.esql").write_text("FROM m\n| LIMIT 1")
    code, out, _ = cli(tmp_path, "-o", "json")
    shown = json.loads(out)
    assert (code, [bool(one["findings"]) for one in shown]) == (1, [True, False])


def test_github_annotates_the_line_of_the_query(cli, tmp_path):
    """Errors and warnings keep their level."""
    path = tmp_path / "q.esql"
    path.write_text(WRONG)
    _, out, _ = cli(path, "-o", "github")
    assert out.startswith(f"::error file={path},line=2,col=13::LAST takes the null")


@pytest.mark.parametrize(
    ("text", "said"),
    [("FROM m | WHER a", ":1:10: "), ("", ":1:1: "), (None, ": cannot be read: ")],
)
def test_what_is_no_query_is_invalid(cli, tmp_path, text, said):
    """Exit 2 with the place, as for a file that is not there."""
    path = tmp_path / "q.esql"
    if text is not None:
        path.write_text(text)
    code, _, err = cli(path)
    assert (code, f"{path}{said}" in err) == (2, True)


def test_what_only_elasticsearch_can_run_is_not_checked(cli, tmp_path):
    """Valid ES|QL that is not understood here is no mistake of the author."""
    path = tmp_path / "q.esql"
    path.write_text("FROM m | ENRICH policy | LIMIT 1")
    code, out, _ = cli(path)
    assert (code, "not checked: line 1: [ENRICH]" in out) == (0, True)


def test_an_unknown_name_is_invalid(cli):
    """The nearest audit is named."""
    code, _, err = cli("replica-gab")
    assert (code, 'did you mean "replica-gap"' in err) == (2, True)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"m": {"mappings": {"properties": 3}}}', '{"m": {"mappings": {}}}']
)
def test_wrong_mappings_are_invalid(cli, tmp_path, text):
    """File and line are named."""
    path = tmp_path / "mappings.json"
    path.write_text(text)
    code, _, err = cli("--mappings", path)
    assert (code, err.startswith(f"{path}:1:")) == (2, True)
