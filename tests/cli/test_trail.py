"""The audit trail, the daemon's policies and its audits, for people and for scripts."""

import json
from pathlib import Path

import pytest
import yaml

from support.line import Line
from support.running import Running
from support.ways import an_app, proposed


@pytest.fixture
def remedyd(running: Running, tmp_path: Path) -> Line:
    """The command line, pointed at the daemon."""
    return Line(running.url, tmp_path)


def test_the_trail_tells_who_did_what(remedyd: Line, running: Running) -> None:
    """One line an event, the newest last, narrowed by what is asked for."""
    name = an_app()
    made = proposed(running, name)
    assert remedyd("proposals", "reject", made["id"], "-m", "no", role="approver").returncode == 0
    done = remedyd("trail", "--proposal", made["id"])
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["AT", "WHO", "ACTION", "STATE", "WORKLOAD", "PROPOSAL", "DETAIL"]
    told = lines[-1].split()
    assert told[1:5] == ["approver", "reject", "Rejected", f"Deployment/shop/{name}"]
    only = remedyd("trail", "--proposal", made["id"], "--who", "approver", "-o", "json")
    assert [event["action"] for event in json.loads(only.stdout)] == ["reject"]
    assert yaml.safe_load(remedyd("trail", "-n", "nowhere", "-o", "yaml").stdout) == []


def test_the_trail_of_a_time(remedyd: Line, running: Running) -> None:
    """An age or a time with its zone; the daemon's clock decides."""
    made = proposed(running)
    known = ("--proposal", made["id"], "-o", "json")
    assert json.loads(remedyd("trail", *known, "--since", "2020-01-01T00:00:00Z").stdout)
    assert json.loads(remedyd("trail", *known, "--since", "1d").stdout)
    assert not json.loads(remedyd("trail", *known, "--until", "2020-01-01T00:00:00Z").stdout)


def test_refused_attempts_are_shown(remedyd: Line, running: Running) -> None:
    """Who tried what, and why not."""
    made = proposed(running)
    tried = remedyd(
        *("proposals", "approve", made["id"], "--digest", made["digest"]), role="proposer"
    )
    assert tried.returncode == 1
    done = remedyd("trail", "--refused", "--proposal", made["id"])
    assert done.returncode == 0, done.stderr
    assert "proposer" in done.stdout
    assert "lacks the scope approver" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trail", "--since", "yesterday"], "neither a time nor an age"),
        (["trail", "--since", "999999d"], "neither a time nor an age"),
        (["trail", "--since", "2026-11-22T10:00:00"], "has no time zone"),
        (["trail", "--refused", "-n", "shop"], "--refused goes with"),
        (["trail", "--watch", "-o", "yaml"], "--watch goes with"),
        (["trail", "-o", "xml"], "table or json"),
        (["holds", "list", "-o", "xml"], "table or json"),
        (["proposals", "approve", "x", "-o", "json"], "--digest"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_explained(remedyd: Line, words: list[str], told: str) -> None:
    """Exit 2, before the daemon is asked."""
    done = remedyd(*words)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("group", ["policies", "audits"])
def test_what_the_daemon_has_in_force(remedyd: Line, group: str) -> None:
    """A list, and each of it; tables and data name the same."""
    listed, data, again = None, None, False
    while listed != again:  # an audit may run between two looks
        listed = yaml.safe_load(remedyd(group, "list", "-o", "yaml").stdout)
        data = json.loads(remedyd(group, "list", "-o", "json").stdout)
        again = yaml.safe_load(remedyd(group, "list", "-o", "yaml").stdout)
    assert listed == data
    table = remedyd(group, "list").stdout
    for each in listed:
        assert each["name"] in table
    name = listed[0]["name"]
    shown = remedyd(group, "show", name)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(name)
    assert json.loads(remedyd(group, "show", name, "-o", "json").stdout)["name"] == name
    missing = remedyd(group, "show", "nothing-like-it")
    assert missing.returncode == 1
    assert "nothing-like-it" in missing.stderr


def test_the_daemon_runs_an_audit(remedyd: Line) -> None:
    """Rows by severity, and exit 0 for the outcome Ok."""
    done = remedyd("audits", "run", "replica-gap", role="proposer")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("Ok")


def test_a_script_gets_one_document(remedyd: Line) -> None:
    """With --wait the moves go to stderr, the proposal as it ended to stdout."""
    name = an_app()
    asked = remedyd(
        *("propose", "scale", f"deployment/{name}", "-n", "shop", "--replicas", "2"),
        *("-o", "json"),
        role="proposer",
    )
    made = json.loads(asked.stdout)
    done = remedyd(
        *("proposals", "approve", made["id"], "--digest", made["digest"]),
        *("--wait", "-o", "json"),
        role="approver",
    )
    ended = json.loads(done.stdout)
    assert (done.returncode, ended["state"]) == (0, "Effective"), done.stderr
    assert "Applied" in done.stderr
