"""Before any route: who asks, with what body, how often; every refusal is problem details."""

import asyncio
import json
import re
import socket
from typing import Any, cast

import httpx2
import pytest

from remedyd.model import Principal, Scope
from remedyd.observability.metrics import Metrics
from remedyd.proposals.answers import Answer
from remedyd.server import bodies
from remedyd.server.asgi import create
from remedyd.server.context import Context
from remedyd.server.rates import Rates
from remedyd.server.repeats import Repeats
from remedyd.service import Service
from support.running import TOKENS, Running
from support.ways import an_app, proposed, scaling


def _problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/v1/proposals", b""),
        ("GET", "/v1/no-such-thing", b""),
        ("GET", "/nothing", b""),
        ("POST", "/v1/proposals", b"{nope"),
        ("POST", "/v1/proposals", b"x" * 2_000_000),
        ("DELETE", "/v1/proposals", b""),
        ("POST", "/manage", b"\xff"),
        ("POST", "/mcp", b"{}"),
        ("GET", "/v1/proposals?limit=-1", b""),
    ],
)
def test_a_stranger_learns_nothing(
    running: Running, method: str, path: str, content: bytes
) -> None:
    """Whatever the path, method or body: without a credential it is 401, and no more."""
    body = _problem(running.client().request(method, path, content=content), 401)
    assert body["detail"] == "no bearer token"


def test_an_unknown_path_is_a_problem(running: Running) -> None:
    """404 for a known caller."""
    _problem(running.client("viewer").get("/v1/no-such-thing"), 404)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS"])
