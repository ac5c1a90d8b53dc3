"""Carries out the tools that were installed, as Agent Builder does: through their connectors."""

import json
from collections.abc import Callable
from typing import Any

from support.agents import HANDSHAKE, Agent
from support.kibana import FakeKibana
from support.workflows import Connector, Run, Workflow


class Denied(Exception):
    """The user said no to a tool call."""


class AgentBuilder:
    """One agent of a Kibana; `user` answers its confirmations and waiting workflows."""

    def __init__(self, kibana: FakeKibana, user: Callable[[str], bool | None]) -> None:
        self.kibana = kibana
        self._user = user
        agent = kibana.agents["remedyd"]["configuration"]
        self.tools = {name for group in agent["tools"] for name in group["tool_ids"]}
        self.asked: list[str] = []

    def call(self, key: str, /, **arguments: Any) -> Any:
        """Call a tool of the agent; raise KeyError for one it does not have, Denied."""
        if key not in self.tools:
            raise KeyError(key)
        tool = self.kibana.tools[key]
        if tool.get("confirmation", {}).get("askUser") == "always":
            self.asked.append(key)
            if not self._user(key):
                raise Denied(key)
        configuration = tool["configuration"]
        if tool["type"] == "mcp":
            return self._mcp(configuration, arguments)
        assert tool["type"] == "workflow", "ES|QL is tried elsewhere"
        return self.workflow(configuration["workflow_id"], **arguments)

    def _mcp(self, configuration: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        connector = self.kibana.connectors[configuration["connector_id"]]
        config = connector["config"]
        url = config["serverUrl"].removesuffix("/mcp")
        token = connector["secrets"]["token"]
        agent = Agent(url, token, mode=HANDSHAKE, headers=config["headers"])
        return agent.give(configuration["tool_name"], **arguments)

    def workflow(self, key: str, **inputs: Any) -> Run:
        """Run a workflow to its end; its person is the user."""
        held = {
            one["name"]: Connector(one["config"]["url"], one["secrets"]["secretHeaders"])
            for one in self.kibana.connectors.values()
            if one["connector_type_id"] == ".http"
        }

        def answer(message: str) -> bool | None:
            self.asked.append(message)
            return self._user(message)

        return Workflow(self.kibana.workflows[key]["yaml"], held, answer).run(**inputs)

    def secrets(self) -> str:
        """Return everything the agent can see, to look for secrets in."""
        shelves: dict[str, Any] = self.kibana.stored()
        del shelves["connectors"]
        return json.dumps(shelves)
