"""What an agent is offered, what it gets back, and how mistakes are told."""

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from mcp.shared.exceptions import MCPError

from remedyd.server.mcp.catalogue import BY_NAME, TOOLS
from support.agents import HANDSHAKE, Agent, said
from support.running import Running
from support.ways import an_app, proposed

Agents = Callable[..., Agent]
READ_ONLY = ["list_proposals", "show_proposal", "explain", "workload_status"]
BY_SCOPE = {
    "viewer": READ_ONLY,
    "proposer": [*READ_ONLY, "run_audit", "propose", "reject"],
    "approver": [*READ_ONLY, "run_audit", "propose", "reject", "approve"],
    "admin": [*READ_ONLY, "run_audit", "propose", "reject", "approve"],
    "elsewhere": [*READ_ONLY, "run_audit", "propose", "reject", "approve"],
}


@pytest.mark.parametrize("role", BY_SCOPE)
def test_each_caller_is_offered_what_it_may(agent: Agents, role: str) -> None:
    """A tool is listed for those who have its scope somewhere."""
    assert sorted(agent(role).tools()) == sorted(BY_SCOPE[role])


def test_hints_tell_readers_from_writers(agent: Agents) -> None:
    """Annotations say what changes nothing, and what ends or applies something."""
    hints = {name: tool.annotations for name, tool in agent("approver").tools().items()}
    assert {name for name, hint in hints.items() if hint.read_only_hint} == set(READ_ONLY)
    assert {name for name, hint in hints.items() if hint.destructive_hint} == {"reject", "approve"}
    assert hints["approve"].idempotent_hint
    assert not any(hint.open_world_hint for hint in hints.values())


def test_names_and_schemas_suit_every_gateway(agent: Agents) -> None:
    """Names as Kibana's connector takes them; schemas without references, of plain types."""
    for name, tool in agent("approver").tools().items():
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name)
        text = json.dumps(tool.input_schema) + json.dumps(tool.output_schema)
        assert "$ref" not in text
        assert tool.output_schema["type"] == tool.input_schema["type"] == "object"
        for field in tool.input_schema["properties"].values():
            assert isinstance(field["type"], str)
            assert field["description"]
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)


@pytest.mark.parametrize("mode", [HANDSHAKE, "auto"])
def test_both_ways_of_beginning_work(agent: Agents, running: Running, mode: str) -> None:
    """Clients that begin with `initialize` and those that do not get the same result."""
    made = proposed(running)
    shown = agent("viewer", mode=mode).give("show_proposal", proposal=made["id"])
    assert (shown["digest"], shown["summary"]) == (made["digest"], made["summary"])


def test_results_fit_their_schemas_and_are_given_as_text_too(
    agent: Agents, running: Running
) -> None:
    """What is promised is given; who reads text alone reads the same JSON."""
    made = proposed(running)
    name = made["target"]["name"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_proposals", {"state": "Proposed", "open": True}),
        ("show_proposal", {"proposal": made["id"]}),
        ("explain", {"proposal": made["id"]}),
        ("explain", {"namespace": "shop", "name": name}),
        ("workload_status", {"namespace": "shop", "name": name}),
        ("run_audit", {"audit": "container-memory", "limit": 3}),
        ("reject", {"proposal": made["id"], "reason": "seen"}),
    ]
    speaker = agent("proposer")
    tools = speaker.tools()
    for tool, arguments in calls:
        result = speaker.call(tool, **arguments)
        jsonschema.validate(result.structured_content, tools[tool].output_schema)
        assert json.loads(said(result)) == result.structured_content
        assert len(said(result)) < 6000, f"{tool} is too long for a model"


def test_an_approver_approves_what_it_was_shown_and_follows_it(
    agent: Agents, running: Running
) -> None:
    """Show, approve that digest for a user, and wait until it is proved."""
    made = proposed(running)
    trusted = agent("approver")
    shown = trusted.give("show_proposal", proposal=made["id"])
    assert "Show the summary to your user" in shown["next"]
    moved = trusted.give(
        "approve", proposal=made["id"], digest=shown["digest"], on_behalf_of="alice@example.com"
    )
    for _ in range(10):
        if moved["state"] == "Effective":
            break
        moved = trusted.give(
            "show_proposal",
            proposal=made["id"],
            wait_seconds=10,
            after_version=moved["version"],
        )
    assert moved["state"] == "Effective"
    assert moved["verdict"].startswith("Effective")
    whole = running.client("viewer").get(f"/v1/proposals/{made['id']}").json()
    assert whole["approval"]["principal"] == "approver"
    assert whole["approval"]["on_behalf_of"] == "alice@example.com"


