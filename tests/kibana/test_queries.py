"""Every ES|QL text that is installed runs, over real telemetry and a real audit trail."""

from typing import Any

import pytest

from remedyd.elastic.kibana import dashboard, rules
from remedyd.elastic.kibana.call import Secret
from remedyd.elastic.kibana.dashboard import PANELS, Panel
from remedyd.elastic.kibana.stack import Stack
from remedyd.elastic.kibana.tools import tools
from remedyd.elastic.kibana.wanted import MCP, Wanted
from remedyd.lab.world import Lab
from remedyd.model import Table
from support.running import Running
from support.trail import STREAM, until

WANTED = Wanted("https://remedyd.example", Stack((9, 5)), Secret("token", "t"))
TOOLS = {one["id"]: one for one in tools(WANTED, {MCP: "c1"}) if one["type"] == "esql"}


@pytest.fixture(scope="module")
def trail(running: Running, lab: Lab) -> Lab:
    """Make a proposal and a refusal, and wait for both and a sign of life in the trail."""
    body = {"action": "scale", "deployment": "search", "replicas": 3}
    made = running.client("proposer").post("/manage", json=body)
    assert made.status_code == 202, made.text
    proposal = made.json()["proposal"]
    refused = running.client("proposer").post(
        f"/v1/proposals/{proposal}/approve", json={"digest": made.json()["digest"]}
    )
    assert refused.status_code == 403
    running.client("approver").post(f"/v1/proposals/{proposal}/reject", json={"reason": "no"})

    def told() -> bool:
        running.service._run_now("outbox")
        found = {str(one["event"]["action"]) for one in lab.streams.recent(STREAM)}  # type: ignore[index]
        return {"heartbeat", "refused", "rejected"} <= found

    until(told)
    return lab


def asked(lab: Lab, query: str, **params: Any) -> Table:
    return lab.streams.query(query, params)


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_tool_answers_with_its_defaults(trail: Lab, name: str) -> None:
    """Called without any argument it gives rows of the whole cluster."""
    configuration = TOOLS[name]["configuration"]
    given = {key: one["defaultValue"] for key, one in configuration["params"].items()}
    table = asked(trail, configuration["query"], **given)
    if name != "remedyd.replica_gaps":  # none is missing anything here
        assert table.rows
    assert len(table.columns) > 5


def test_the_health_of_one_namespace(trail: Lab) -> None:
    """Each Deployment's container with its share of the limit and a severity."""
    query = TOOLS["remedyd.deployment_health"]["configuration"]["query"]
    rows = asked(trail, query, namespace="default", minutes=15).records()
    assert {row["k8s.deployment.name"] for row in rows} >= {"frontend", "backend"}
    assert all(row["severity_score"] in (1, 2, 3) for row in rows)
    assert asked(trail, query, namespace="elsewhere", minutes=15).rows == ()


def test_the_history_of_one_workload(trail: Lab) -> None:
    """Proposed, refused to the proposer, rejected: newest first."""
    query = TOOLS["remedyd.history"]["configuration"]["query"]
    told = asked(trail, query, namespace="default", workload="search", hours=24).records()
    rows = [row for row in told if row["event.action"] != "decided"]  # policies look meanwhile
    assert rows[0]["event.action"] == "rejected"
    assert {row["labels.proposal_id"] for row in rows} != {None}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.key)
def test_a_panel_gives_the_columns_it_shows(trail: Lab, panel: Panel) -> None:
    """A column that a panel names and the query does not give would be an empty panel."""
    table = asked(trail, dashboard.query(panel))
    names = {column.name for column in table.columns}
    assert {name for name, _, _ in panel.columns} <= names
    assert table.rows or panel.key == "verdicts"


def test_the_panels_do_not_overlap() -> None:
    """Each has its own place on the grid of 48 columns."""
    cells = [
        (x + column, y + row)
        for x, y, width, height in (panel.place for panel in PANELS)
        for column in range(width)
        for row in range(height)
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 48


@pytest.mark.parametrize("number", range(4))
def test_a_rule_is_quiet_while_all_is_well(trail: Lab, number: int) -> None:
    """A row is an alert: none while the daemon lives, telemetry arrives and nothing fails."""
    _, body = rules.rules(WANTED)[number]
    assert asked(trail, body["params"]["esqlQuery"]["esql"]).rows == ()


def test_the_rules_fire_when_they_should(trail: Lab) -> None:
    """Silence, no telemetry, a failed write and a forgotten proposal each give a row."""
    texts = {body["name"]: body["params"]["esqlQuery"]["esql"] for _, body in rules.rules(WANTED)}
    silent = texts["remedyd is silent"].replace('"heartbeat"', '"never"')
    assert len(asked(trail, silent).rows) == 1
    stale = texts["remedyd: no telemetry arrives"].replace(
        "| STATS", '| WHERE k8s.namespace.name == "x"\n| STATS'
    )
    assert len(asked(trail, stale).rows) == 1
    failed = texts["remedyd: a change or its undo failed"].replace("apply-failed", "rejected")
    assert len(asked(trail, failed).rows) >= 1
    pending = texts["remedyd: a proposal waits for a decision"]
    pending = pending.replace('"rejected", ', "").replace("10 minutes", "0 minutes")
    assert len(asked(trail, pending).rows) >= 1
