"""The lab's documents look like the recorded ones, field by field."""

import gzip
import json
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support.labcluster import Rig, rig, spec

RECORDINGS = Path(__file__).parents[1] / "recordings" / "telemetry"
CLUSTER = "metrics-k8sclusterreceiver.otel-default"
KUBELET = "metrics-kubeletstatsreceiver.otel-default"
EVENTS = "logs-k8seventsreceiver.otel-default"
Document = dict[str, Any]


def shape(document: Document) -> tuple[Any, ...]:
    """Return everything about a document but its values."""
    return (
        document.get("unit"),
        tuple(sorted(document.get("metrics", {}))),
        tuple(sorted(document["attributes"])),
        tuple(sorted(document["resource"]["attributes"])),
        tuple(sorted(document)),
        document["scope"]["name"],
        tuple(document["data_stream"].values()),
    )


def types(document: Document) -> dict[str, type]:
    """Return the type of each metric."""
    return {name: type(value) for name, value in document.get("metrics", {}).items()}


@cache
def recorded(stream: str) -> list[Document]:
    """Return the recorded documents of a stream."""
    with gzip.open(RECORDINGS / f"{stream}.ndjson.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def cluster() -> Rig:
    """Return a cluster in which most things that can be reported have happened."""
    made = rig(
        spec("web", replicas=3),
        spec("side", sidecar=True, requests=("100m", "128Mi"), limits=("300m", "256Mi")),
        spec("free", replicas=1, requests=None, limits=None),
        spec("db", kind="StatefulSet", replicas=1),
        spec("agent", kind="DaemonSet"),
        spec("sick"),
        spec("lost", strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}),
        history=60,
    )
    made.inject("oom", "shop/sick", need=175)
    made.inject("bad-image", "shop/lost")
    made.advance(30)
    made.inject("quota", "shop/web")
    made.advance(180)
    made.inject("node-down", "worker-3")
    made.advance(420)
    return made


@pytest.mark.parametrize("stream", [CLUSTER, KUBELET, EVENTS])
def test_every_shape_was_recorded(cluster: Rig, stream: str) -> None:
    """No document has fields, units or attributes that a recorded one has not."""
    known = {shape(document) for document in recorded(stream)}
    strange = {shape(document) for document in cluster.documents[stream]} - known
    pending = {found for found in strange if "k8s.node.name" not in found[3]}
    assert strange - pending == set()


@pytest.mark.parametrize("stream", [CLUSTER, KUBELET])
def test_metrics_have_the_recorded_types(cluster: Rig, stream: str) -> None:
    """Whole numbers stay whole and ratios are floats, since the mapping depends on it."""
    known: dict[str, type] = {}
    for document in recorded(stream):
        known |= types(document)
    ours: dict[str, type] = {}
    for document in cluster.documents[stream]:
        ours |= types(document)
    assert {name: known[name] for name in ours} == ours


def test_most_recorded_shapes_appear(cluster: Rig) -> None:
    """What the lab leaves out: autoscalers, volumes, and a real kubelet's extra field."""
    known = {shape(document)[:2] for document in recorded(CLUSTER) + recorded(KUBELET)}
    ours = {
        shape(document)[:2]
        for stream in (CLUSTER, KUBELET)
        for document in cluster.documents[stream]
    }
    missing = {name for _, names in known - ours for name in names}
    assert {name for name in missing if "hpa" not in name and "volume" not in name} <= {
        "k8s.pod.memory.available", "k8s.pod.memory.usage", "k8s.pod.memory.rss",
        "k8s.pod.memory.working_set", "k8s.pod.filesystem.available",
        "k8s.pod.filesystem.capacity", "k8s.pod.filesystem.usage",
    }  # fmt: skip


def of(cluster: Rig, stream: str, **attributes: str) -> list[Document]:
    """Return documents by resource attributes, with `_` for `.`."""
    wanted = {f"k8s.{name.replace('_', '.')}": value for name, value in attributes.items()}
    return [
        document
        for document in cluster.documents[stream]
        if wanted.items() <= document["resource"]["attributes"].items()
    ]


