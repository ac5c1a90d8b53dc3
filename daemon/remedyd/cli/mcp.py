"""`remedyd mcp`: a running daemon for an agent that starts its servers as processes.

It is a client of the daemon's own `/mcp` and holds no rule of its own: each message goes there
with the token of the chosen context and its answer comes back. So what an agent may do, what is
refused and what is kept is the same on both ways, and a restarted daemon is not noticed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from remedyd.cli.client import Client
from remedyd.errors import ConfigurationError, RemedydError

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

_PATIENCE_SECONDS: Final = 90.0


def mcp() -> None:
    """Serve agents on stdin and stdout, for the daemon that flags, environment or context name."""
    try:
        import mcp.server  # noqa: F401 - whether it is there is told before anything is asked
    except ImportError as error:
        raise ConfigurationError(
            "the MCP server is not installed here", hint="pip install 'remedyd[mcp]'"
        ) from error
    upstream = Upstream(Client(timeout_seconds=_PATIENCE_SECONDS))
    upstream.ask("tools/list", {})  # a wrong address or token is told now, not to the agent
    asyncio.run(_serve(upstream))


class Upstream:
    """The daemon's `/mcp`."""

    def __init__(self, client: Client) -> None:
        """Take the connection."""
        self._client = client

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result of one request; raise MCPError for the daemon's own errors."""
        from mcp.shared.exceptions import MCPError
        from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"MCP-Protocol-Version": HANDSHAKE_PROTOCOL_VERSIONS[-1]}
        answer: dict[str, Any] = self._client.post("/mcp", body, headers)
        if "error" in answer:
            error = answer["error"]
            raise MCPError(error["code"], error["message"], error.get("data"))
        result: dict[str, Any] = answer["result"]
        return result


async def _serve(upstream: Upstream) -> None:
    from mcp.server.stdio import stdio_server

    made = server(upstream)
    async with stdio_server() as (read, write):
        await made.run(read, write, made.create_initialization_options())


def server(upstream: Upstream) -> "Server[Any]":
    """Return an MCP server that passes every request on."""
    import mcp_types as types
    from mcp.server.lowlevel import Server

    from remedyd import __version__
    from remedyd.server.mcp.texts import INSTRUCTIONS

    def passed(method: str, kind: type[Any]) -> Callable[[Any, Any], Awaitable[Any]]:
        async def run(_: Any, params: Any) -> Any:
            given = params.model_dump(by_alias=True, mode="json", exclude_none=True)
            given.pop("_meta", None)
            try:
                return kind.model_validate(await asyncio.to_thread(upstream.ask, method, given))
            except RemedydError as error:
                return _failed(error, method)

        return run

    return Server(
        "remedyd",
        version=__version__,
        title="remedyd",
        instructions=INSTRUCTIONS,
        on_list_tools=passed("tools/list", types.ListToolsResult),
        on_call_tool=passed("tools/call", types.CallToolResult),
        on_list_resources=passed("resources/list", types.ListResourcesResult),
        on_list_resource_templates=passed(
            "resources/templates/list", types.ListResourceTemplatesResult
        ),
        on_read_resource=passed("resources/read", types.ReadResourceResult),
        on_list_prompts=passed("prompts/list", types.ListPromptsResult),
        on_get_prompt=passed("prompts/get", types.GetPromptResult),
    )


def _failed(error: RemedydError, method: str) -> Any:
    """Return a failed tool call, which the agent reads; raise for everything else."""
    import mcp_types as types
    from mcp.shared.exceptions import MCPError

    told = f"{error.message}\nNext: {error.hint}" if error.hint else error.message
    if method != "tools/call":
        raise MCPError(types.INTERNAL_ERROR, told) from error
    return types.CallToolResult(content=[types.TextContent(type="text", text=told)], is_error=True)
