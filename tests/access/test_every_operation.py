"""Every operation, by every way in, as every kind of caller: allowed, refused, and kept.

The rows are here, the columns are the modules of `support.faces`; the rows are compared with the
OpenAPI document and with the tools, so that an operation without a row fails.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

import support.faces
from remedyd.server.mcp.catalogue import TOOLS
from support.faces import mcp, rest
from support.faces.face import Answer, Face, Outcome, Subject
from support.running import TOKENS, Running
from support.ways import an_app, proposed, reached

CALLERS: Final = (
    "none", "wrong", "expired", "viewer", "proposer", "approver", "admin", "elsewhere",
)  # fmt: skip
STRANGERS: Final = ("none", "wrong", "expired")
ORDER: Final = ("viewer", "proposer", "approver", "admin")
FORBIDDEN, MISSING, DONE = Outcome.FORBIDDEN, Outcome.MISSING, Outcome.DONE


@dataclass(frozen=True)
class Operation:
    """One row: who may do it, and what an approver of another namespace gets.

    `kept` is its name among the refusals, "" where a refusal is not kept. `needs` is the state of
    the proposal it is about. Where it is about nothing that exists, `good` is Missing, and that
    is kept as well.
    """

    name: str
    least: str
    elsewhere: Outcome
    kept: str = ""
    needs: str = ""
    good: Outcome = DONE


TABLE: Final = (
    Operation("list proposals", "viewer", DONE),
    Operation("propose", "proposer", FORBIDDEN, "propose Scale"),
    Operation("show proposal", "viewer", MISSING, needs="Proposed"),
    Operation("history of proposal", "viewer", MISSING, needs="Proposed"),
    Operation("approve", "approver", MISSING, "approve", "Proposed"),
    Operation("reject", "proposer", MISSING, "reject", "Proposed"),
    Operation("rollback", "approver", MISSING, "rollback", "Effective"),
    Operation("list audits", "viewer", DONE),
    Operation("show audit", "viewer", DONE),
    Operation("run audit", "proposer", DONE, "run audit"),
    Operation("list policies", "viewer", DONE),
    Operation("show policy", "viewer", DONE),
    Operation("read workload", "viewer", FORBIDDEN, "read status"),
    Operation("trail", "viewer", DONE),
    Operation("refusals", "viewer", DONE),
    Operation("stream", "viewer", DONE),
    Operation("read pause", "viewer", DONE),
    Operation("pause", "proposer", FORBIDDEN, "pause"),
    Operation("resume", "approver", FORBIDDEN, "resume"),
    Operation("list holds", "viewer", DONE),
    Operation("lift hold", "viewer", MISSING, "lift quarantine", good=MISSING),
    Operation("manage", "proposer", FORBIDDEN, "propose Scale"),
)
ROWS: Final = {operation.name: operation for operation in TABLE}


def _faces() -> Iterator[Face]:
    for found in pkgutil.iter_modules(support.faces.__path__):
        module = importlib.import_module(f"support.faces.{found.name}")
        if isinstance(face := getattr(module, "FACE", None), Face):
            yield face


FACES: Final = tuple(_faces())
CASES: Final = tuple(
    pytest.param(face, operation, caller, id=f"{face.name}-{operation.name}-{caller}")
    for face in FACES
    for operation in TABLE
    if operation.name in face.operations
    for caller in CALLERS
)


def _expected(operation: Operation, caller: str) -> Outcome:
    if caller in STRANGERS:
        return Outcome.STRANGER
    if caller == "elsewhere":
        return operation.elsewhere
    if ORDER.index(caller) < ORDER.index(operation.least):
        return FORBIDDEN
    return operation.good


class Subjects:
    """Prepares what operations are about; a proposal that was left as it was serves again."""

    def __init__(self, running: Running) -> None:
        """Take the daemon."""
        self._running = running
        self._ready: dict[str, dict[str, Any]] = {}
        self._free: list[str] = []
        viewer = running.client("viewer")
        self._audit = viewer.get("/v1/audits").json()[0]["name"]
        self._policy = viewer.get("/v1/policies").json()[0]["name"]
        self._app = an_app()
        self._seen = self.refusals()[:1]

    def get(self, state: str) -> Subject:
        """Return a subject, with a proposal in `state` unless that is ""."""
        if state and state not in self._ready:
            self._ready[state] = self._effective() if state == "Effective" else self._proposed()
        return Subject(self._app, self._audit, self._policy, self._ready.get(state, {}))

    def used(self, operation: Operation, answer: Answer) -> None:
        """Forget the proposal that was moved, end the one that was made, free their workloads."""
        moved = self._ready.pop(operation.needs, None)
        if moved and operation.name == "reject":
            self._free.append(moved["target"]["name"])
        if answer.made:
            path = f"/v1/proposals/{answer.made}/reject"
            if not self._running.client("admin").post(path).is_success:
                self._app = an_app()  # applied already
            self._seen = self.refusals()

    def refusals(self) -> list[dict[str, Any]]:
        """Return the newest kept refusals, newest first."""
        found = self._running.client("admin").get("/v1/refusals?limit=5").json()
        items: list[dict[str, Any]] = found["items"]
        return items

    def refused_since(self) -> list[tuple[str, str]]:
        """Return who was refused what since the last look."""
        last = self._seen[0]["position"] if self._seen else 0
        self._seen = self.refusals()
        return [(r["principal"], r["operation"]) for r in self._seen if r["position"] > last]

    def _proposed(self) -> dict[str, Any]:
        return proposed(self._running, self._free.pop() if self._free else an_app())

    def _effective(self) -> dict[str, Any]:
        made = self._proposed()
        approver = self._running.client("approver")
        path = f"/v1/proposals/{made['id']}/approve"
        approver.post(path, json={"digest": made["digest"]}).raise_for_status()
        return reached(approver, made["id"], "Effective")


@pytest.fixture(scope="module")
def subjects(running: Running) -> Subjects:
    """One set of subjects for the whole table."""
    return Subjects(running)


@pytest.mark.parametrize(("face", "operation", "caller"), CASES)
def test_only_who_may_gets_through(
    running: Running, subjects: Subjects, face: Face, operation: Operation, caller: str
) -> None:
    """The answer follows from the caller's scope, and a refusal of a known caller is kept."""
    expected = _expected(operation, caller)
    subject = subjects.get(operation.needs)
    answer = face.call(running, caller, operation.name, subject)
    refused = subjects.refused_since()
    assert answer.outcome is expected, answer.text
    assert caller == "none" or TOKENS[caller] not in answer.text
    kept = caller not in STRANGERS and expected is not DONE and operation.kept
    assert refused == ([(caller, operation.kept)] if kept else [])
    if answer.outcome is DONE and operation.least != "viewer":
        subjects.used(operation, answer)
    if operation.name == "pause":
        running.client("admin").delete("/v1/pause")


