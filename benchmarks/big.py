"""A whole daemon against a big cluster: what its cycles take, hold in memory and ask for.

    python benchmarks/big.py [--nodes 5000] [--workloads 10000] [--pods 150000] [--minutes 4]

The cluster is simulated (`remedyd.lab.crowd`): its objects are made when they are read, and its
telemetry arrives each minute. The daemon is a process of its own with all shipped audits and
policies, in mode Propose. The Elasticsearch is DuckDB in the benchmark's process and shares the
cores with the daemon, so times of audits say how the daemon deals with such a result, not how fast
a real one would be.
"""

import argparse
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from footprint import Watched
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from remedyd.lab.crowd.census import Sort, sort_of
from remedyd.lab.crowd.shape import Crowd
from remedyd.lab.crowd.world import CrowdLab
from remedyd.model.clock import monotonic

PAUSE = threading.Event()


@dataclass(slots=True)
class Asked:
    """Requests of one sort."""

    count: int = 0
    size: int = 0
    largest: int = 0


def asked(lab: CrowdLab) -> dict[Sort, Asked]:
    """Return the requests so far by sort."""
    found: dict[Sort, Asked] = defaultdict(Asked)
    for one, size in zip(list(lab.apiserver.requests), list(lab.apiserver.sizes), strict=False):
        entry = found[sort_of(one)]
        entry.count += 1
        entry.size += size
        entry.largest = max(entry.largest, size)
    return found


def most(daemon: Watched) -> float:
    """Return the most megabytes that the process ever held."""
    text = Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def metrics(daemon: Watched) -> list[Sample]:
    """Return the daemon's metrics."""
    with daemon.client("viewer") as client:
        text = client.get("/metrics").text
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


def stages(samples: list[Sample]) -> Iterator[Sequence[object]]:
    """Yield for each stage of a cycle: how often it ran, seconds of a run."""
    seen: dict[str, dict[str, float]] = defaultdict(dict)
    for one in samples:
        if one.name.startswith("remedyd_stage_duration_seconds_"):
            kind = one.name.rpartition("_")[2]
            if kind in ("sum", "count"):
                seen[one.labels["stage"]][kind] = one.value
    for name, one in seen.items():
        if one["count"]:
            yield name, int(one["count"]), f"{one['sum'] / one['count']:.2f} s"


def audits(samples: list[Sample]) -> Iterator[Sequence[object]]:
    """Yield for each audit: runs, outcomes, rows, queries, seconds of a run."""
    runs: dict[str, dict[str, float]] = defaultdict(dict)
    seen: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for sample in samples:
        name = sample.labels.get("audit", "")
        if sample.name == "remedyd_audit_runs_total" and sample.value:
            runs[name][sample.labels["outcome"]] = sample.value
        elif name and sample.name.startswith(("remedyd_audit_rows", "remedyd_audit_parts")):
            seen[name][sample.name] += sample.value
        elif name and sample.name.startswith("remedyd_audit_duration_seconds_"):
            seen[name][sample.name.rpartition("_")[2]] += sample.value
    for name, outcomes in sorted(runs.items()):
        told = ", ".join(f"{int(count)} {outcome}" for outcome, count in outcomes.items())
        one = seen[name]
        took = one["sum"] / one["count"] if one["count"] else 0.0
        parts = int(one["remedyd_audit_parts"])
        yield name, told, int(one["remedyd_audit_rows"]), parts, f"{took:.1f} s"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def main() -> int:
    """Run, and print what was seen; 1 when something was listed whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=5_000)
    parser.add_argument("--workloads", type=int, default=10_000)
    parser.add_argument("--pods", type=int, default=150_000)
    parser.add_argument("--namespaces", type=int, default=200)
    parser.add_argument("--broken", type=int, default=20, help="workloads that run out of memory")
    parser.add_argument("--minutes", type=float, default=4.0)
    given = parser.parse_args()
    sizes = (given.nodes, given.workloads, given.pods, given.namespaces, given.broken)
    crowd = Crowd(*sizes, down=given.nodes // 1_000)
    begun = monotonic()
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="remedyd-")))
        lab = opened.enter_context(CrowdLab([crowd], history=timedelta(minutes=12)))
        print(f"the cluster is up after {monotonic() - begun:.0f} s", flush=True)
        settings = {"ELASTICSEARCH__TIMEOUT_SECONDS": "120"}
        daemon = Watched(home, lab.daemon_settings(home) | settings)
        daemon.start()
        opened.callback(daemon.stop)
        print(f"the daemon is ready after {daemon.ready:.1f} s", flush=True)
        PAUSE.wait(given.minutes * 60)
        found = asked(lab)
        samples = metrics(daemon)
        with daemon.client("viewer") as client:
            proposals = client.get("/v1/proposals").json()
        print(table(("Audit", "Runs", "Rows", "Queries", "A run"), list(audits(samples))), "\n")
        print(table(("Stage", "Runs", "A run"), list(stages(samples))), "\n")
        rows = [
            (sort, one.count, f"{one.size / 1e6:.1f} MB", f"{one.largest / 1e3:.0f} kB")
            for sort, one in sorted(found.items(), key=lambda entry: -entry[1].size)
        ]
        print(table(("Requests", "Number", "Answers", "Largest"), rows), "\n")
        spent = daemon.processor() - daemon.worked
        print(f"memory at most {most(daemon):.0f} MB")
        print(f"processor time {spent / given.minutes:.1f} s a minute")
        print(
            f"proposals: {', '.join(one['target']['name'] for one in proposals['items']) or 'none'}"
        )
    return int(any(sort.listed and not sort.limit for sort in found))


if __name__ == "__main__":
    raise SystemExit(main())
