"""A collector sees each audit cycle, and the whole life of a proposal as one trace."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.wire import collector

pytest.importorskip("opentelemetry.sdk", reason="in the extra traces")

TESTS = Path(__file__).parents[1]
PROGRAM = """
import json, sys
from contextlib import ExitStack
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from remedyd.observability import traces
exporter = InMemorySpanExporter()
end = traces.install(SimpleSpanProcessor(exporter), "prod")
from support.tracing import life
key = life(Path(sys.argv[2]))
end()
print("SPANS", json.dumps({"proposal": key, "spans": [
    {"name": s.name, "trace": s.context.trace_id, "span": s.context.span_id,
     "parent": s.parent.span_id if s.parent else None, "attributes": dict(s.attributes),
     "links": [link.context.trace_id for link in s.links],
     "resource": dict(s.resource.attributes)}
    for s in exporter.get_finished_spans()]}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the spans of a daemon that proposed, applied and proved one change.

    In a process of its own: a tracer provider is for the whole process, and for good.
    """
    folder = tmp_path_factory.mktemp("traced")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(TESTS), str(folder)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    line = next(one for one in ran.stdout.splitlines() if one.startswith("SPANS "))
    found: dict[str, Any] = json.loads(line.removeprefix("SPANS "))
    return found


def _named(seen: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in seen["spans"] if one["name"] == name]


def test_the_life_of_a_proposal_is_one_trace(seen: dict[str, Any]) -> None:
    """Its making is the root, every step a child, whoever took it and whenever."""
    (root,) = _named(seen, "proposal")
    assert root["parent"] is None
    assert root["attributes"]["remedyd.proposal"] == seen["proposal"]
    steps = [one for one in seen["spans"] if one["name"].startswith("step ")]
    assert {"step Approved", "step Applying", "step Applied", "step Verifying"} <= {
        one["name"] for one in steps
    }
    assert {one["trace"] for one in steps} == {root["trace"]}
    assert {one["parent"] for one in steps} == {root["span"]}


def test_each_step_says_where_it_led(seen: dict[str, Any]) -> None:
    """The state after the step stands on its span."""
    led = [one["attributes"]["remedyd.moved_to"] for one in _named(seen, "step Applying")]
    assert led == ["Applied"]


def test_spans_name_service_and_cluster(seen: dict[str, Any]) -> None:
    """Several clusters may send to one collector."""
    for span in seen["spans"]:
        assert span["resource"]["service.name"] == "remedyd"
        assert span["resource"]["k8s.cluster.name"] == "prod"


def test_spans_reach_a_collector_with_its_headers() -> None:
    """What is still waiting is sent at the end."""
    program = (
        "import sys\nfrom remedyd.observability import traces\n"
        "end = traces.configure(sys.argv[1], 'x-key=abc', 'prod')\n"
        "with traces.span('audit cycle', audit='a'): pass\nend()\n"
    )
    with collector() as spans:
        subprocess.run([sys.executable, "-c", program, spans.url], check=True, timeout=60)
    (sent,) = spans.asked
    assert sent.path == "/v1/traces"
    assert sent.headers["X-Key"] == "abc"
    assert b"audit cycle" in sent.body


def test_without_an_endpoint_the_sdk_is_not_loaded() -> None:
    """Traces cost nothing where nobody wants them."""
    program = (
        "import sys\nfrom remedyd.observability import traces\n"
        "traces.configure('', '', 'prod')()\n"
        "with traces.span('audit cycle', audit='a'): pass\n"
        "print([n for n in sys.modules if n.startswith('opentelemetry.sdk')])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
