"""The way in by HTTP: who is let in, from where, with what, and what is not there."""

import sys
from typing import Any, Final

import httpx2
import pytest

from remedyd.errors import Forbidden
from remedyd.model import Principal, Scope
from remedyd.observability.metrics import Metrics
from remedyd.server.asgi import create
from remedyd.server.context import Context
from remedyd.server.mcp.origins import Misdirected, Origins
from support.running import TOKENS, Running

INITIALIZE: Final[dict[str, Any]] = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "agentbuilder", "version": "1.0.0"},
    },
}
LIST: Final[dict[str, Any]] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def _post(running: Running, message: Any, role: str = "viewer", **headers: str) -> httpx2.Response:
    return running.client(role).post("/mcp", json=message, headers=headers)


@pytest.mark.parametrize("role", ["", "wrong", "expired"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_stranger_is_refused_before_the_protocol(
    running: Running, role: str, method: str
) -> None:
    """401 with the scheme, whatever the message; nothing of it is read."""
    answer = running.client(role).request(method, "/mcp", content=b"not even JSON")
    assert answer.status_code in (401, 429)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == 429 or answer.headers["www-authenticate"] == "Bearer"


def test_the_conversation_of_a_connector(running: Running) -> None:
    """As the TypeScript SDK speaks: initialize, notify, look for a stream, list, call, leave."""
    wanted = {"Accept": "application/json, text/event-stream"}
    begun = _post(running, INITIALIZE, **wanted)
    assert begun.status_code == 200
    assert begun.headers["content-type"] == "application/json"
    assert begun.json()["result"]["serverInfo"]["name"] == "remedyd"
    assert "mcp-session-id" not in begun.headers
    version = begun.json()["result"]["protocolVersion"]
    assert version == "2025-06-18"
    later = wanted | {"MCP-Protocol-Version": version}
    told = _post(running, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **later)
    assert told.status_code == 202
    stream = running.client("viewer").get("/mcp", headers={"Accept": "text/event-stream"})
    assert (stream.status_code, stream.headers["allow"]) == (405, "POST")
    tools = _post(running, LIST, **later).json()["result"]["tools"]
    assert "show_proposal" in [tool["name"] for tool in tools]
    called = _post(
        running,
        LIST | {"method": "tools/call", "params": {"name": "list_proposals", "arguments": {}}},
        **later,
    )
    assert called.json()["result"]["structuredContent"]["items"] == []
    assert running.client("viewer").delete("/mcp", headers=later).status_code == 405


def test_no_message_needs_another_before_it(running: Running) -> None:
    """Stateless: any replica answers any message, and a made-up session changes nothing."""
    assert _post(running, LIST).json()["result"]["tools"]
    assert _post(running, LIST, **{"Mcp-Session-Id": "made-up"}).json()["result"]["tools"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{nope", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b'"text"', 400),
        (b"[" * 100_000, 400),
        (b"x" * 1_000_001, 413),
    ],
    ids=["broken", "batch", "encoding", "text", "deep", "large"],
)
def test_what_is_no_message_is_refused(running: Running, content: bytes, status: int) -> None:
    """Never a 500, and never a trace of the code."""
    headers = {"Content-Type": "application/json"}
    answer = running.client("viewer").post("/mcp", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text


def test_a_body_has_to_say_that_it_is_json(running: Running) -> None:
    """A form or plain text, which a browser sends anywhere, is not taken."""
    headers = {"Content-Type": "text/plain"}
    answer = running.client("viewer").post("/mcp", content=b"{}", headers=headers)
    assert answer.status_code in (400, 415)


def test_an_unknown_method_is_told(running: Running) -> None:
    """By the protocol's own error."""
    answer = _post(running, LIST | {"method": "tools/drop"})
    assert answer.json()["error"]["code"] == -32601


def test_a_page_of_a_browser_is_not_let_in(running: Running) -> None:
    """403 for its Origin, even when it found a token: that is how a rebound name comes in."""
    answer = _post(running, LIST, Origin="http://rebound.example.com:8000")
    assert answer.status_code == 403
    assert "ALLOWED_ORIGINS" in answer.json()["hint"]
    assert _post(running, LIST, Origin="null").status_code == 403


def test_a_page_on_this_machine_is_let_in(running: Running) -> None:
    """As with a local inspector: page and daemon are both on the loopback address."""
    assert _post(running, LIST, Origin="http://localhost:6274").status_code == 200
    rebound = {"Origin": "http://localhost:6274", "Host": "rebound.example.com"}
    assert _post(running, LIST, **rebound).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "error"),
    [
        ("", "remedyd.example.com", None),
        ("", "REMEDYD.example.com:8443", None),
        ("https://kibana.example.com", "remedyd.example.com", None),
        ("https://kibana.example.com.evil.com", "remedyd.example.com", Forbidden),
        ("http://kibana.example.com", "remedyd.example.com", Forbidden),
        ("https://kibana.example.com", "evil.example.com", Misdirected),
        ("", "evil.example.com", Misdirected),
        ("", "", Misdirected),
        ("", "[::1", Misdirected),
        ("http://[::1", "remedyd.example.com", Forbidden),
    ],
)
def test_listed_pages_and_hosts_alone(
    origin: str, host: str, error: type[Exception] | None
) -> None:
    """Where origins and hosts are listed, no other one passes."""
    known = Origins(["https://kibana.example.com"], ["remedyd.example.com"])
    if error is None:
        known.check(origin, host)
    else:
        with pytest.raises(error):
            known.check(origin, host)


def test_without_the_extra_it_says_how_to_get_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """501 with what to install, and nothing else of the daemon suffers."""
    monkeypatch.setitem(sys.modules, "mcp", None)
    answer = _post(running, LIST)
    assert answer.status_code == 501
    assert "remedyd[mcp]" in answer.json()["hint"]
    assert running.client("viewer").get("/v1/proposals").status_code == 200


@pytest.mark.asyncio
async def test_it_can_be_taken_away() -> None:
    """Without it there is nothing at that address, for those who are let in."""
    viewer = Principal("viewer", frozenset({Scope.VIEWER}))
    service: Any = object()
    ctx = Context(service, lambda token, source: viewer, Metrics(), "lab")
    transport = httpx2.ASGITransport(app=create(ctx, origins=None))
    headers = {"Authorization": "Bearer x"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post("/mcp", json=LIST, headers=headers)).status_code == 404


def test_a_refusal_keeps_where_it_came_from(running: Running) -> None:
    """Request id and address of the HTTP request stand beside a refused tool call."""
    message = LIST | {
        "method": "tools/call",
        "params": {"name": "run_audit", "arguments": {"audit": "container-memory"}},
    }
    answer = _post(running, message, **{"X-Request-Id": "mcp-1"})
    assert answer.headers["x-request-id"] == "mcp-1"
    assert answer.json()["result"]["isError"]
    (kept,) = running.client("admin").get("/v1/refusals?limit=1").json()["items"]
    assert (kept["request_id"], kept["source"], kept["operation"]) == (
        "mcp-1", "127.0.0.1", "run audit",
    )  # fmt: skip


def test_a_repeated_message_is_done_once(running: Running) -> None:
    """An Idempotency-Key works here as for REST."""
    params = {"name": "propose", "arguments": {"action": "Restart", "name": "app-00",
                                               "namespace": "shop"}}  # fmt: skip
    message = LIST | {"method": "tools/call", "params": params}
    answers = [
        _post(running, message, "proposer", **{"Idempotency-Key": "mcp-once"}) for _ in range(2)
    ]
    assert answers[0].text == answers[1].text
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_no_token_is_said_back(running: Running) -> None:
    """Not in an error either."""
    token = TOKENS["viewer"]
    params = {"name": token, "arguments": {}}
    answer = _post(running, LIST | {"method": "tools/call", "params": params})
    assert answer.json()["error"]["message"].count(token) <= 1, "only what the caller itself sent"
    assert token not in _post(running, LIST).text
