"""Every operation of the API, called as every kind of caller: allowed, refused, and kept.

The table is compared with the OpenAPI document, so an operation without a row fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import pytest

from support.running import TOKENS, Running
from support.ways import an_app, proposed, reached, scaling

CALLERS: Final = (
    "none", "wrong", "expired", "viewer", "proposer", "approver", "admin", "elsewhere",
)  # fmt: skip
STRANGERS: Final = ("none", "wrong", "expired")
ORDER: Final = ("viewer", "proposer", "approver", "admin")
OK: Final = frozenset({200, 201, 202})


@dataclass(frozen=True)
class Operation:
    """One row: the call, who may make it, and what a caller of another namespace gets."""

    method: str
    path: str
    least: str
    elsewhere: int
    body: Callable[[dict[str, Any]], Any] = lambda made: None
    prepare: Callable[[Running], dict[str, Any]] = lambda running: {}
    kept: str = ""
    """The operation's name among the refusals; "" where a refusal is not kept."""
    good: frozenset[int] = OK
    missing: bool = False
    """The path names nothing: whoever may ask hears 404, which is kept as well."""


def _applied(running: Running) -> dict[str, Any]:
    made = proposed(running)
    approver = running.client("approver")
    path = f"/v1/proposals/{made['id']}/approve"
    approver.post(path, json={"digest": made["digest"]}).raise_for_status()
    return reached(approver, made["id"], "Effective")


def _digest(made: dict[str, Any]) -> dict[str, str]:
    return {"digest": made["digest"]}


def _manage(made: dict[str, Any]) -> dict[str, Any]:
    return {"action": "scale", "deployment": an_app(), "namespace": "shop", "replicas": "2"}


def _status(made: dict[str, Any]) -> dict[str, Any]:
    return {"action": "status", "deployment": "app-00", "namespace": "shop"}


ONE: Final = "/v1/proposals/{proposal_id}"
TABLE: Final = (
    Operation("GET", "/v1/proposals", "viewer", 200),
    Operation("POST", "/v1/proposals", "proposer", 403, lambda made: scaling(an_app()),
              kept="propose Scale"),
    Operation("GET", ONE, "viewer", 404, prepare=proposed),
    Operation("GET", f"{ONE}/events", "viewer", 404, prepare=proposed),
    Operation("POST", f"{ONE}/approve", "approver", 404, _digest, proposed, "approve"),
    Operation("POST", f"{ONE}/reject", "proposer", 404, lambda made: {}, proposed, "reject"),
    Operation("POST", f"{ONE}/rollback", "approver", 404, lambda made: {}, _applied, "rollback"),
    Operation("GET", "/v1/audits", "viewer", 200),
    Operation("GET", "/v1/audits/{name}", "viewer", 200),
    Operation("POST", "/v1/audits/{name}/run", "proposer", 200, kept="run audit"),
    Operation("GET", "/v1/policies", "viewer", 200),
    Operation("GET", "/v1/policies/{name}", "viewer", 200),
    Operation("GET", "/v1/workloads/{namespace}/{kind}/{name}", "viewer", 403, kept="read status"),
    Operation("GET", "/v1/trail", "viewer", 200),
    Operation("GET", "/v1/refusals", "viewer", 200),
    Operation("GET", "/v1/events", "viewer", 200),
    Operation("GET", "/v1/pause", "viewer", 200),
    Operation("POST", "/v1/pause", "proposer", 403, kept="pause"),
    Operation("DELETE", "/v1/pause", "approver", 403, kept="resume"),
    Operation("GET", "/v1/holds", "viewer", 200),
    Operation("DELETE", "/v1/holds/{hold_id}", "viewer", 404, kept="lift quarantine",
              good=frozenset({404}), missing=True),
    Operation("POST", "/manage", "proposer", 403, _manage, kept="propose Scale"),
)  # fmt: skip


def _filled(operation: Operation, made: dict[str, Any], running: Running) -> str:
    path = operation.path.replace("{proposal_id}", made.get("id", "")).replace("{hold_id}", "none")
    if "{namespace}" in path:
        return "/v1/workloads/shop/Deployment/app-00"
    if "{name}" in path:
        kind = path.split("/")[2]
        known = running.client("viewer").get(f"/v1/{kind}").json()
        path = path.replace("{name}", known[0]["name"])
    return f"{path}?seconds=0.1" if path == "/v1/events" else path


def _client(running: Running, caller: str) -> httpx2.Client:
    return running.client("" if caller == "none" else caller)


def _expected(operation: Operation, caller: str) -> frozenset[int]:
    if caller in STRANGERS:
        return frozenset({401, 429})
    if caller == "elsewhere":
        return frozenset({operation.elsewhere})
    if ORDER.index(caller) < ORDER.index(operation.least):
        return frozenset({403})
    return operation.good


@pytest.fixture(autouse=True)
def never_paused(running: Running) -> Any:
    """Leave no pause behind."""
    yield
    running.client("admin").delete("/v1/pause")


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("operation", TABLE, ids=lambda op: f"{op.method} {op.path}")
def test_only_who_may_gets_through(running: Running, operation: Operation, caller: str) -> None:
    """The answer follows from the caller's scope, and a refusal of a known caller is kept."""
    made = operation.prepare(running)
    path = _filled(operation, made, running)
    body = operation.body(made)
    options: dict[str, Any] = {} if body is None else {"json": body}
    request_id = f"table-{TABLE.index(operation)}-{caller}"
    answer = _client(running, caller).request(
        operation.method, path, headers={"X-Request-Id": request_id}, **options
    )
    assert answer.status_code in _expected(operation, caller), answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert caller == "none" or TOKENS[caller] not in answer.text
    known = caller not in STRANGERS
    refused = operation.missing or answer.status_code not in operation.good
    kept = running.client("admin").get("/v1/refusals").json()["items"]
    mine = [each for each in kept if each["request_id"] == request_id]
    if known and refused and operation.kept:
        assert [(each["principal"], each["operation"]) for each in mine] == [
            (caller, operation.kept)
        ]
    else:
        assert mine == []
    _freed(running, made.get("id", ""), answer)


def _freed(running: Running, prepared: str, answer: httpx2.Response) -> None:
    """Let go of the workloads, so that later rows may use them."""
    opened = "" if answer.status_code != 201 else answer.json()["id"]
    for proposal in filter(None, (prepared, opened)):
        running.client("admin").post(f"/v1/proposals/{proposal}/reject")


def test_the_table_is_whole(running: Running) -> None:
    """Every guarded operation of the OpenAPI document has its row."""
    paths = running.client().get("/openapi.json").json()["paths"]
    guarded = {
        (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "security" in operation
    }
    assert guarded == {(operation.method, operation.path) for operation in TABLE}


def test_reading_by_manage_needs_no_more_than_viewing(running: Running) -> None:
    """Status is a read; in another namespace it is refused and kept."""
    assert running.client("viewer").post("/manage", json=_status({})).status_code == 200
    assert running.client("elsewhere").post("/manage", json=_status({})).status_code == 403
