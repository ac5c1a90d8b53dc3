"""The table's column for agents: a real MCP client over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from support.agents import Agent, said
from support.faces.face import Answer, Face, Outcome, Subject
from support.running import TOKENS, Running

TOOLS: Final[Mapping[str, tuple[str, Callable[[Subject], dict[str, Any]]]]] = {
    "list proposals": ("list_proposals", lambda _: {}),
    "propose": (
        "propose",
        lambda s: {"action": "Scale", "name": s.app, "namespace": "shop", "replicas": 2},
    ),
    "show proposal": ("show_proposal", lambda s: {"proposal": s.id}),
    "history of proposal": ("explain", lambda s: {"proposal": s.id}),
    "approve": ("approve", lambda s: {"proposal": s.id, "digest": s.digest}),
    "reject": ("reject", lambda s: {"proposal": s.id}),
    "run audit": ("run_audit", lambda s: {"audit": s.audit, "limit": 1}),
    "read workload": ("workload_status", lambda s: {"name": s.app, "namespace": "shop"}),
}
RESOURCES: Final[Mapping[str, Callable[[Subject], str]]] = {
    "show audit": lambda s: f"remedyd://audits/{s.audit}",
    "show policy": lambda s: f"remedyd://policies/{s.policy}",
}
_LISTED: Final = frozenset({"list audits", "list policies"})
_PEOPLES: Final = "for people, by console, command line or REST"
_LEFT_OUT: Final = {
    "rollback": _PEOPLES,
    "pause": _PEOPLES,
    "resume": _PEOPLES,
    "lift hold": _PEOPLES,
    "read pause": _PEOPLES,
    "list holds": _PEOPLES,
    "trail": "explain gives a proposal's history",
    "refusals": _PEOPLES,
    "stream": "show_proposal waits",
    "manage": "a workflow's route; propose does it",
}
_CODES: Final = {"Forbidden": Outcome.FORBIDDEN, "NotFound": Outcome.MISSING}


def _call(running: Running, caller: str, operation: str, subject: Subject) -> Answer:
    agent = Agent(running.url, "" if caller == "none" else TOKENS[caller])

    async def ask(client: Client) -> Answer:
        if operation in TOOLS:
            tool, arguments = TOOLS[operation]
            result = await client.call_tool(tool, arguments(subject))
            if result.is_error:
                return _refused(said(result))
            made = result.structured_content["id"] if operation == "propose" else ""
            return Answer(Outcome.DONE, said(result), made)
        if operation in RESOURCES:
            return Answer(
                Outcome.DONE, str(await client.read_resource(RESOURCES[operation](subject)))
            )
        return Answer(Outcome.DONE, str(await client.list_resources()))

    try:
        return agent.run(ask)
    except (MCPError, BaseExceptionGroup) as error:
        if agent.status in (401, 429):
            return Answer(Outcome.STRANGER, str(error))
        if isinstance(error, MCPError):
            return _refused(error.message)
        raise


def _refused(text: str) -> Answer:
    code = text.partition(":")[0]
    return Answer(_CODES.get(code, Outcome.OTHER), text)


FACE: Final = Face("MCP", frozenset(TOOLS) | frozenset(RESOURCES) | _LISTED, _LEFT_OUT, _call)
