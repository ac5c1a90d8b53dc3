"""`remedyd mcp`: the same over a process's stdin and stdout, for the chosen daemon."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from support.agents import HANDSHAKE, said
from support.line import Line
from support.running import Running
from support.ways import proposed

Work = Callable[[Client], Awaitable[None]]


@pytest.fixture
def line(running: Running, tmp_path: Path) -> Line:
    """A command line pointed at the daemon."""
    return Line(running.url, tmp_path)


def _speak(line: Line, role: str, mode: str, work: Work) -> None:
    """Start the process as an agent's host does, and do `work` with it."""
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "remedyd", "mcp"], env=line.environment(role)
    )

    async def whole() -> None:
        async with Client(stdio_client(parameters), mode=mode) as client:
            await work(client)

    asyncio.run(whole())


def test_a_proposers_host_sees_what_http_gives(line: Line, running: Running) -> None:
    """Tools, results, resources, prompts and errors are the daemon's own."""
    made = proposed(running)

    async def work(client: Client) -> None:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "propose" in names
        assert "approve" not in names
        shown = await client.call_tool("show_proposal", {"proposal": made["id"]})
        assert shown.structured_content["digest"] == made["digest"]
        refused = await client.call_tool(
            "approve", {"proposal": made["id"], "digest": made["digest"]}
        )
        assert refused.is_error
        assert said(refused).startswith("Forbidden: proposer lacks the scope approver")
        assert (await client.list_resources()).resources
        assert (await client.list_resource_templates()).resource_templates
        read = await client.read_resource("remedyd://audits/container-memory")
        assert read.contents
        prompts = await client.list_prompts()
        assert [prompt.name for prompt in prompts.prompts] == ["proposer_instructions", "triage"]
        assert (await client.get_prompt("triage", {"namespace": "shop"})).messages
        with pytest.raises(MCPError, match="no resource"):
            await client.read_resource("remedyd://nothing")

    _speak(line, "proposer", "auto", work)
    path = f"/v1/refusals?proposal={made['id']}"
    (kept,) = running.client("viewer").get(path).json()["items"]
    assert (kept["principal"], kept["operation"]) == ("proposer", "approve")


def test_a_host_that_begins_by_hand_approves(line: Line, running: Running) -> None:
    """With an approver's token, by the older handshake."""
    made = proposed(running)

    async def work(client: Client) -> None:
        arguments: dict[str, Any] = {"proposal": made["id"], "digest": made["digest"]}
        assert not (await client.call_tool("approve", arguments)).is_error

    _speak(line, "approver", HANDSHAKE, work)
    shown = running.client("viewer").get(f"/v1/proposals/{made['id']}").json()
    assert shown["approval"]["principal"] == "approver"


def test_a_daemon_that_does_not_answer_is_told_to_the_agent(line: Line, running: Running) -> None:
    """A call fails with words, the connection lives on."""
    from remedyd.cli.client import Client as Connection
    from remedyd.cli.contexts import Connection as Where
    from remedyd.cli.mcp import Upstream, server

    upstream = Upstream(Connection(Where("http://127.0.0.1:9", "none")))

    async def whole() -> None:
        async with Client(server(upstream)) as client:
            failed = await client.call_tool("list_proposals", {})
            assert failed.is_error
            assert "is the daemon running there?" in said(failed)
            with pytest.raises(MCPError, match="is the daemon running there"):
                await client.list_tools()

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("role", "url", "told"),
    [
        ("wrong", "", "not known"),
        ("", "", "no token"),
        ("viewer", "http://127.0.0.1:9", "is the daemon running there?"),
    ],
)
def test_a_wrong_beginning_is_told_at_once(line: Line, role: str, url: str, told: str) -> None:
    """The host's log shows what is wrong; nothing is written where the protocol belongs."""
    done = line("mcp", role=role, **({"REMEDYD_URL": url} if url else {}))
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert done.stdout == ""


def test_without_the_extra_it_says_how_to_get_it(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is there, the library is not."""
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    done = line("mcp", role="viewer")
    assert done.returncode == 2
    assert "remedyd[mcp]" in done.stderr


def test_a_daemon_loads_the_sdk_with_the_first_message_only() -> None:
    """Half a second and 20 MB, which a daemon that no agent asks does not pay."""
    code = (
        "import sys, remedyd.server.asgi, remedyd.server.mcp.catalogue\n"
        "print([m for m in ('mcp', 'mcp_types') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
