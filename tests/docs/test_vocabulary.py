"""Every word by which the program tells what it did is documented, and none that it never says."""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from remedyd.actions.scale_to_baseline import BASELINE
from remedyd.cluster import writes
from remedyd.model import Hold, HoldKind, State
from remedyd.observability.alerts import AlertKind
from remedyd.policy.guardrails.places import ANNOTATION
from remedyd.proposals import notes
from remedyd.proposals.ecs import Ecs
from remedyd.proposals.flags import Flag
from remedyd.proposals.refusals import Refusal
from remedyd.proposals.reports import FULL
from remedyd.server.mcp.prompts import PROMPTS
from remedyd.server.mcp.resources import TEMPLATES
from support.docs import codes, page, pages, rows, section
from support.proposals import START, a_decision, a_proposal
from support.vocabulary import actions, reasons


def column(text: str) -> list[str]:
    """Return every word of the first column of the tables in a text."""
    return [word for cells in rows(text) for word in codes(cells[0])]


def told_in_the_trail() -> set[str]:
    """Return every event.action that a document of the trail can carry."""
    ecs, found = Ecs("prod"), []
    event = {"at": START, "sequence": 1, "principal": "p"}
    said = {"detail": "", "data": {}}
    for state in State:
        moved = replace(a_proposal(), state=state)
        found.append(ecs.moved(moved, {**event, "action": "x"}, said, amended=False))
    for note in {*actions()[1], "approve"}:
        noted = {**event, "action": note}
        found.append(ecs.moved(a_proposal(), noted, said, amended=True))
    for kind in HoldKind:
        hold = Hold("h", kind, "subject", START, "why")
        found += [ecs.held(hold), ecs.held(replace(hold, ended_at=START))]
    for value in (True, False):
        found.append(ecs.switched(Flag("pause", value, START, "p"), 1))
    found.append(ecs.decided(a_decision(), START))
    found.append(ecs.refused(Refusal(START, "p", "approve", "Forbidden", "")))
    found.append(ecs.heartbeat(START, {}))
    found += [ecs.configured(START, "d", "", valid=valid) for valid in (True, False)]
    return {document["event"]["action"] for document in found}


def test_every_event_action_is_documented() -> None:
    """`docs/audit-trail.md` lists each that Elasticsearch gets, and no other."""
    table = section(page("audit-trail.md"), "## Events").partition("\n### ")[0]
    assert sorted(column(table)) == sorted(told_in_the_trail())


def test_every_action_of_the_history_is_documented() -> None:
    """The steps as the store, REST and the command line call them, and no other."""
    moves, noted = actions()
    table = section(page("audit-trail.md"), "### In the store")
    assert sorted(column(table)) == sorted(moves | noted)


def test_every_kubernetes_event_is_documented() -> None:
    """With its reason and type."""
    listed = {
        word: cells[1]
        for cells in rows(section(page("audit-trail.md"), "## Kubernetes Events"))
        for word in codes(cells[0])
    }
    wanted = {
        reason: "Warning" if state in notes._WARNINGS else "Normal"
        for state, (reason, _) in notes._REASONS.items()
    }
    assert listed == wanted


def test_every_reason_of_a_refusal_is_documented() -> None:
    """`docs/api.md` lists each code, and none that nothing is refused with."""
    listed = column(section(page("api.md"), "## Reasons"))
    known_elsewhere = {"Paused"}  # a guardrail
    assert sorted(listed) == sorted((reasons() | {FULL}) - known_elsewhere)


def test_every_alert_is_documented() -> None:
    """`docs/metrics.md` says what each kind means."""
    assert sorted(column(section(page("metrics.md"), "## Alerts"))) == sorted(AlertKind)


def test_no_resource_or_prompt_is_documented_that_is_gone() -> None:
    """The tables of `docs/agents.md` have what agents are offered, and no more."""
    text = page("agents.md")
    assert column(section(text, "## Resources")) == [one.uri for one in TEMPLATES]
    assert column(section(text, "## Prompts")) == [one.name for one in PROMPTS]


def _annotations(texts: Iterable[str]) -> set[str]:
    found = (re.findall(r"(?<![\w.-])remedyd\.io/[a-z][a-z0-9-]*", text) for text in texts)
    return {one for each in found for one in each if not one.startswith("remedyd.io/v1")}


def test_every_annotation_is_documented() -> None:
    """Those that users set and those that remedyd leaves, and no other."""
    ours = {ANNOTATION, BASELINE, writes.PROPOSAL, writes.ROLLBACK}
    assert _annotations(path.read_text(encoding="utf-8") for path in pages()) == ours


@pytest.mark.parametrize("status", [0, 1, 2])
def test_exit_codes_are_documented(status: int) -> None:
    """`docs/cli.md` says what each means."""
    assert re.search(rf"^\| {status} \| \w", page("cli.md"), re.MULTILINE)
