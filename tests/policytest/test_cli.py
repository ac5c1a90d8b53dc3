"""`remedyd policy test`: exit 0 all passed, 1 a test failed, 2 the tests cannot be run."""

import json
import sys
from xml.etree import ElementTree

import pytest

from remedyd.cli.main import main
from support.policytests import ROW, folder, write

GOOD = f"""\
  - name: held
    rows: [{{at: 0m, row: {ROW}}}]
    expect: [{{at: 0m, outcome: Held}}]
"""
BAD = GOOD.replace("held", "wrong").replace("outcome: Held", "outcome: Proposed")


@pytest.fixture
def cli(monkeypatch, capsys):
    def call(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["remedyd", "policy", "test", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def test_all_passed(cli, tmp_path):
    """Exit 0, one line a case."""
    code, out, _ = cli(write(tmp_path, GOOD))
    assert (code, out.splitlines()[0]) == (0, "ok    t: held")


def test_a_failure(cli, tmp_path):
    """Exit 1."""
    code, out, _ = cli(write(tmp_path, GOOD + BAD))
    assert (code, "1 passed, 1 failed" in out) == (1, True)


def test_too_little_coverage(cli, tmp_path):
    """Exit 1 although every case passed."""
    code, out, _ = cli(write(tmp_path, GOOD), "--min-coverage", "50")
    assert (code, "is less than the 50 % asked for" in out) == (1, True)


def test_invalid_tests_are_all_told_and_nothing_runs(cli, tmp_path):
    """Exit 2, each mistake with its place on stderr."""
    path = write(tmp_path, GOOD.replace("at: 0m, outcome", "at: 0m, policy: x, outcome"))
    code, out, err = cli(path)
    assert (code, out) == (2, "")
    assert err.startswith(f'{path}:10:31: unknown policy "x"')


def test_invalid_tests_are_annotated_for_github(cli, tmp_path):
    """The same, as workflow commands on stdout."""
    path = write(tmp_path, GOOD.replace("at: 0m, outcome", "at: 0m, policy: x, outcome"))
    code, out, _ = cli(path, "-o", "github")
    assert (code, out.startswith(f"::error file={path},line=10,col=31::unknown")) == (2, True)


def test_only_chosen_cases_run(cli, tmp_path):
    """`--run` searches in TEST/CASE."""
    path = write(tmp_path, GOOD + BAD)
    assert cli(path, "--run", "^t/held$")[0] == 0
    assert cli(path, "--run", "wrong")[0] == 1


def test_a_choice_that_chooses_nothing_is_a_mistake(cli, tmp_path):
    """No test at all must not look like success."""
    path = write(tmp_path, GOOD)
    assert cli(path, "--run", "nothing")[0] == 2
    assert cli(path, "--run", "(")[0] == 2


def test_a_directory_is_searched_for_tests(cli, tmp_path):
    """Other YAML files below it are left alone, even broken ones; a misspelt kind is not."""
    inner = tmp_path / "inner"
    inner.mkdir()
    write(inner, GOOD)
    (inner / "template.yaml").write_text("{{ .Values.broken }}: [")
    assert cli(tmp_path, "-o", "json")[0] == 0
    (inner / "other.yaml").write_text((inner / "t.yaml").read_text().replace("PolicyT", "Policyt"))
    code, _, err = cli(tmp_path)
    assert (code, "other.yaml:2:7: must be PolicyTest" in err) == (2, True)


def test_a_directory_without_tests_is_a_mistake(cli, tmp_path):
    """Exit 2: a wrong path must not pass."""
    code, _, err = cli(folder(tmp_path))
    assert (code, "no PolicyTest below this directory" in err) == (2, True)


def test_a_file_that_is_not_there(cli, tmp_path):
    """Exit 2 with its name."""
    code, _, err = cli(tmp_path / "gone.yaml")
    assert (code, "gone.yaml: cannot be read" in err) == (2, True)


@pytest.mark.parametrize("output", ["json", "junit"])
def test_machine_output_is_only_that(cli, tmp_path, output):
    """Nothing else is printed to stdout."""
    code, out, _ = cli(write(tmp_path, GOOD + BAD), "-o", output)
    assert code == 1
    if output == "json":
        assert json.loads(out)["passed"] is False
    else:
        assert out.startswith("<?xml")


def test_the_shipped_policies_pass_their_own_tests(cli):
    """Every shipped policy is tested, and at least nine tenths of its branches are asserted."""
    code, out, _ = cli("--min-coverage", "90", "-o", "json")
    shown = json.loads(out)
    failed = [case["case"] for case in shown["cases"] if not case["passed"]]
    assert (failed, [one for one in shown["coverage"] if one["percent"] < 90], code) == ([], [], 0)


def test_no_shipped_policy_is_without_a_test():
    """A policy file has a test file of the same name."""
    from remedyd.paths import shipped

    policies = shipped("policies")
    tested = {path.name for path in (policies / "tests").glob("*.yaml")}
    assert {path.name for path in policies.glob("*.yaml")} <= tested


@pytest.mark.parametrize("output", ["json", "junit"])
def test_mistakes_of_a_test_are_machine_readable_too(cli, tmp_path, output):
    """Where they were asked for; the exit status is 2."""
    path = write(tmp_path, "  - {name: c, rows: [], expct: []}\n")
    code, out, _ = cli(path, "-o", output)
    assert code == 2
    if output == "json":
        (first, *_) = json.loads(out)["problems"]
        assert (first["line"], first["message"][:7]) == (8, "the key")
    else:
        errors = ElementTree.fromstring(out).findall(".//error")
        assert "expct" in errors[-1].attrib["message"]
