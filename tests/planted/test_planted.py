"""Secrets of every kind are planted in a daemon and its callers; nothing that leaves it has one.

The daemon is a process of its own on the lab, lives through success and failure by every way in,
and then all that it printed, stored, answered and sent is searched.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from remedyd.lab.elasticsearch import script
from remedyd.lab.world import Lab
from support.console import Visitor, parsed
from support.line import Line
from support.openid import SignIn, openid
from support.planted import Planted, Process, uncoloured
from support.trail import Receiver, receiver, until
from support.ways import SCENARIO, scaling
from support.wire import Wire, collector

pytest.importorskip("jwt", reason="the extra oidc is not installed")
pytest.importorskip("opentelemetry.sdk", reason="the extra traces is not installed")

PLACES = (
    "log",
    "store",
    "OpenAPI document",
    "metrics",
    "arguments",
    "answers",
    "pages",
    "command line",
    "audit trail",
    "spans",
)


@dataclass
class Scene:
    """Who takes part, and what was seen of it, by place."""

    planted: Planted
    lab: Lab
    daemon: Process
    trail: Receiver
    spans: Wire
    provider: SignIn
    seen: dict[str, bytes] = field(default_factory=lambda: dict.fromkeys(PLACES, b""))
    statuses: list[tuple[str, int]] = field(default_factory=list)

    def keep(self, place: str, what: str, status: int, text: str) -> None:
        """Remember what came out at a place, and how it ended."""
        self.seen[place] += text.encode()
        self.statuses.append((what, status))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Live through everything once."""
    home, planted = tmp_path_factory.mktemp("daemon"), Planted()
    few = replace(SCENARIO, workloads=SCENARIO.workloads[:3])
    slow = Lab(seed=5, speed=5.0, history=timedelta(minutes=1), scenario=few)
    with slow as lab, receiver() as trail, collector() as spans, openid() as provider:
        daemon = Process(home, planted, lab, trail, spans, provider)
        scene = Scene(planted, lab, daemon, trail, spans, provider)
        with daemon:
            _rest(scene)
            _agents(scene)
            _console(scene)
            _command_line(scene, home)
            _trouble(scene)
            until(lambda: len(trail.documents) > 5)
            scene.seen["arguments"] = daemon.arguments
            scene.seen["store"] = daemon.stored()
            _broken_store(scene, home)
        assert daemon.status == 0, daemon.said[-3000:]
        scene.seen["log"] = uncoloured(daemon.said).encode()
        scene.seen["audit trail"] = json.dumps(trail.documents).encode()
        scene.seen["spans"] = b"".join(each.body for each in spans.asked)
        yield scene