def test_the_table_is_whole(running: Running) -> None:
    """Every guarded operation of the OpenAPI document, and every tool, has its row."""
    paths = running.client().get("/openapi.json").json()["paths"]
    guarded = {
        (method.upper(), path.replace("/v1/audits/{name}", "/v1/audits/{audit}").replace(
            "/v1/policies/{name}", "/v1/policies/{policy}"))
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "security" in operation
    }  # fmt: skip
    assert guarded == {(method, path) for method, path, _ in rest.ROUTES.values()}
    assert {tool.name for tool in TOOLS} == {tool for tool, _ in mcp.TOOLS.values()}
    assert set(rest.ROUTES) == set(ROWS)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_a_face_has_each_row_or_says_why_not(face: Face) -> None:
    """What a way in cannot do is left out on purpose, with the reason."""
    assert face.operations <= set(ROWS)
    assert face.operations.isdisjoint(face.left_out)
    assert face.operations | set(face.left_out) == set(ROWS)
    assert all(face.left_out.values())


def test_reading_by_manage_needs_no_more_than_viewing(running: Running) -> None:
    """Status is a read; in another namespace it is refused and kept."""
    body = {"action": "status", "deployment": "app-00", "namespace": "shop"}
    assert running.client("viewer").post("/manage", json=body).status_code == 200
    assert running.client("elsewhere").post("/manage", json=body).status_code == 403
