"""The recorded documents counted by hand, without ES|QL: an independent second answer."""

import gzip
import json
from collections import defaultdict
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from remedyd.model import Window
from support.offline import TELEMETRY

Key = tuple[str, str, str]
_SCRAPE = timedelta(minutes=1)


@cache
def _containers(stream: str) -> list[tuple[datetime, Key, str, dict[str, Any]]]:
    """Return time, (namespace, workload, container), pod uid and metrics of each document."""
    found = []
    with gzip.open(TELEMETRY / f"{stream}.otel-default.ndjson.gz", "rt") as lines:
        for line in lines:
            document = json.loads(line)
            of = document["resource"]["attributes"]
            kinds = ("deployment", "statefulset", "daemonset")
            name = next((of[k] for kind in kinds if (k := f"k8s.{kind}.name") in of), None)
            if name is None or "k8s.container.name" not in of:
                continue
            key = (of["k8s.namespace.name"], name, of["k8s.container.name"])
            moment = datetime.fromisoformat(document["@timestamp"])
            found.append((moment, key, of["k8s.pod.uid"], document["metrics"]))
    return found


def _within(stream: str, window: Window) -> list[tuple[datetime, Key, str, dict[str, Any]]]:
    return [one for one in _containers(stream) if window.start <= one[0] < window.end]


def _living(window: Window) -> set[tuple[Key, str]]:
    """Return the containers that were in one of the last two scrapes."""
    newest: dict[tuple[Key, str], datetime] = {}
    for moment, key, pod, _ in _within("metrics-k8sclusterreceiver", window):
        newest[key, pod] = max(moment, newest.get((key, pod), moment))
    return {who for who, moment in newest.items() if window.end - moment <= 2 * _SCRAPE}


def living_restarts(window: Window) -> dict[Key, int]:
    """Sum the increments between consecutive restart counts of the living pods."""
    living = _living(window)
    totals: dict[Key, int] = defaultdict(int)
    before: dict[tuple[Key, str], int] = {}
    for key, _ in living:
        totals[key] += 0
    for _, key, pod, metrics in sorted(
        _within("metrics-k8sclusterreceiver", window), key=lambda one: one[0]
    ):
        count = metrics.get("k8s.container.restarts")
        if count is None or (key, pod) not in living:
            continue
        totals[key] += max(count - before.get((key, pod), count), 0)
        before[key, pod] = count
    return totals


def peak_memory(window: Window) -> dict[Key, float | None]:
    """Return the highest working set of a living pod in percent of its container's limit."""
    living = _living(window)
    limits: dict[tuple[Key, str], int] = {}
    peaks: dict[tuple[Key, str], int] = {}
    for _, key, pod, metrics in _within("metrics-k8sclusterreceiver", window):
        limit = metrics.get("k8s.container.memory_limit")
        if limit is not None:
            limits[key, pod] = max(limit, limits.get((key, pod), 0))
    for _, key, pod, metrics in _within("metrics-kubeletstatsreceiver", window):
        used = metrics.get("container.memory.working_set")
        if used is not None:
            peaks[key, pod] = max(used, peaks.get((key, pod), 0))
    found: dict[Key, float | None] = {key: None for key, _ in living}
    for key, pod in living & limits.keys() & peaks.keys():
        share = 100 * peaks[key, pod] / limits[key, pod]
        found[key] = max(share, found[key] or 0.0)
    return found
