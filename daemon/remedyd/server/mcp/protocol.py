"""The Model Context Protocol itself, by its official SDK: the only module here that imports it.

The low-level server is used, not the decorated one: what is listed depends on who asks, the
schemas are ours, and the decorated one configures logging for the whole process.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from remedyd import __version__
from remedyd.errors import RemedydError
from remedyd.model import Principal
from remedyd.observability import logs
from remedyd.server.context import Context
from remedyd.server.mcp import failures, prompts, resources
from remedyd.server.mcp.catalogue import BY_NAME, TOOLS
from remedyd.server.mcp.schemas import schema
from remedyd.server.mcp.texts import INSTRUCTIONS
from remedyd.server.mcp.tool import Asking, Tool

log = logs.get(__name__)
logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of every request at INFO

_INPUTS: Final = {tool.name: schema(tool.arguments, inputs=True) for tool in TOOLS}
_OUTPUTS: Final = {tool.name: schema(tool.result) for tool in TOOLS}


def manager(ctx: Context, body_limit: int) -> StreamableHTTPSessionManager:
    """Return what serves the protocol over HTTP: stateless, without sessions, answers as JSON."""
    return StreamableHTTPSessionManager(
        server(ctx), json_response=True, stateless=True, max_request_body_size=body_limit
    )


def server(ctx: Context) -> Server[Any]:
    """Return the server of the daemon behind `ctx`."""
    face = _Face(ctx)
    return Server(
        "remedyd",
        version=__version__,
        title="remedyd",
        description="Closed-loop Kubernetes remediation with an approval gate",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=_INPUTS.get,
        on_list_tools=_guarded(face.list_tools),
        on_call_tool=_guarded(face.call_tool),
        on_list_resources=_guarded(face.list_resources),
        on_list_resource_templates=_guarded(face.list_templates),
        on_read_resource=_guarded(face.read_resource),
        on_list_prompts=_guarded(face.list_prompts),
        on_get_prompt=_guarded(face.get_prompt),
    )


class _Face:
    """The handlers; each says who asks before anything else."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def _asking(self, context: Any) -> Asking:
        """Return who asks: whoever the entry let in with this request, and nobody else."""
        principal = context.request.scope.get("state", {}).get("principal")
        if not isinstance(principal, Principal):
            raise MCPError(types.INVALID_REQUEST, "no bearer token came with the request")
        return Asking(self._ctx, principal)

    async def list_tools(self, context: Any, _: Any) -> types.ListToolsResult:
        asking = self._asking(context)
        shown = [_tool(tool) for tool in TOOLS if tool.listed_for(asking.principal)]
        return types.ListToolsResult(tools=shown)

    async def call_tool(
        self, context: Any, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        asking = self._asking(context)
        tool = BY_NAME.get(params.name)
        if tool is None:
            known = [each.name for each in TOOLS if each.listed_for(asking.principal)]
            told = failures.unknown_tool(params.name, asking.principal, known)
            raise MCPError(types.INVALID_PARAMS, told)
        try:
            result = await tool.call(asking, tool.validated(params.arguments))
        except RemedydError as error:
            told = failures.text(error)
            log.info(f"tool {tool.name} refused: {error.message}", tool=tool.name)
            return types.CallToolResult(content=[_text(told)], is_error=True)
        log.info(f"tool {tool.name} called", tool=tool.name)
        structured = result.model_dump(mode="json")
        words = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
        return types.CallToolResult(content=[_text(words)], structured_content=structured)

    async def list_resources(self, context: Any, _: Any) -> types.ListResourcesResult:
        asking = self._asking(context)
        found = await run_in_threadpool(lambda: list(resources.listed(asking)))
        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=each.uri,
                    name=each.name,
                    description=each.description,
                    mime_type=resources.JSON,
                )
                for each in found
            ]
        )

    async def list_templates(self, context: Any, _: Any) -> types.ListResourceTemplatesResult:
        self._asking(context)
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    uri_template=each.uri,
                    name=each.name,
                    description=each.description,
                    mime_type=resources.JSON,
                )
                for each in resources.TEMPLATES
            ]
        )

    async def read_resource(
        self, context: Any, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        asking, uri = self._asking(context), str(params.uri)
        text = await run_in_threadpool(resources.read, asking, uri)
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=resources.JSON, text=text)]
        )

    async def list_prompts(self, context: Any, _: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(
            prompts=[
                types.Prompt(
                    name=each.name,
                    title=each.title,
                    description=each.description,
                    arguments=[
                        types.PromptArgument(name=name, description=text, required=False)
                        for name, text in each.arguments
                    ],
                )
                for each in prompts.listed(self._asking(context))
            ]
        )

    async def get_prompt(
        self, context: Any, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        prompt, text = prompts.found(self._asking(context), params.name, params.arguments)
        return types.GetPromptResult(
            description=prompt.description,
            messages=[types.PromptMessage(role="user", content=_text(text))],
        )


def _guarded(
    handler: Callable[[Any, Any], Awaitable[BaseModel]],
) -> Callable[[Any, Any], Awaitable[Any]]:
    """Return `handler` with errors told in our words; of a bug, no more than that it happened."""

    async def run(context: Any, params: Any) -> BaseModel:
        try:
            return await handler(context, params)
        except MCPError:
            raise
        except RemedydError as error:
            raise MCPError(types.INVALID_PARAMS, failures.text(error)) from error
        except Exception as error:
            log.error(f"a bug made {context.method} fail", exc_info=error)
            raise MCPError(
                types.INTERNAL_ERROR, "internal error; the daemon's log has the details"
            ) from error

    return run


def _tool(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=_INPUTS[tool.name],
        output_schema=_OUTPUTS[tool.name],
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.read_only,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=False,
        ),
    )


def _text(words: str) -> types.TextContent:
    return types.TextContent(type="text", text=words)
