"""How long a backtest of weeks takes, beside running its cycles one by one.

30 days of 200 workloads (two pods each, sampled every 60 s), every 5 minutes, all shipped
policies: the target is 60 s on two cores. The recording is written first and kept (`--dir`). The
same recording, audits and policies are then run cycle by cycle for a sample of the times, spread
over the whole; the ratio compares seconds per cycle in the same process. Process time stands
beside the clock's, for a machine that is busy with something else.

Run: `python benchmarks/backtest.py [--days 30] [--everything]`
"""

import argparse
import os
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fleet import CLUSTER, Fleet, record

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import DecisionKind, ManualClock
from remedyd.offline.recording import RecordingSource
from remedyd.paths import shipped
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.loader import load_policies
from remedyd.testing.backtest.run import Backtest
from remedyd.testing.replay import every, replay, span

SAMPLE = 40
"""Cycles to run one by one."""


def stamps() -> tuple[float, float]:
    """Return the clock's seconds and the process's."""
    return time.perf_counter(), time.process_time()


def since(before: tuple[float, float]) -> tuple[float, float]:
    """Return the seconds passed since, by the clock and of the process."""
    wall, cpu = stamps()
    return wall - before[0], cpu - before[1]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--workloads", type=int, default=200)
    parser.add_argument("--pods", type=int, default=2)
    parser.add_argument("--every", type=int, default=5, help="minutes between cycles")
    parser.add_argument(
        "--everything", action="store_true", help="all metrics, not only those read"
    )
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "remedyd-fleets")
    given = parser.parse_args()
    fleet = Fleet(given.days, given.workloads, given.pods, given.everything)
    began = stamps()
    directory = record(fleet, given.dir)
    print(f"recording {fleet.name}: {since(began)[0]:.0f} s (0 when it was there)")
    measure(directory, timedelta(minutes=given.every))


def measure(directory: Path, interval: timedelta) -> None:
    """Run the backtest and a sample of its cycles one by one."""
    clock = ManualClock(datetime.max.replace(tzinfo=UTC))
    source = RecordingSource(directory, clock)
    documents = sum(source.engine.count(stream) for stream in source.engine.catalog.schemas)
    first, last = span(source)
    audits, rails = load_audits([shipped("esql")]), Guardrails()
    policies = load_policies([shipped("policies")], audits=audits.specs, actions=SCHEMAS)
    times = every(first + interval, last, interval)
    load = os.getloadavg()[0]
    print(
        f"{documents:,} documents, {len(times)} cycles, {len(policies)} policies; load {load:.1f}"
    )

    began = stamps()
    test = Backtest(source, clock, audits, [policies], times, cluster=CLUSTER, guardrails=rails)
    proposals = sum(
        decision.kind is DecisionKind.PROPOSE
        for cycle in test.cycles()
        for decision in cycle.decided[0]
    )
    wall, cpu = since(began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"backtest: {wall:.1f} s, {cpu:.1f} s of processor time, peak {peak:.0f} MiB")
    print(f"  {proposals} proposals; notices: {list(test.notices) or 'none'}")

    runner = AuditRunner(source, clock, CLUSTER, gate=audits.gate)
    sample = times[:: max(1, len(times) // SAMPLE)]
    began = stamps()
    for _ in replay(runner, clock, audits, policies, sample, rails):
        pass
    alone_wall, alone_cpu = (one / len(sample) for one in since(began))
    print(
        f"one by one: {alone_wall * 1000:.0f} ms a cycle ({len(sample)} cycles), "
        f"so {alone_wall * len(times) / 60:.0f} min for all"
    )
    together_wall, together_cpu = wall / len(times), cpu / len(times)
    print(
        f"ratio: {alone_wall / together_wall:.0f} times by the clock, "
        f"{alone_cpu / together_cpu:.0f} times in processor time"
    )


if __name__ == "__main__":
    main()
