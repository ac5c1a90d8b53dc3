"""Two weeks in minutes: does the daemon hold more and more of anything?

The real daemon, a process of its own, on the lab whose time runs a thousand times faster: audits,
incidents, approvals, rejections, expiries, rollbacks, policies that change on disk, listeners at
the event stream, visitors of the console, retention. Memory, descriptors, threads, database,
outbox and the number of metric series are looked at from outside; a line is laid through each over
the second half. The clock of both waits for the lab: on a slow machine it takes longer, and finds
the same. Ends with 1 when something grows, with 2 when that could not be told.

Run: `./dev soak [--days 14] [--minutes 20] [--seed 1]`
"""

import argparse
import json
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from time import process_time

import httpx2
from people import People
from samples import Sample, Trend, cpu_seconds, look, trends

from remedyd.audits.loader import load_audits
from remedyd.errors import RemedydError
from remedyd.lab.daemon import Daemon
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic
from remedyd.paths import shipped

NAMES = ["ad", "cart", "mail", "pay", "quote", "web"]
IMAGE = "registry.example.com/shop:1"
SCRAPE = timedelta(minutes=1)
RHYTHM = "every: 10m"
"""Instead of a minute: as long as the audits' windows, so that every document is looked at."""
SETTINGS = {
    "LIMITS__RETENTION_DAYS": "1",
    "LIMITS__APPROVAL_SECONDS": "7200",
    "LIMITS__WORKFLOW_APPROVAL_SECONDS": "7200",
}
GUARDRAILS = """
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: soak}
spec:
  concurrency: 10
  workloadsPercent: 100
  rate: {perHour: 1000, perNamespace: 1000}
  cooldown: {initial: 1m, longest: 5m}
  quarantineAfter: 100
"""
LEAST = 0.95
"""The share of audits that must have had telemetry to judge; with less this was no week."""
TURN = timedelta(minutes=5)
LOOK = timedelta(minutes=40)
PAUSE_SECONDS = 0.02
AHEAD = timedelta(seconds=20)
"""How far the clock may run ahead of the lab: audits look at what is 30 s old."""
PATIENCE = 4
"""So many times the time that was asked for, and the machine is too busy for a soak."""


def configured(lab: Lab, home: Path) -> dict[str, str]:
    """Write guardrails, and the shipped audits and policies in a slower rhythm; name them."""
    told = lab.daemon_settings(home) | SETTINGS
    limits = home / "soak.yaml"
    limits.write_text(GUARDRAILS, encoding="utf-8")
    for name in ("esql", "policies"):
        folder = home / name
        folder.mkdir()
        for path in shipped(name).iterdir():
            if path.suffix in (".yaml", ".esql"):
                text = path.read_text(encoding="utf-8").replace("every: 1m", RHYTHM)
                (folder / path.name).write_text(text, encoding="utf-8")
    (home / "policies" / "latency-scale-out.yaml").unlink()  # there is no traffic
    return told | {
        "GUARDRAILS": str(limits),
        "AUDITS": json.dumps([str(home / "esql")]),
        "POLICIES": json.dumps([str(home / "policies")]),
    }


def looked_at() -> frozenset[str]:
    """Return the metrics that the shipped audits read: the lab's collector sends no others."""
    fields = [
        field.name for audit in load_audits(shipped("esql")).values() for field in audit.fields
    ]
    return frozenset(n.removeprefix("metrics.") for n in fields if n.startswith("metrics."))


@dataclass(frozen=True, slots=True)
class Week:
    """The simulated time of a soak, and the real one that it may take."""

    lab: Lab
    length: timedelta
    longest: float
    begun: datetime
    started: float

    def passed(self) -> timedelta:
        """Return how much of it is over; raises RemedydError when it takes too long."""
        if not self.lab.running:
            raise RemedydError("the lab stopped", hint="its error is above")
        if monotonic() > self.started + self.longest:
            over = (self.lab.clock.now() - self.begun) / timedelta(days=1)
            text = f"this machine took {self.longest / 60:g} minutes for {over:.1f} days"
            raise RemedydError(text, hint="give it more --minutes, or fewer --days")
        return self.lab.clock.now() - self.begun


@dataclass(frozen=True, slots=True)
class Found:
    """What a soak gave: samples, what was done to the daemon, and what it took."""

    samples: list[Sample]
    did: dict[str, int]
    minutes: float
    lab_seconds: float
    daemon_seconds: float


