"""Cases over telemetry: the audit's query runs over series, or over what was recorded."""

import gzip
import json

import pytest

from remedyd.errors import InvalidInput
from remedyd.testing.policytest.runner import run
from remedyd.testing.policytest.telemetry import stream_of, unit_of
from support.offline import TELEMETRY
from support.policytests import HEAD, POLICY, load, result, told

RESOURCE = "{k8s.namespace.name: shop, k8s.deployment.name: cart, k8s.container.name: app}"


def telemetry(*series: str, more: str = "") -> str:
    lines = "\n".join(f"    - {line}" for line in series)
    return f"telemetry:\n  step: 30s\n  resource: {RESOURCE}\n{more}  series:\n{lines}\n"


def restarts(values: str) -> str:
    return f'{{metric: k8s.container.restarts, values: "{values}"}}'


LIMIT = '{metric: k8s.container.memory_limit, values: "268435456x30"}'


def test_series_become_documents_and_the_query_runs_over_them(tmp_path):
    """The first sample lies one window before the first cycle; each cycle sees its own window."""
    found = result(
        tmp_path,
        telemetry(restarts("0x10 0+1x20"), LIMIT)
        + """\
expect:
  - {at: 0m, outcome: Skipped, reason: Severity}
  - {at: 2m, outcome: Skipped, reason: Severity}
  - {at: 4m, outcome: Held, reason: Sustain}
  - {at: 5m, outcome: Proposed, target: "Deployment/shop/cart[app]"}""",
    )
    assert told(found) == []


def test_a_series_that_ends_is_telemetry_that_stops(tmp_path):
    """After the samples end the audit finds nothing fresh, as with a collector that died."""
    found = result(
        tmp_path,
        telemetry(restarts("0x12 stale"), LIMIT.replace("x30", "x12"))
        + """\
expect:
  - {at: 0m, until: 3m, outcome: Skipped}
  - {at: 4m, outcome: Skipped}
  - {at: 5m, outcome: Error, reason: Stale}""",
    )
    assert told(found) == []


def test_missing_samples_are_not_zeros(tmp_path):
    """`_` leaves a gap: too few readings are no evidence."""
    found = result(
        tmp_path,
        telemetry(restarts("_x9 7"), LIMIT) + "expect: [{at: 0m, outcome: Error, reason: NoData}]",
    )
    assert told(found) == []


def test_a_metric_that_nobody_sends_is_an_error(tmp_path):
    """The audit needs a field that no series has: the daemon says so, and so does the test."""
    found = result(
        tmp_path,
        telemetry(LIMIT) + "expect: [{at: 0m, outcome: Error, reason: MissingField}]",
    )
    assert told(found) == []


def test_series_may_begin_earlier(tmp_path):
    """`before` says how long before the first cycle the first sample was taken."""
    found = result(
        tmp_path,
        telemetry(restarts("0x2 9x60"), LIMIT.replace("x30", "x60"), more="  before: 20m\n")
        + "expect: [{at: 0m, outcome: Skipped, reason: Severity}]",
    )
    assert told(found) == []


def test_metrics_of_different_units_lie_in_different_documents(tmp_path):
    """As in Elasticsearch, where a query that compares them within one document finds nothing."""
    suite = load(
        tmp_path,
        "  - name: c\n    "
        + telemetry(restarts("0x10"), LIMIT).replace("\n", "\n    ")
        + "expect: [{at: 0m, outcome: Skipped}]\n",
    )
    series = suite.cases[0].telemetry.series
    assert {one.metric: one.unit for one in series} == {
        "k8s.container.restarts": "{restart}",
        "k8s.container.memory_limit": "By",
    }


def test_stream_and_unit_of_every_recorded_metric_are_known():
    """Where a metric lies, and under which unit, is as the collectors really write it."""
    wrong = set()
    for path in sorted(TELEMETRY.glob("metrics-*.ndjson.gz")):
        with gzip.open(path, "rt") as lines:
            for line in lines:
                document = json.loads(line)
                place = path.name.removesuffix(".ndjson.gz"), document.get("unit", "")
                for metric in document["metrics"]:
                    if (stream_of(metric), unit_of(metric)) != place:
                        wrong.add((metric, *place))
    assert wrong == set()


def test_a_recording_is_run_through_in_virtual_time(tmp_path):
    """The recorded kills of shop/checkout lead to a proposal when they happened, not before."""
    (tmp_path / "recorded").mkdir()
    for name in ("metrics-k8sclusterreceiver.otel-default.ndjson.gz", "mappings.json"):
        (tmp_path / "recorded" / name).symlink_to(TELEMETRY / name)
    policy = POLICY.replace("restarts > 5", "restarts > 1")
    policy = policy.replace("[critical]}", "[warning, critical]}\n  match: {names: [checkout]}")
    head = HEAD.replace("2026-01-01T00:00:00Z", "2026-11-22T22:16:00Z") + "cluster: shop-prod\n"
    found = result(
        tmp_path,
        """\
recording: recorded
expect:
  - {at: 0m, outcome: Skipped, condition: often, target: Deployment/shop/checkout}
  - {at: 1m, outcome: Held, reason: Sustain}
  - {at: 2m, outcome: Proposed, target: "Deployment/shop/checkout[app]"}
  - {at: 3m, outcome: Held, reason: AlreadyOpen}""",
        head=head,
        policy=policy,
    )
    assert told(found) == []


def test_a_recording_that_cannot_be_read_is_invalid_input(tmp_path):
    """File and line are named; the run does not go on with half of it."""
    (tmp_path / "recorded").mkdir()
    (tmp_path / "recorded" / "metrics-a.otel-default.ndjson").write_text('{"@timestamp": 1}\n{')
    suite = load(tmp_path, "  - name: c\n    recording: recorded\n    expect: []\n")
    with pytest.raises(InvalidInput) as caught:
        list(run([suite]))
    (problem,) = caught.value.problems
    assert (problem.path.endswith("default.ndjson"), problem.line) == (True, 2)
