"""What the pages about Elastic say is so."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remedyd.cli.elastic import app
from remedyd.elastic.kibana.call import Secret
from remedyd.elastic.kibana.connectors import TYPES
from remedyd.elastic.kibana.rules import rules
from remedyd.elastic.kibana.stack import Stack
from remedyd.elastic.kibana.tools import names
from remedyd.elastic.kibana.wanted import Wanted
from remedyd.elastic.kibana.workflows import NAMES
from remedyd.model import State
from remedyd.proposals.ecs import Ecs
from support.proposals import START, a_proposal

DOCS = Path(__file__).parents[2] / "docs"
ELASTIC = (DOCS / "elastic.md").read_text(encoding="utf-8")
TRAIL = (DOCS / "audit-trail.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", ELASTIC + TRAIL, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "line", [line for block in COMMANDS for line in block.splitlines() if line], ids=str
)
def test_a_command_can_be_typed_as_it_stands(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command runs; those that would send something are rehearsed."""
    monkeypatch.chdir(tmp_path)
    for name in ("kibana.key", "proposer.token", "approver.token"):
        (tmp_path / name).write_text("0123456789abcdef0123")
    words = shlex.split(line)
    assert words[:2] == ["remedyd", "elastic"]
    if words[2] in ("install", "uninstall") and "--dry-run" not in words:
        words.append("--dry-run")
    result = CliRunner().invoke(app, words[2:])
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    assert re.search(r"^(POST|PUT) ", result.output, re.MULTILINE)
    assert "0123456789abcdef0123" not in result.output


def test_everything_that_is_installed_is_listed() -> None:
    """Connectors, tools, workflows and rules, by their names."""
    tools = {name.removeprefix("remedyd.") for name in names()}
    wanted = Wanted("https://x", Stack((9, 5)), Secret("t", "t"))
    titles = {body["name"].removeprefix("remedyd: ") for _, body in rules(wanted)}
    flows = {f"remedyd--{name}" for name in NAMES}
    listed = " ".join(ELASTIC.split())
    assert {one for one in (*tools, *titles, *flows, *TYPES) if one not in listed} == set()


def test_every_action_of_the_trail_is_listed() -> None:
    """An event that the page does not name could not be searched for."""
    ecs = Ecs("prod")
    actions = set()
    for state in State:
        event = {"at": START, "sequence": 1, "action": "x", "principal": "p"}
        said = {"detail": "", "data": {}}
        document = ecs.moved(replace(a_proposal(), state=state), event, said, amended=False)
        actions.add(document["event"]["action"])
    assert {action for action in actions if f"`{action}`" not in TRAIL} == set()


@pytest.mark.parametrize("page", [ELASTIC, TRAIL], ids=["elastic", "audit-trail"])
def test_links_lead_somewhere(page: str) -> None:
    """Every page that is linked exists, and every heading."""
    for target in re.findall(r"\]\(([^)]+)\)", page):
        file, _, heading = target.partition("#")
        if file:
            assert (DOCS / file).is_file(), target
        if heading and not file:
            anchors = [
                re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                for line in page.splitlines()
                if line.startswith("#")
            ]
            assert heading in anchors
