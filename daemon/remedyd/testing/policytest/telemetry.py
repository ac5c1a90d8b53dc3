"""Series as the documents that the OpenTelemetry collectors would have written.

One document holds one resource, one time and one unit, as in Elasticsearch: a query that compares
two metrics of one document passes a test only where it would pass in a cluster.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from remedyd.testing.policytest.series import Sample

Document = dict[str, Any]

KUBELET = "kubeletstatsreceiver"
CLUSTER = "k8sclusterreceiver"
_STREAMS = (
    (KUBELET, re.compile(r"container\.|k8s\.volume\.|k8s\..*_utilization$")),
    (KUBELET, re.compile(r"k8s\.(pod|node)\.(cpu|memory|filesystem|network|uptime)\b")),
    (CLUSTER, re.compile(r"k8s\.")),
)
_UNITS = (
    ("{condition}", re.compile(r"node\.condition_")),
    ("1", re.compile(r"utilization|page_faults|errors|inodes")),
    ("s", re.compile(r"cpu\.time|uptime")),
    ("By", re.compile(r"memory|filesystem|network\.io|volume\.(available|capacity)")),
    ("{cpu}", re.compile(r"cpu")),
    ("{restart}", re.compile(r"restarts$")),
    ("{node}", re.compile(r"_nodes$")),
    ("{resource}", re.compile(r"resource_quota")),
    ("{pod}", re.compile(r"_pods$|\.(desired|available)$|_replicas$")),
)


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one resource; sample `i` was taken `i` steps after the first."""

    stream: str
    unit: str
    metric: str
    resource: Mapping[str, Any]
    attributes: Mapping[str, Any]
    samples: tuple[Sample, ...]


def stream_of(metric: str) -> str:
    """Return the data stream of a metric of the two Kubernetes receivers; "" if it is neither's."""
    receiver = next((name for name, marks in _STREAMS if marks.match(metric)), "")
    return f"metrics-{receiver}.otel-default" if receiver else ""


def unit_of(metric: str) -> str:
    """Return the unit under which the receivers write a metric; "" where they write none."""
    return next((unit for unit, marks in _UNITS if marks.search(metric)), "")


def documents(
    series: Iterable[Series], start: datetime, step: timedelta
) -> Iterator[tuple[str, list[Document]]]:
    """Yield each stream with its documents, oldest first."""
    streams: dict[str, dict[tuple[int, str], Document]] = {}
    for one in series:
        found = streams.setdefault(one.stream, {})
        group = f"{one.unit}|{sorted(one.resource.items())}|{sorted(one.attributes.items())}"
        for index, sample in enumerate(one.samples):
            if sample is None:
                continue
            document = found.get((index, group))
            if document is None:
                document = found[index, group] = _empty(one, start + index * step)
            document["metrics"][one.metric] = sample
    for stream, found in streams.items():
        yield stream, [found[key] for key in sorted(found)]


def _empty(series: Series, at: datetime) -> Document:
    kind, _, rest = series.stream.partition("-")
    dataset, _, namespace = rest.rpartition("-")
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document: Document = {
        "@timestamp": moment,
        "data_stream": {"type": kind, "dataset": dataset, "namespace": namespace},
    }
    if series.unit:
        document["unit"] = series.unit
    return document | {
        "metrics": {},
        "attributes": dict(series.attributes),
        "resource": {"attributes": dict(series.resource)},
    }