def _client(scene: Scene, token: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(base_url=scene.daemon.url, headers=headers, verify=False, timeout=30)


def _call(scene: Scene, http: httpx2.Client, method: str, path: str, **options: Any) -> Any:
    answer = http.request(method, path, **options)
    place = {"/openapi.json": "OpenAPI document", "/metrics": "metrics"}.get(path, "answers")
    told = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    scene.keep(place, f"{method} {path}", answer.status_code, f"{told}\n{answer.text}\n")
    return answer.json() if answer.headers.get("content-type", "").endswith("json") else None


def _rest(scene: Scene) -> None:
    """Ask, propose, approve; with wrong tokens, wrong digests, broken bodies."""
    planted = scene.planted
    for token in ("wrong token", "expired token"):
        with _client(scene, planted[token]) as http:
            _call(scene, http, "GET", "/v1/proposals")
    with _client(scene, "") as http:
        _call(scene, http, "GET", "/openapi.json")
        _call(scene, http, "GET", "/v1/audits", auth=("ann", planted["basic password"]))
    with _client(scene, planted["proposer"]) as http:
        made = _call(
            scene, http, "POST", "/v1/proposals", json=scaling("app-01"),
            headers={"Idempotency-Key": "once", "Cookie": f"session={planted['foreign cookie']}"},
        )  # fmt: skip
        broken = {"content": b'{"target": ', "headers": {"Content-Type": "application/json"}}
        _call(scene, http, "POST", "/v1/proposals", **broken)
        path = f"/v1/proposals/{made['id']}"
        _call(scene, http, "POST", f"{path}/approve", json={"digest": made["digest"]})
    with _client(scene, planted["approver"]) as http:
        _call(scene, http, "POST", f"{path}/approve", json={"digest": "0" * 64})
        _call(scene, http, "POST", f"{path}/approve", json={"digest": made["digest"]})
        _call(scene, http, "GET", path, params={"wait": 5, "version": 1})
    with _client(scene, planted["admin"]) as http:
        _call(scene, http, "POST", "/v1/audits/container-memory/run")
        _call(scene, http, "GET", "/v1/trail")
        _call(scene, http, "GET", "/v1/policies")
        _call(scene, http, "GET", "/v1/attempts")
        _call(scene, http, "GET", "/metrics")


def _agents(scene: Scene) -> None:
    """List tools and call one, then come with a wrong token."""
    from support.agents import Agent

    async def work(client: Any) -> str:
        tools = await client.list_tools()
        refused = await client.call_tool("show_proposal", {"proposal": "nowhere"})
        return f"{tools} {refused}"

    scene.keep("answers", "MCP", 200, Agent(scene.daemon.url, scene.planted["viewer"]).run(work))
    with _client(scene, scene.planted["wrong token"]) as http:
        _call(scene, http, "POST", "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})


def _console(scene: Scene) -> None:
    """Sign in by token and by the provider, wrongly too; see a page, sign out."""
    planted, provider = scene.planted, scene.provider

    def kept(answer: httpx2.Response) -> httpx2.Response:
        path = urlsplit(str(answer.request.url)).path
        scene.keep("pages", f"{answer.request.method} {path}", answer.status_code, answer.text)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if len(value) > 20:
                planted.known[f"cookie {name} {len(planted.known)}"] = value
        return answer

    for kind in ("wrong token", "approver"):
        with Visitor(scene.daemon.url) as visitor:
            kept(visitor.post("/console/sign-in", {"token": planted[kind]}))
            page = kept(visitor.get("/console"))
            if page.status_code == 200:
                kept(visitor.get("/console/history"))
                kept(visitor.get("/console/proposals/none"))
                kept(visitor.press(parsed(page.text), "Sign out"))
    for secret in ("of another client", planted["OIDC client secret"]):
        provider.secret = secret
        with Visitor(scene.daemon.url) as visitor:
            sent = kept(visitor.get("/console/sign-in/provider"))
            query = {
                name: values[0]
                for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()
            }
            back = provider.authorize(query)
            planted.known[f"code for {secret[:9]}"] = parse_qs(urlsplit(back).query)["code"][0]
            kept(visitor.get(back))
            kept(visitor.get("/console"))


def _command_line(scene: Scene, home: Path) -> None:
    """The same for a shell; its token comes by file, or is wrong."""
    line = Line(scene.daemon.url, home / "somebody")
    file = home / "viewer.token"
    file.write_text(scene.planted["viewer"])
    for words, environment in (
        (("status",), {"REMEDYD_TOKEN": scene.planted["wrong token"]}),
        (("--token-file", str(file), "proposals", "list"), {}),
        (("--token-file", str(file), "proposals", "list", "-o", "json"), {}),
        (("pause",), {"REMEDYD_TOKEN": scene.planted["viewer"]}),
    ):
        done = line(*words, role="", **environment)
        scene.keep("command line", words[-1], done.returncode, done.stdout + done.stderr)


def _trouble(scene: Scene) -> None:
    """Elasticsearch refuses the key, is gone, and comes back; so does the trail's."""
    scene.trail.fate = iter([401, 503, *["take"] * 1000]).__next__
    audit = "/v1/audits/container-memory/run"
    with _client(scene, scene.planted["admin"]) as http:
        for trouble in (script.unauthenticated, script.unavailable, script.dropped):
            scene.lab.elasticsearch.script.add(trouble(times=50))
            _call(scene, http, "POST", audit)
            scene.lab.elasticsearch.script.clear()
        _call(scene, http, "POST", "/v1/proposals", json=scaling("app-02"))


def _broken_store(scene: Scene, home: Path) -> None:
    """The disk loses the store under the daemon's feet."""
    for path in home.glob("remedyd.db*"):
        path.write_bytes(b"nothing like a database" * 500)
    with _client(scene, scene.planted["admin"]) as http:
        _call(scene, http, "GET", "/v1/proposals")
        _call(scene, http, "POST", "/v1/pause", json={"reason": "the store is gone"})


def test_success_and_failure_were_both_met(scene: Scene) -> None:
    """Otherwise the search would prove little: every answer from 200 to 503 has been there."""
    assert {200, 201, 303, 401, 403, 404, 409, 422, 503} <= {s for _, s in scene.statuses}


def test_the_secrets_were_in_use(scene: Scene) -> None:
    """They reached those for whom they are meant."""
    asked = {
        each.request.headers.get("authorization", "") for each in scene.lab.elasticsearch.requests
    }
    assert f"ApiKey {scene.planted['Elasticsearch API key, encoded']}" in asked
    assert scene.spans.asked[0].headers["X-Key"] == scene.planted["traces header"]
    assert scene.trail.documents
    assert not scene.provider.codes, "each code was exchanged, with the right secret or a wrong one"


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_there(scene: Scene, place: str) -> None:
    """Neither plainly nor as base64; and there is something to search in."""
    assert len(scene.seen[place]) > 20
    assert scene.planted.found_in(scene.seen[place]) == []
