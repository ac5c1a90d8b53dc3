"""`remedyd scorecard`: exit 0 as good as asked for, 1 not, 2 it cannot be run."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from jsonschema import Draft202012Validator

from remedyd.cli.main import main
from remedyd.cli.policy import Kind, schema_text
from remedyd.paths import shipped
from remedyd.testing.policytest.reference import reference
from remedyd.testing.scorecard.reference import PARTS
from support.policytests import POLICY
from support.policytests import write as write_test
from support.scorecards import CART, write

RIGHT = f"must: [{{{CART}, actions: [UpdateResources], by: 5m}}]\n    may: [{{{CART}}}]"
MISSED = f"must: [{{{CART}, actions: [Restart], by: 5m}}]\n    may: [{{{CART}}}]"
FORBIDDEN = f"never: [{{{CART}}}]"
INCIDENTS = Path(__file__).parent / "incidents" / "recorded.yaml"
FAULTS = shipped("policies") / "scorecard" / "faults.yaml"


@pytest.fixture
def cli(monkeypatch, capsys):
    def call(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["remedyd", "scorecard", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def test_all_right(cli, tmp_path):
    """Exit 0, a line for each scenario with its time to detect, then the sums."""
    code, out, _ = cli(write(tmp_path, RIGHT))
    assert (code, out.splitlines()[0]) == (0, "ok    t/s0 (after 2m)")
    assert "recall          1.000" in out


def test_too_little_is_detected(cli, tmp_path):
    """Exit 1, unless less is asked for."""
    path = write(tmp_path, RIGHT, MISSED)
    assert cli(path)[0] == 1
    assert cli(path, "--min-recall", "0.5")[0] == 0


def test_too_much_is_proposed(cli, tmp_path):
    """Exit 1, unless less is asked for."""
    path = write(tmp_path, "must: []")
    assert cli(path)[0] == 1
    assert cli(path, "--min-precision", "0")[0] == 0


def test_a_forbidden_proposal_always_fails(cli, tmp_path):
    """No option allows it."""
    path = write(tmp_path, FORBIDDEN)
    lenient = ("--min-recall", "0", "--min-precision", "0")
    assert cli(path, *lenient, "--max-forbidden", "0")[0] == 1
    assert cli(path, *lenient, "--max-forbidden", "1")[0] == 2


def test_other_policies_are_graded_with_the_same_scenarios(cli, tmp_path):
    """Also policies that do not read an audit for which there are rows."""
    path = write(tmp_path, RIGHT)
    other = tmp_path / "other.yaml"
    other.write_text(POLICY.replace("restarts > 5}", "restarts > 500}"))
    assert cli(path, "--policies", other)[0] == 1
    assert cli("--policies", shipped("policies") / "replica-gap.yaml")[0] == 1


def test_guardrails_take_the_place_of_the_files_own(cli, tmp_path):
    """Here they freeze everything."""
    rails = tmp_path / "rails.yaml"
    rails.write_text(
        "apiVersion: remedyd.io/v1alpha1\nkind: Guardrails\nmetadata: {name: g}\nspec: {windows:"
        ' [{name: always, kind: Freeze, start: "00:00", end: "23:59"}]}\n'
    )
    path = write(tmp_path, RIGHT)
    code, out, err = cli(path, "--guardrails", rails)
    assert (code, "Frozen" in out) == (1, True), err


def test_as_json(cli, tmp_path):
    """Every figure, detection and proposal; the same each time."""
    path = write(tmp_path, RIGHT, FORBIDDEN)
    _, out, _ = cli(path, "-o", "json")
    told = json.loads(out)
    assert (told["detected"], told["missed"], told["forbidden"]) == (1, 0, 1)
    assert told["scenarios"][0]["detections"][0]["delay"] == 120
    assert cli(path, "-o", "json")[1] == out


def test_as_junit(cli, tmp_path):
    """A test case for each scenario, with what is wrong."""
    _, out, _ = cli(write(tmp_path, RIGHT, MISSED), "-o", "junit")
    root = ElementTree.fromstring(out)
    assert (root.get("name"), root.get("tests"), root.get("failures")) == ("scorecard", "2", "1")


def test_as_a_page(cli, tmp_path):
    """Tables for a pull request."""
    _, out, _ = cli(write(tmp_path, RIGHT, MISSED), "-o", "markdown")
    assert out.startswith("| scenario | answer | time to detect |")
    assert "| recall | 0.500, less than 1 asked for |" in out


@pytest.mark.parametrize(
    ("wrong", "place", "message"),
    [
        ("must: [{actions: [Restart], by: 5m}]", "10:12", 'the key "target" is missing'),
        (f"must: [{{{CART}, actions: [Restrat], by: 5m}}]", "10:53", 'did you mean "Restart"'),
        (f"must: [{{{CART}, actions: [], by: 5m}}]", "10:52", "at least 1"),
        (f"must: [{{{CART}, actions: [Scale], begins: 6m, by: 5m}}]", "10:12", "by is before"),
        (f"must: [{{{CART}, actions: [Scale], by: 5h}}]", "10:65", "after the last cycle"),
        ("never: [{target: cart}]", "10:22", "must be Kind/namespace/name"),
        ("ever: []", "10:5", 'did you mean "never"'),
    ],
)
def test_what_cannot_be_run_is_told_with_its_place(cli, tmp_path, wrong, place, message):
    """Exit 2, and nothing runs."""
    path = write(tmp_path, wrong)
    code, out, err = cli(path)
    assert (code, out) == (2, "")
    assert err.startswith(f"{path}:{place}: "), err
    assert message in err.splitlines()[0]


def test_a_recording_needs_an_end(cli, tmp_path):
    """There are no rows that would say when the scenario is over."""
    code, _, err = cli(write(tmp_path, "never: [{}]", story="recording: ."))
    assert (code, "until says when the scenario ends" in err) == (2, True)


def test_a_policy_test_is_no_scorecard(cli, tmp_path):
    """And a directory without a scorecard is told."""
    path = write_test(tmp_path, "  - name: c\n    rows: []\n    expect: []\n")
    assert "is a PolicyTest, not a Scorecard" in cli(path)[2]
    assert "no Scorecard below this directory" in cli(tmp_path)[2]


def test_no_scenario_is_chosen(cli, tmp_path):
    """An expression that matches none is a mistake."""
    code, _, err = cli(write(tmp_path, RIGHT), "--run", "s7")
    assert (code, 'no scenario matches --run "s7"' in err) == (2, True)


@pytest.mark.parametrize("path", [FAULTS, INCIDENTS], ids=lambda path: path.stem)
def test_scorecards_satisfy_their_schema(path):
    """As the loader does."""
    schema = Draft202012Validator(json.loads(schema_text(Kind.SCORECARD)))
    assert list(schema.iter_errors(yaml.safe_load(path.read_text("utf-8")))) == []


def test_the_committed_schema_is_the_generated_one():
    """It lies beside the policies."""
    committed = shipped("policies") / "scorecard.schema.json"
    assert committed.read_text(encoding="utf-8") == schema_text(Kind.SCORECARD), (
        "run: remedyd policy schema --kind Scorecard > policies/scorecard.schema.json"
    )


def test_the_page_has_every_field():
    """As the models describe it."""
    page = Path(__file__).parents[2] / "docs" / "scorecard.md"
    assert page.read_text(encoding="utf-8").endswith(reference(PARTS))