def test_the_reason_appears_only_after_a_termination(cluster: Rig) -> None:
    """last_terminated_reason is absent until a container was terminated, then stays."""
    name = "k8s.container.status.last_terminated_reason"
    healthy = of(cluster, CLUSTER, deployment_name="side")
    assert not any(name in document["resource"]["attributes"] for document in healthy)
    sick = [
        document["resource"]["attributes"].get(name)
        for document in of(cluster, CLUSTER, deployment_name="sick", container_name="app")
    ]
    assert sick[0] is None
    assert sick[-1] == "OOMKilled"


def test_a_container_that_never_ran_has_no_restarts(cluster: Rig) -> None:
    """With a missing image there are limits and an empty id, but no restarts and no ready."""
    waiting = [
        document
        for document in of(cluster, CLUSTER, deployment_name="lost", container_name="app")
        if document["resource"]["attributes"]["container.id"] == ""
    ]
    assert waiting
    assert {document.get("unit") for document in waiting} == {"By", "{cpu}"}


def test_without_limits_there_is_no_utilization(cluster: Rig) -> None:
    """No limit, no ratio: absent means unlimited, not idle."""
    names = {
        name
        for document in of(cluster, KUBELET, deployment_name="free")
        for name in document["metrics"]
    }
    assert "container.memory.working_set" in names
    assert not any(name.endswith(("limit_utilization", "memory.available")) for name in names)


def test_a_container_in_back_off_has_no_usage(cluster: Rig) -> None:
    """The kubelet reports only containers that run."""
    by_scrape = {
        document["@timestamp"] for document in of(cluster, KUBELET, deployment_name="side")
    }
    sick = {
        document["@timestamp"]
        for document in of(cluster, KUBELET, deployment_name="sick", container_name="app")
    }
    assert sick < by_scrape


def test_a_dead_node_reports_nothing(cluster: Rig) -> None:
    """After a node fell silent its kubelet's documents end, the cluster's go on with -1."""
    last = max(document["@timestamp"] for document in of(cluster, KUBELET, node_name="worker-3"))
    others = max(document["@timestamp"] for document in cluster.documents[KUBELET])
    assert last < others
    ready = [
        document["metrics"]["k8s.node.condition_ready"]
        for document in of(cluster, CLUSTER, node_name="worker-3")
        if "k8s.node.condition_ready" in document["metrics"]
    ]
    assert (ready[0], ready[-1]) == (1, -1)


def test_usage_stays_below_the_limit(cluster: Rig) -> None:
    """No sample shows more memory than the limit, and the ratio is usage over limit."""
    for document in of(cluster, KUBELET, deployment_name="sick", container_name="app"):
        metrics = document["metrics"]
        assert metrics.get("container.memory.usage", 0) <= 128 * 2**20
        assert metrics.get("k8s.container.memory_limit_utilization", 0.0) <= 1.0


def test_a_gap_shows_in_desired_and_available(cluster: Rig) -> None:
    """Both numbers of a Deployment are in one document, and the gap is seen."""
    gaps = [
        document["metrics"]["k8s.deployment.desired"]
        - document["metrics"]["k8s.deployment.available"]
        for document in of(cluster, CLUSTER, deployment_name="web")
        if "k8s.deployment.desired" in document["metrics"]
    ]
    assert gaps[0] == 0
    assert max(gaps) >= 1


def test_scrapes_come_at_the_interval(cluster: Rig) -> None:
    """One scrape every 15 s, all documents of it with one timestamp."""
    times = sorted({document["@timestamp"] for document in cluster.documents[CLUSTER]})
    moments = [datetime.fromisoformat(time) for time in times]
    steps = {(b - a).total_seconds() for a, b in pairwise(moments)}
    assert steps == {15.0}


def test_the_interval_can_be_changed() -> None:
    """With 60 s between scrapes there is one document per minute and series."""
    made = rig(history=300, interval=60)
    times = {document["@timestamp"] for document in made.documents[CLUSTER]}
    assert len(times) == 5
