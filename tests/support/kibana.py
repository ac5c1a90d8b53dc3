"""A Kibana that keeps what it is given and refuses what the real one would refuse.

Bodies are checked key by key: an unknown or missing one is a 400, as are a change without
`kbn-xsrf` and an id that is taken. What it does not know is 404.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from support.wire import listening

KEY = "a2V5OnNlY3JldC1vZi1raWJhbmE="
_WORKFLOW_ID = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
_UUID4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
_PARAMETERS = {"string", "integer", "float", "boolean", "date"}


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class FakeKibana:
    """What is stored, by API and id."""

    version: str = "9.5.1"
    flavor: str = "traditional"
    space: str = ""
    url: str = ""
    refused: int = 0
    breaks_after: int = 0
    seen: list[Seen] = field(default_factory=list)
    connectors: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, Any] = field(default_factory=dict)
    agents: dict[str, Any] = field(default_factory=dict)
    workflows: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    dashboards: dict[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return everything, to be compared."""
        names = ("connectors", "tools", "agents", "workflows", "rules", "dashboards")
        copied: dict[str, dict[str, Any]] = json.loads(
            json.dumps({n: getattr(self, n) for n in names})
        )
        return copied

    def at_least(self, major: int, minor: int) -> bool:
        parts = tuple(int(part) for part in self.version.split(".")[:2])
        return parts >= (major, minor)

    def answer(self, seen: Seen) -> Any:
        """Carry out a request; raise Refusal."""
        if seen.headers.get("authorization") != f"ApiKey {KEY}":
            raise Refusal(401, "security_exception: unable to authenticate")
        if self.refused:
            raise Refusal(self.refused, "no")
        if self.breaks_after and len(self.seen) > self.breaks_after:
            raise Refusal(500, "out of order")
        if seen.method != "GET" and seen.headers.get("kbn-xsrf") != "true":
            raise Refusal(400, "Request must contain a kbn-xsrf header.")
        prefix = f"/s/{self.space}" if self.space else ""
        if not seen.path.startswith(f"{prefix}/api/"):
            raise Refusal(404, "Not Found")
        path = seen.path.removeprefix(prefix)
        for pattern, handler in self._routes():
            if match := re.fullmatch(pattern, path):
                return handler(seen, *(unquote(part or "") for part in match.groups()))
        raise Refusal(404, "Not Found")

    def _routes(self) -> list[tuple[str, Callable[..., Any]]]:
        return [
            ("/api/status", self._status),
            ("/api/actions/connectors", lambda seen: list(self.connectors.values())),
            ("/api/actions/connector(?:/([^/]+))?", self._connector),
            ("/api/agent_builder/tools(?:/([^/]+))?", self._tool),
            ("/api/agent_builder/agents(?:/([^/]+))?", self._agent),
            ("/api/workflows/workflow(?:/([^/]+))?", self._workflow),
            ("/api/alerting/rule/([^/]+)", self._rule),
            ("/api/saved_objects/_import", self._import),
            ("/api/saved_objects/dashboard/([^/]+)", self._dashboard),
        ]

    def _status(self, seen: Seen) -> Any:
        return {"version": {"number": self.version, "build_flavor": self.flavor}}

    def _keep(
        self, shelf: dict[str, Any], seen: Seen, key: str, check: Callable[[Any, bool], Any]
    ) -> Any:
        """Create, read, change or delete one thing."""
        if seen.method == "POST":
            made = check(seen.body, True)
            key = key or made["id"]
            if key in shelf:
                raise Refusal(409, f"{key} exists")
            shelf[key] = {**made, "id": key}
            return shelf[key]
        if key not in shelf:
            raise Refusal(404, f"{key} not found")
        if seen.method == "PUT":
            shelf[key] = {**shelf[key], **check(seen.body, False)}
        if seen.method == "DELETE":
            return shelf.pop(key)
        return shelf[key]

    def _connector(self, seen: Seen, key: str) -> Any:
        def check(body: Any, new: bool) -> Any:
            needs(body, {"name", "config", "secrets"} | ({"connector_type_id"} if new else set()))
            kind = body["connector_type_id"] if new else self.connectors[key]["connector_type_id"]
            if kind == ".mcp":
                needs(body["config"], {"serverUrl", "hasAuth", "authType", "headers"})
                needs(body["secrets"], {"token"})
                assert body["config"]["authType"] == "bearer"
            elif kind == ".http":
                needs(body["config"], {"url", "hasAuth"})
                needs(body["secrets"], {"secretHeaders"})
            else:
                raise Refusal(400, f"no connector type {kind}")
            return {**body, "id": f"c-{len(self.seen)}"} if new else body

        answer = self._keep(self.connectors, seen, key or "", check)
        return {name: one for name, one in answer.items() if name != "secrets"}

    def _tool(self, seen: Seen, key: str) -> Any:
        def check(body: Any, new: bool) -> Any:
            wanted = {"description", "tags", "configuration"} | ({"id", "type"} if new else set())
            may = {"confirmation"} if self.at_least(9, 6) else set()
            needs(body, wanted, may)
            kind = body["type"] if new else self.tools[key]["type"]
            self._configuration(kind, body["configuration"])
            if "confirmation" in body:
                needs(body["confirmation"], {"askUser"})
                assert body["confirmation"]["askUser"] in ("once", "always", "never")
            return body

        return self._keep(self.tools, seen, key or "", check)

    def _configuration(self, kind: str, given: Any) -> None:
        if kind == "esql":
            needs(given, {"query", "params"})
            used = set(re.findall(r"\?(\w+)", given["query"]))
            if used != set(given["params"]):
                raise Refusal(400, f"parameters {used} are not {set(given['params'])}")
            for parameter in given["params"].values():
                needs(parameter, {"type", "description"}, {"optional", "defaultValue"})
                assert parameter["type"] in _PARAMETERS
            if "LIMIT" not in given["query"]:
                raise Refusal(400, "no LIMIT")
        elif kind == "mcp":
            needs(given, {"connector_id", "tool_name"})
            if self.connectors.get(given["connector_id"], {}).get("connector_type_id") != ".mcp":
                raise Refusal(400, f"no MCP connector {given['connector_id']}")
        elif kind == "workflow":
            needs(given, {"workflow_id", "wait_for_completion"})
            if given["workflow_id"] not in self.workflows:
                raise Refusal(400, f"no workflow {given['workflow_id']}")
        else:
            raise Refusal(400, f"no tool type {kind}")

    def _agent(self, seen: Seen, key: str) -> Any:
        def check(body: Any, new: bool) -> Any:
            wanted = {"name", "description", "labels", "avatar_color", "avatar_symbol"}
            wanted |= {"configuration"} | ({"id"} if new else set())
            needs(body, wanted, {"access_control"} if self.at_least(9, 5) else set())
            needs(body["configuration"], {"instructions", "tools"})
            for group in body["configuration"]["tools"]:
                for tool in group["tool_ids"]:
                    if tool not in self.tools:
                        raise Refusal(400, f"no tool {tool}")
            return body

        return self._keep(self.agents, seen, key or "", check)

    def _workflow(self, seen: Seen, key: str) -> Any:
        def check(body: Any, new: bool) -> Any:
            needs(body, {"yaml"} | ({"id"} if new else set()))
            if new and not _WORKFLOW_ID.fullmatch(body["id"]):
                raise Refusal(400, f"id {body['id']}")
            read = yaml.safe_load(body["yaml"])
            needs(read, {"name", "version", "triggers", "steps"}, _WORKFLOW_KEYS)
            if self.at_least(9, 5) and "inputs" in read:
                raise Refusal(400, "inputs belong to the manual trigger")
            if not self.at_least(9, 5) and any("inputs" in t for t in read["triggers"]):
                raise Refusal(400, "inputs belong at the top")
            self._steps(read["steps"])
            return body

        return self._keep(self.workflows, seen, key or "", check)

    def _steps(self, steps: list[dict[str, Any]]) -> None:
        names = {one["name"] for one in self.connectors.values()}
        for step in steps:
            needs(step, {"name", "type"}, _STEP_KEYS)
            if step["type"] not in _STEP_TYPES:
                raise Refusal(400, f"no step type {step['type']}")
            if step["type"] == "waitForApproval" and not self.at_least(9, 5):
                raise Refusal(400, "no step type waitForApproval")
            if "connector-id" in step and step["connector-id"] not in names:
                raise Refusal(400, f"no connector {step['connector-id']}")
            if step["type"] == "http":
                needs(step["with"], {"method"}, {"path", "url", "headers", "query", "body"})
            self._steps(step.get("steps", []))

    def _rule(self, seen: Seen, key: str) -> Any:
        def check(body: Any, new: bool) -> Any:
            wanted = {"name", "tags", "schedule", "params", "actions"}
            needs(body, wanted | ({"rule_type_id", "consumer"} if new else set()), {"alert_delay"})
            needs(body["params"], _RULE_PARAMS)
            if not _UUID4.fullmatch(key):
                raise Refusal(400, f"{key} is no UUID")
            return body

        return self._keep(self.rules, seen, key, check)

    def _import(self, seen: Seen) -> Any:
        if seen.query.get("overwrite") != "true":
            raise Refusal(400, "not idempotent")
        for line in seen.body.splitlines():
            saved = json.loads(line)
            needs(saved, {"type", "id", "attributes", "references"}, _SAVED_KEYS)
            for panel in json.loads(saved["attributes"]["panelsJSON"]):
                assert panel["gridData"]["x"] + panel["gridData"]["w"] <= 48
            self.dashboards[saved["id"]] = saved
        return {"success": True, "successCount": 1}

    def _dashboard(self, seen: Seen, key: str) -> Any:
        return self._keep(self.dashboards, seen, key, lambda body, new: body)