def test_another_method_is_a_problem(running: Running, method: str) -> None:
    """405 names the methods there are."""
    answer = running.client("admin").request(method, "/v1/proposals")
    _problem(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{nope", "line 1, column 2"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"target": NaN}', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"", "body"),
        (b"{}", "target"),
    ],
    ids=["broken", "encoding", "nan", "deep", "list", "text", "empty", "fields"],
)
def test_a_bad_body_is_explained(running: Running, content: bytes, said: str) -> None:
    """422 says what is wrong with it, and where."""
    headers = {"Content-Type": "application/json"}
    answer = running.client("proposer").post("/v1/proposals", content=content, headers=headers)
    assert said in _problem(answer, 422)["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_has_to_say_that_it_is_json(running: Running, kind: str | None) -> None:
    """415 for another type, or none: a browser's form can never approve."""
    headers = {"Content-Type": kind} if kind else {}
    content = json.dumps(scaling("app-00")).encode()
    answer = running.client("proposer").post("/v1/proposals", content=content, headers=headers)
    _problem(answer, 415)


def test_a_large_body_is_refused_unread(running: Running) -> None:
    """413 by its declared length."""
    answer = running.client("proposer").post("/v1/proposals", content=b"x" * 1_000_001)
    _problem(answer, 413)


def test_a_large_body_is_refused_without_a_length(running: Running) -> None:
    """413 also when it comes in chunks and never says how long it will be."""
    host, port = running.url.removeprefix("http://").split(":")
    head = (
        "POST /v1/proposals HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {TOKENS['proposer']}\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(head.encode())
        answer = b""
        try:
            for _ in range(64):
                wire.sendall(chunk)
        except OSError:
            pass  # it stopped reading, as it should
        while part := wire.recv(65536):
            answer += part
            if b"}" in answer:
                break
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_request_id_comes_back(running: Running) -> None:
    """A sensible one is kept; without one, or with a strange one, it is made up."""
    viewer = running.client("viewer")
    kept = viewer.get("/v1/audits", headers={"X-Request-Id": "abc-123"})
    assert kept.headers["X-Request-Id"] == "abc-123"
    for headers in ({}, {"X-Request-Id": "no good"}, {"X-Request-Id": "x" * 200}):
        made = viewer.get("/v1/audits", headers=headers).headers["X-Request-Id"]
        assert re.fullmatch("[0-9a-f]{20}", made)


def test_nothing_is_cached(running: Running) -> None:
    """No proxy or browser keeps an answer, or guesses its type."""
    headers = running.client("viewer").get("/v1/audits").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


class _Known:
    """A service that answers one question."""

    def audits(self, principal: Principal) -> list[object]:
        """Return nothing."""
        return []


async def _status(app: Any, times: int) -> list[httpx2.Response]:
    transport = httpx2.ASGITransport(app=app)
    headers = {"Authorization": "Bearer x"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://test", headers=headers
    ) as client:
        return [await client.get("/v1/audits") for _ in range(times)]


@pytest.mark.asyncio
async def test_a_busy_caller_has_to_wait() -> None:
    """Beyond its rate a principal gets 429 and learns how long to wait."""
    viewer = Principal("busy", frozenset({Scope.VIEWER}))
    service: Any = _Known()
    ctx = Context(service, lambda token, source: viewer, Metrics(), "lab")
    answers = await _status(create(ctx, requests_per_minute=3), 4)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "20"
    assert answers[3].headers["content-type"] == "application/problem+json"


def test_callers_have_a_rate_each_and_it_refills() -> None:
    """One caller's haste costs no other; a third of a minute later one more of three passes."""
    now = [0.0]
    rates = Rates(3, lambda: now[0])
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 20]
    assert rates.take("b") == 0
    now[0] = 20.0
    assert [rates.take("a"), rates.take("a")] == [0, 20]


def test_the_same_key_is_done_once(running: Running) -> None:
    """A repeated request gets the first answer, status, body and headers, and changes nothing."""
    body = scaling(an_app())
    proposer = running.client("proposer")
    headers = {"Idempotency-Key": f"once-{body['target']['name']}"}
    first = proposer.post("/v1/proposals", json=body, headers=headers)
    second = proposer.post("/v1/proposals", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.text == first.text
    assert second.headers["Location"] == first.headers["Location"]
    apart = {"date", "x-request-id", "idempotency-replayed"}
    assert {k: v for k, v in second.headers.items() if k not in apart} == {
        k: v for k, v in first.headers.items() if k not in apart
    }
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


def test_the_same_key_for_another_request_is_refused(running: Running) -> None:
    """422: the key stands for the first request."""
    proposer = running.client("proposer")
    headers = {"Idempotency-Key": "twice"}
    proposer.post("/v1/proposals", json=scaling(an_app()), headers=headers)
    answer = proposer.post("/v1/proposals", json=scaling(an_app()), headers=headers)
    assert "Idempotency-Key" in _problem(answer, 422)["detail"]


def test_a_key_belongs_to_its_caller(running: Running) -> None:
    """The same words from another principal are another key: no answer leaks."""
    made = proposed(running)
    path, headers = f"/v1/proposals/{made['id']}/approve", {"Idempotency-Key": "shared"}
    body = {"digest": made["digest"]}
    approver = running.client("approver").post(path, json=body, headers=headers)
    assert approver.status_code == 200
    _problem(running.client("proposer").post(path, json=body, headers=headers), 403)


def test_refusals_are_repeated_too(running: Running) -> None:
    """A refused request stays refused under its key, whatever changed since."""
    headers = {"Idempotency-Key": "refused"}
    path = "/v1/proposals/none/reject"
    answers = [running.client("proposer").post(path, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert answers[1].headers["content-type"] == "application/problem+json"


def test_a_strange_key_is_explained(running: Running) -> None:
    """422 for one that is too long."""
    headers = {"Idempotency-Key": "x" * 300}
    _problem(running.client("proposer").post("/v1/proposals/x/reject", headers=headers), 422)


@pytest.mark.parametrize(
    ("headers", "status"),
    [([(b"content-length", b"\xb2")], 400), ([(b"content-length", b"9" * 5000)], 400), ([], 408)],
    ids=["no digit", "too long", "never ends"],
)
def test_a_body_that_cannot_be_awaited_is_refused(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    """By its length, or after a while: anyone may begin to sign in."""

    async def silent() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "headers": headers}
    with pytest.raises(bodies.Refusal) as refused:
        asyncio.run(bodies.read(scope, silent, 1000, seconds=0.01))
    assert refused.value.status == status


@pytest.mark.parametrize(("size", "kept"), [(10, True), (300_000, False)])
def test_a_long_answer_is_not_kept(size: int, kept: bool) -> None:
    """Rows of an audit would fill the store; its key is given back, and asked for again."""
    ended: list[Answer | None] = []

    class Keys:
        def begin_answer(self, key: str, request: str) -> None:
            return None

        def end_answer(self, key: str, answer: Answer | None) -> None:
            ended.append(answer)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * size})

    async def nothing(*_: Any) -> Any:
        return None

    scope = {
        "type": "http", "method": "POST", "path": "/v1/audits/a/run",
        "headers": [(b"idempotency-key", b"k")],
        "state": {"principal": Principal("ann", frozenset({Scope.PROPOSER}))},
    }  # fmt: skip
    asyncio.run(Repeats(app, cast(Service, Keys())).serve(scope, b"", nothing, nothing))
    assert [answer is not None for answer in ended] == [kept]