def soak(days: float, minutes: float, seed: int) -> Found:
    """Let a daemon live for so many simulated days, in so many minutes if the machine can."""
    scenario = Scenario(
        workloads=tuple(WorkloadSpec("shop", n, IMAGE, "40Mi", "20m", 2) for n in NAMES),
        namespaces=("default", "kube-system", "shop"),
    )
    speed, own = days * 1440 / minutes, process_time()
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="remedyd-")))
        simulated = Lab(
            seed=seed,
            speed=speed,
            interval=SCRAPE,
            scenario=scenario,
            metrics=looked_at(),
            ahead=AHEAD,
        )
        lab = opened.enter_context(simulated)
        daemon = opened.enter_context(Imaged(home, configured(lab, home)))
        people = People(lab, daemon, NAMES, home / "policies", Random(seed))
        opened.callback(people.close)
        begun, longest = monotonic(), minutes * 60 * PATIENCE
        week = Week(lab, timedelta(days=days), longest, lab.clock.now(), begun)
        samples = watched(daemon, people, home, week)
        taken = (monotonic() - begun) / 60
        runs, good = done(daemon)
        did = {"audit cycles": runs, "of them Ok": good, **dict(sorted(people.did.items()))}
        return Found(samples, did, taken, process_time() - own, cpu_seconds(daemon.pid))


class Imaged(Daemon):
    """A daemon in the environment of the image, which bounds the C library's memory for threads."""

    def environment(self) -> dict[str, str]:
        """Return it."""
        return {**super().environment(), "MALLOC_ARENA_MAX": "2"}


def watched(daemon: Daemon, people: People, home: Path, week: Week) -> list[Sample]:
    """Let everybody have their turns until the time is over, and look now and then."""
    samples, pause = list[Sample](), threading.Event()
    turn = seen = timedelta()
    with httpx2.Client(base_url=daemon.url, timeout=20, verify=False) as client:
        while (passed := week.passed()) < week.length:
            if passed < turn:
                pause.wait(PAUSE_SECONDS)
                continue
            turn = passed + TURN
            people.turn()
            if passed >= seen:
                seen = passed + LOOK
                day = passed / timedelta(days=1)
                told = client.get("/metrics").text
                samples.append(look(daemon.pid, day, home / "remedyd.db", told))
                if sys.stderr.isatty():
                    print(f"\rday {day:4.1f}, {samples[-1].memory:.0f} MB", end="", file=sys.stderr)
    return samples


def done(daemon: Daemon) -> tuple[int, int]:
    """Return how many audits were run, and how many of them had telemetry to judge."""
    with httpx2.Client(base_url=daemon.url, timeout=20, verify=False) as client:
        lines = client.get("/metrics").text.splitlines()
    runs = [line for line in lines if line.startswith("remedyd_audit_runs_total{")]
    good = [line for line in runs if 'outcome="Ok"' in line]
    return _sum(runs), _sum(good)


def _sum(lines: list[str]) -> int:
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


def report(found: list[Trend], whole: Found) -> None:
    """Print the table, what was done, and what it took."""
    print(
        "| What | early | late | most | growth in a week | may be | |\n"
        "|---|---|---|---|---|---|---|"
    )
    for one in found:
        quantity = one.quantity
        unit = f" {quantity.unit}" if quantity.unit else ""
        print(
            f"| {quantity.title} | {one.first:.1f}{unit} | {one.last:.1f}{unit} | "
            f"{one.most:.1f}{unit} | {one.growth:+.1f}{unit} | {quantity.allowed:g}{unit} | "
            f"{'GROWS' if one.grows else 'flat'} |"
        )
    print("\n" + ", ".join(f"{what} {count}" for what, count in whole.did.items()))
    hours = whole.samples[-1].day * 24
    print(
        f"{whole.minutes:.1f} minutes; processor time for a simulated hour: "
        f"lab {whole.lab_seconds / hours:.2f} s, daemon {whole.daemon_seconds / hours:.2f} s"
    )


def main() -> int:
    """Soak and tell; 1 when something grows."""
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=14, help="simulated; half is warm-up")
    parser.add_argument("--minutes", type=float, default=20, help="how long it takes, at the least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, help="write every sample into this file, as JSON")
    given = parser.parse_args()
    if given.days < 4:
        parser.error("four days at least: retention deletes nothing before the first is over")
    try:
        whole = soak(given.days, given.minutes, given.seed)
    except RemedydError as error:
        print(f"{error.message}; {error.hint}")
        return 2
    if given.samples:
        lines = json.dumps([asdict(one) for one in whole.samples])
        given.samples.write_text(lines, encoding="utf-8")
    found = trends(whole.samples)
    report(found, whole)
    if whole.did["of them Ok"] < whole.did["audit cycles"] * LEAST:
        print("too few audits had telemetry to judge")
        return 2
    return int(any(one.grows for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
