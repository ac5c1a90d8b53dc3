"""A real MCP client (the official SDK), for tests: over loopback HTTP or a process's stdio."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
import mcp_types as types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

T = TypeVar("T")
HANDSHAKE = "legacy"
"""The mode of clients that begin with `initialize`, as Kibana's connector does."""


class Agent:
    """Speaks to the `/mcp` of one daemon with one token; each call is a connection of its own."""

    def __init__(
        self, url: str, token: str = "", *, mode: str = "auto", headers: Mapping[str, str] = {}
    ) -> None:
        """Take the daemon's address, the token, how to begin, and further headers."""
        self._url = f"{url}/mcp"
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self._headers = {**authorization, **headers}
        self._mode = mode
        self.status = 0
        """The HTTP status of the last answer; the SDK only tells that there was an error."""

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        """Give the SDK's own client."""

        async def answered(response: httpx2.Response) -> None:
            self.status = response.status_code

        async with httpx2.AsyncClient(
            headers=self._headers, timeout=30, verify=False, event_hooks={"response": [answered]}
        ) as http:
            transport = streamable_http_client(self._url, http_client=http)
            async with Client(transport, mode=self._mode) as client:
                yield client

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Do `work` in one connection."""

        async def whole() -> T | MCPError:
            async with self.connected() as client:
                try:
                    return await work(client)
                except MCPError as error:  # outside it would come wrapped in groups
                    return error

        done = asyncio.run(whole())
        if isinstance(done, MCPError):
            raise done
        return done

    def call(self, tool: str, /, **arguments: Any) -> types.CallToolResult:
        """Call one tool."""
        return self.run(lambda client: client.call_tool(tool, arguments))

    def give(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call one tool that is to succeed, and return its structured result."""
        result = self.call(tool, **arguments)
        assert not result.is_error, said(result)
        given: dict[str, Any] = result.structured_content
        return given

    def refused(self, tool: str, /, **arguments: Any) -> str:
        """Call one tool that is to fail, and return the words of the error."""
        result = self.call(tool, **arguments)
        assert result.is_error, result
        return said(result)

    def tools(self) -> dict[str, types.Tool]:
        """Return what is listed, by name."""
        listed = self.run(lambda client: client.list_tools())
        return {tool.name: tool for tool in listed.tools}


def said(result: types.CallToolResult) -> str:
    """Return the text of a result."""
    return "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))
