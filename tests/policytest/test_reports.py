"""One run, told to people, scripts, build servers and GitHub."""

import json
from xml.etree import ElementTree

import pytest

from remedyd.testing.policytest import reports
from remedyd.testing.policytest.junit import junit
from remedyd.testing.policytest.runner import run
from remedyd.testing.policytest.summary import Summary, summary
from support.policytests import ROW, load, result, told

CASES = f"""\
  - name: good
    rows: [{{at: 0m, row: {ROW}}}]
    expect: [{{at: 0m, outcome: Held, reason: Sustain}}]
  - name: bad & <odd>
    rows: [{{at: 0m, row: {ROW}}}]
    expect: [{{at: 0m, outcome: Proposed}}]
"""


@pytest.fixture
def ran(tmp_path) -> Summary:
    suite = load(tmp_path, CASES)
    return summary([suite], list(run([suite])), minimum=50)


def test_text_has_a_line_for_each_case_the_difference_and_the_coverage(ran):
    """Good cases are short, bad ones show place and diff, and the total is there."""
    lines = reports.text(ran).splitlines()
    assert lines[0] == "ok    t: good"
    assert lines[1] == "FAIL  t: bad & <odd>"
    assert lines[2].endswith("t.yaml:13:14: at 0s more-memory gave something else")
    assert "        -outcome: Proposed" in lines
    assert any(line.startswith("1 passed, 1 failed in ") for line in lines)
    assert lines[-2].startswith("more-memory   8.3 % of branches asserted (1/12), missing: ")
    assert lines[-1] == "more-memory: 8.3 % is less than the 50 % asked for"


def test_json_tells_what_came_in_every_cycle(ran):
    """A script needs no second run to see why."""
    shown = json.loads(reports.as_json(ran))
    good, bad = shown["cases"]
    assert (shown["passed"], good["passed"], bad["passed"]) == (False, True, False)
    assert good["outcomes"][0]["reason"] == "Sustain"
    assert bad["failures"][0]["line"] == 13
    assert shown["coverage"][0]["missing"][0] == "skip Severity"


def test_junit_is_well_formed_and_counts(ran):
    """Names with markup in them are escaped."""
    root = ElementTree.fromstring(junit(ran))
    tests, coverage = root.findall("testsuite")
    assert (tests.get("tests"), tests.get("failures")) == ("2", "1")
    assert [case.get("name") for case in tests] == ["good", "bad & <odd>"]
    assert "-outcome: Proposed" in tests[1].find("failure").text
    assert coverage[0].find("failure").get("message") == "8.3 % is less than the 50 % asked for"


def test_github_annotates_the_line(ran):
    """One command a failure, newlines escaped, and a summary."""
    lines = reports.github(ran).splitlines()
    assert lines[0].startswith("::error file=")
    assert "line=13,col=14::bad & <odd>: at 0s more-memory gave something else%0A---" in lines[0]
    assert lines[1] == "::error::more-memory: 8.3 %25 is less than the 50 %25 asked for"
    assert lines[2] == "::notice::1 policy tests passed, 1 failed"


def test_one_expectation_too_many_is_told_as_such(tmp_path):
    """The outcome came once, and was expected twice."""
    again = "  - {at: 1m, outcome: Proposed}\n"
    rows = f"rows: [{{at: 0m, until: 1m, row: {ROW}}}]\n"
    (message,) = told(result(tmp_path, f"{rows}expect:\n{again}{again}"))
    assert message == (
        "at 1m more-memory decided nothing else: what it decided met other expectations"
    )