def test_a_request_says_who_asked_and_for_whom(agent: Agents, running: Running) -> None:
    """The asserted user stands beside the agent's own name in the proposal."""
    made = agent().give(
        "propose",
        action="Restart",
        name=an_app(),
        namespace="shop",
        comment="stale cache",
        on_behalf_of="bob@example.com",
    )
    why = " ".join(made["summary"].split())
    assert "requested by proposer, for bob@example.com (as it says)" in why
    assert "stale cache" in why


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("show_proposal", {"proposal": "none"}, "NotFound: there is no proposal none"),
        ("show_proposal", {}, "proposal: Field required"),
        ("show_proposal", {"proposal": 7}, "proposal: Input should be a valid string"),
        ("list_proposals", {"state": "Odd"}, "no state 'Odd'\nNext: one of Proposed"),
        ("list_proposals", {"limit": True}, "limit: Input should be a valid integer"),
        ("list_proposals", {"pages": 2}, "pages: Extra inputs are not permitted"),
        ("run_audit", {"audit": "none"}, "Next: known audits: container-memory"),
        ("explain", {}, "give either a proposal or a workload's name"),
        ("explain", {"proposal": "x", "name": "y"}, "give either a proposal"),
        ("workload_status", {"name": "nothing-here", "namespace": "shop"}, "nothing-here"),
        ("workload_status", {"name": "../secrets"}, "name: String should match pattern"),
        ("propose", {"action": "Status", "name": "app-00"}, "Next: call workload_status"),
        ("propose", {"action": "Explode", "name": "app-00"}, "Explode"),
        ("propose", {"action": "Restart", "name": "app-00", "replicas": 2}, "belongs to Scale"),
        ("propose", {"action": "Scale", "name": "app-00", "replicas": "2"}, "valid integer"),
        ("propose", {"action": "Scale", "name": "app-00", "replicas": -1}, "greater than or equal"),
        ("propose", {"action": "Scale", "name": "app-00", "replicas": 2, "params": {}}, "not both"),
        ("approve", {"proposal": "x"}, "digest: Field required"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else str(value)[:20],
)
def test_mistakes_say_what_where_and_what_next(
    agent: Agents, tool: str, arguments: dict[str, Any], told: str
) -> None:
    """The words of an error are an agent's only way to do better."""
    text = agent("approver").refused(tool, **({"namespace": "shop"} if tool == "propose" else {}),
                                     **arguments)  # fmt: skip
    assert told in text
    assert "pydantic" not in text


def test_a_null_is_an_argument_left_out(agent: Agents, running: Running) -> None:
    """Models fill what they do not need with null."""
    made = proposed(running)
    found = agent().give("list_proposals", state=None, namespace="shop", cursor=None, limit=100)
    assert made["id"] in [item["id"] for item in found["items"]]


def test_pages_follow_each_other(agent: Agents, running: Running) -> None:
    """`next` goes on where the page ended."""
    made = [proposed(running)["id"] for _ in range(3)]
    first = agent().give("list_proposals", limit=2)
    second = agent().give("list_proposals", limit=2, cursor=first["next"])
    listed = [item["id"] for page in (first, second) for item in page["items"]]
    assert listed[:3] == made[::-1]


def test_an_unknown_tool_is_an_error_of_the_protocol(agent: Agents) -> None:
    """The answer names the tools there are for this caller."""
    with pytest.raises(MCPError, match="there are list_proposals") as caught:
        agent("viewer").call("delete_everything")
    assert "approve" not in caught.value.message


def test_why_nothing_is_proposed_is_told(agent: Agents, running: Running) -> None:
    """For a healthy workload every policy says why it skips it."""
    agent().give("run_audit", audit="container-memory", limit=1)
    explained = agent().give("explain", namespace="shop", name=an_app())
    assert explained["proposals"] == []
    assert explained["decisions"]
    assert {each["decision"] for each in explained["decisions"]} == {"Skip"}
    unknown = agent().give("explain", namespace="shop", name="no-such")
    assert unknown["because"] == ["no policy has decided about it yet: no audit row names it"]


def test_the_worst_rows_come_first_and_are_cut(agent: Agents) -> None:
    """`total` counts what is not shown; a namespace narrows it."""
    found = agent().give("run_audit", audit="container-memory", limit=2)
    assert (found["outcome"], len(found["rows"]), found["total"]) == ("Ok", 2, 32)
    none = agent().give("run_audit", audit="container-memory", namespace="another")
    assert (none["outcome"], none["rows"], none["total"]) == ("Ok", [], 0)


def test_every_tool_has_what_the_protocol_wants() -> None:
    """Names are unique, descriptions are sentences."""
    assert len(BY_NAME) == len(TOOLS)
    assert all(tool.description.endswith(".") for tool in TOOLS)
