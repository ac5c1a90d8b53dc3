"""Brings Kibana to what is wanted: makes what is missing, changes what is there, twice as once.

Connectors are found by their name, everything else by an id of ours. What an earlier run
installed and is no longer wanted is removed: an agent that is no approver any more loses the
tool and the connector that made it one, before anything else is done.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from remedyd.elastic.kibana import agent, connectors, dashboard, rules, tools, workflows
from remedyd.elastic.kibana.call import Call
from remedyd.elastic.kibana.client import Wire, checked
from remedyd.elastic.kibana.wanted import HTTP_APPROVER, MCP_APPROVER, Wanted
from remedyd.errors import KibanaError

_NOT_IN_CHANGE: Final[Mapping[str, tuple[str, ...]]] = {
    tools.PATH: ("id", "type"),
    agent.PATH: ("id",),
    workflows.PATH: ("id",),
    rules.PATH: ("rule_type_id", "consumer"),
    connectors.PATH: ("connector_type_id",),
}


class Installer:
    """Installs and removes; every method raises KibanaError when Kibana does not do it."""

    def __init__(self, wire: Wire, tell: Callable[[str], None]) -> None:
        """Take who answers and who is told what was done."""
        self._wire = wire
        self._tell = tell

    def install(self, wanted: Wanted) -> None:
        """Install everything that is wanted, and remove what is not."""
        known = self._connectors()
        self._demote(wanted, known)
        made = {
            name: self._connector(body, known.get(name, ""))
            for name, body in connectors.connectors(wanted).items()
        }
        for body in workflows.workflows(wanted):
            self._put(workflows.PATH, body["id"], body, "workflow")
        chosen = tools.tools(wanted, made)
        for body in chosen:
            self._put(tools.PATH, body["id"], body, "tool")
        body = agent.agent(wanted, [one["id"] for one in chosen])
        self._put(agent.PATH, agent.ID, body, "agent")
        for key, body in rules.rules(wanted):
            self._put(rules.PATH, key, body, "rule", at_id=True)
        self._dashboard()

    def uninstall(self, space: str = "") -> None:
        """Remove everything that was ever installed; what is not there is passed over."""
        self._remove("agent", agent.PATH, agent.ID)
        for key in tools.names():
            self._remove("tool", tools.PATH, key)
        for name in workflows.NAMES:
            self._remove("workflow", workflows.PATH, f"remedyd-{name}", force=True)
        for key in rules.keys(space):
            self._remove("rule", rules.PATH, key)
        self._remove("dashboard", dashboard.DELETE, dashboard.ID)
        for name, key in self._connectors().items():
            self._remove(f"connector {name}", connectors.PATH, key)

    def _demote(self, wanted: Wanted, known: Mapping[str, str]) -> None:
        """Take from the agent what only an approver has, unless it is wanted."""
        if wanted.approver is None:
            self._remove("tool", tools.PATH, tools.APPROVE, force=True)
            self._remove("workflow", workflows.PATH, "remedyd-approve", force=True)
        for name in (MCP_APPROVER, HTTP_APPROVER):
            if name in known and name not in connectors.connectors(wanted):
                self._remove(f"connector {name}", connectors.PATH, known[name])
        if wanted.approver is not None and MCP_APPROVER not in connectors.connectors(wanted):
            self._remove("tool", tools.PATH, tools.APPROVE, only_type="mcp")
        elif wanted.approver is not None:
            self._remove("tool", tools.PATH, tools.APPROVE, only_type="workflow")

    def _connectors(self) -> dict[str, str]:
        """Return the ids of our connectors by name."""
        look = Call("GET", connectors.LIST, "list the connectors")
        body = checked(look, self._wire.send(look)).body
        return {
            one["name"]: one["id"]
            for one in (body if isinstance(body, list) else [])
            if connectors.TYPES.get(one.get("name")) == one.get("connector_type_id")
        }

    def _connector(self, body: dict[str, Any], key: str) -> str:
        """Make a connector, or change the one that is there; return its id."""
        what = f"connector {body['name']}"
        if key:
            change = self._changed(connectors.PATH, body)
            self._do(Call("PUT", f"{connectors.PATH}/{key}", f"change the {what}", change))
            self._tell(f"changed {what}")
            return key
        answer = self._do(Call("POST", connectors.PATH, f"create the {what}", body))
        self._tell(f"created {what}")
        return str(answer["id"])

    def _put(
        self, path: str, key: str, body: dict[str, Any], kind: str, *, at_id: bool = False
    ) -> None:
        """Create or change one thing; `at_id`: its id is in the path also when it is created."""
        what = f"{kind} {body.get('name', key)}"
        look = Call("GET", f"{path}/{key}", f"look for the {what}")
        answer = self._wire.send(look)
        if answer.status == 404:
            place = f"{path}/{key}" if at_id else path
            self._do(Call("POST", place, f"create the {what}", body))
            self._tell(f"created {what}")
            return
        checked(look, answer)
        self._do(Call("PUT", f"{path}/{key}", f"change the {what}", self._changed(path, body)))
        self._tell(f"changed {what}")

    def _changed(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return {name: one for name, one in body.items() if name not in _NOT_IN_CHANGE[path]}

    def _remove(
        self, kind: str, path: str, key: str, *, force: bool = False, only_type: str = ""
    ) -> None:
        what = kind if " " in kind else f"{kind} {key}"
        look = Call("GET", f"{path}/{key}", f"look for the {what}")
        if only_type:
            found = self._wire.send(look)
            if not found.ok or (found.body or {}).get("type") != only_type:
                return
        query = {"force": "true"} if force else {}
        call = Call("DELETE", f"{path}/{key}", f"remove the {what}", query=query)
        answer = self._wire.send(call)
        if answer.status != 404:
            checked(call, answer)
            self._tell(f"removed {what}")

    def _dashboard(self) -> None:
        call = Call(
            "POST",
            dashboard.IMPORT,
            "import the dashboard",
            query={"overwrite": "true"},
            upload=dashboard.ndjson(),
        )
        answer = self._do(call)
        if answer.get("success") is False:
            reasons = [str(one.get("error", {}).get("type", one)) for one in answer["errors"]]
            raise KibanaError(f"{call.what}: {'; '.join(reasons)}")
        self._tell("imported the dashboard [remedyd] Audit trail")

    def _do(self, call: Call) -> dict[str, Any]:
        body = checked(call, self._wire.send(call)).body
        return body if isinstance(body, dict) else {}
