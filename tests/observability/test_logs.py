"""Logs are ECS JSON, one line an event, without secrets."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

import remedyd
from remedyd.observability import ecs, logs
from support.loglines import logged


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logging configured into memory, and put back afterwards."""
    with logged() as out:
        yield out


def last(stream: io.StringIO) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return loaded


def test_an_event_becomes_an_ecs_document(stream: io.StringIO) -> None:
    """Message, level and logger carry their ECS names."""
    logs.get("remedyd.test").info("hello", audit="a1")
    line = last(stream)
    assert (line["message"], line["log.level"], line["remedyd.audit"]) == ("hello", "info", "a1")


def test_a_foreign_record_is_rendered_alike(stream: io.StringIO) -> None:
    """Libraries log through the standard library and end in the same shape."""
    logging.getLogger("some.library").warning("took %d ms", 3)
    assert last(stream)["message"] == "took 3 ms"


def test_an_exception_is_named_the_ecs_way(stream: io.StringIO) -> None:
    """Type, message and stack trace are fields of their own."""
    try:
        raise ValueError("broken")
    except ValueError:
        logs.get("remedyd.test").exception("failed")
    line = last(stream)
    assert (line["error.type"], line["error.message"]) == ("ValueError", "broken")


def test_values_under_secret_names_are_blanked(stream: io.StringIO) -> None:
    """A token that slips into an event does not reach the log, however deep it lies."""
    logs.get("remedyd.test").info("call", api_token="s3cret", headers={"Authorization": "s3cret"})
    assert "s3cret" not in stream.getvalue()


def test_a_line_begins_with_what_a_person_reads(stream: io.StringIO) -> None:
    """Time, level, message; then the rest."""
    logs.get("remedyd.test").info("hello", audit="a1")
    assert list(last(stream))[:3] == ["@timestamp", "log.level", "message"]


def test_common_things_have_their_ecs_names(stream: io.StringIO) -> None:
    """A proposal, a caller, a request are called as in the audit trail; nothing is empty."""
    bound = {"request_id": "r1", "source": "10.0.0.1", "principal": "ann"}
    with structlog.contextvars.bound_contextvars(**bound):
        logs.get("remedyd.test").info("hello", proposal="p1", status=409, hint="")
    line = last(stream)
    assert line["http.request.id"] == "r1"
    assert line["client.address"] == "10.0.0.1"
    assert line["user.name"] == "ann"
    assert line["labels.proposal_id"] == "p1"
    assert line["http.response.status_code"] == 409
    assert "remedyd.hint" not in line


ECS = {
    *("@timestamp", "message", "ecs.version", "log.level", "log.logger", "trace.id", "span.id"),
    *("service.name", "service.version", "service.node.name"),
    *("event.id", "event.action", "event.outcome", "event.dataset", "event.duration"),
    *("error.type", "error.message", "error.stack_trace"),
    *("user.name", "client.address", "url.path", "labels.proposal_id"),
    *("http.request.id", "http.request.method", "http.response.status_code"),
    *("orchestrator.cluster.name", "orchestrator.namespace"),
}
"""Fields of the Elastic Common Schema that our lines use (labels are free)."""


def test_every_name_is_of_the_schema_or_our_own(stream: io.StringIO) -> None:
    """Whatever is called with a dot in the source, or renamed, is a field of ECS."""
    named = set(ecs.NAMES.values()) | set(ecs._SAME)
    for path in Path(remedyd.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                value = node.func.value
                if isinstance(value, ast.Name) and value.id == "log":
                    named |= _dotted(node)
    assert named - ECS == set()


def _dotted(call: ast.Call) -> set[str]:
    given = [one.value for one in call.keywords if one.arg is None]
    keys = [key for one in given if isinstance(one, ast.Dict) for key in one.keys]
    return {key.value for key in keys if isinstance(key, ast.Constant)}


def test_every_line_is_a_sentence() -> None:
    """Two words are a label; whoever reads the log at night has no source beside it."""
    short = []
    for path in Path(remedyd.__file__).parent.rglob("*.py"):
        if "lab" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
            if called and node.args and isinstance(node.args[0], ast.Constant):
                said = node.args[0].value
                if isinstance(said, str) and len(said.split()) < 3 and said != "stopped":
                    short.append(f"{path.name}:{node.lineno}: {said}")
    assert short == []