_WORKFLOW_KEYS = {"description", "enabled", "tags", "inputs", "consts", "settings", "outputs"}
_STEP_KEYS = {"with", "if", "foreach", "steps", "timeout", "on-failure", "connector-id"}
_STEP_TYPES = {"console", "http", "foreach", "waitForApproval", "waitForInput", "workflow.fail"}
_SAVED_KEYS = {"coreMigrationVersion", "typeMigrationVersion"}
_RULE_PARAMS = {
    "searchType", "esqlQuery", "size", "threshold", "thresholdComparator", "timeField",
    "timeWindowSize", "timeWindowUnit", "groupBy",
}  # fmt: skip


def needs(body: Any, wanted: set[str], may: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Raise Refusal unless a body has exactly these keys."""
    if not isinstance(body, dict):
        raise Refusal(400, f"expected an object, not {body!r}")
    if lacking := wanted - set(body):
        raise Refusal(400, f"[request body]: {sorted(lacking)}: Required")
    if odd := set(body) - wanted - may:
        raise Refusal(400, f"[request body]: Unrecognized key(s) in object: {sorted(odd)}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for an answer: two would wait for each other
    fake: FakeKibana

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("content-type", "").startswith("multipart/form-data"):
            body: Any = raw.decode().split("\r\n\r\n", 1)[1].split("\r\n--")[0]
        else:
            body = json.loads(raw) if raw else None
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        seen = Seen(self.command, parts.path, query, headers, body)
        self.fake.seen.append(seen)
        try:
            status, answer = 200, self.fake.answer(seen)
        except Refusal as refusal:
            status, answer = (
                refusal.status,
                {"statusCode": refusal.status, "message": refusal.message},
            )
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@contextmanager
def fake_kibana(**settings: Any) -> Iterator[FakeKibana]:
    """Run one on loopback."""
    fake = FakeKibana(**settings)
    with listening(type("Handler", (_Handler,), {"fake": fake})) as fake.url:
        yield fake
