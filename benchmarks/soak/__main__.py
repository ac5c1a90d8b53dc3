"""A week in minutes: does the daemon hold more and more of anything?

The real daemon, a process of its own, on the lab whose time runs a thousand times faster: audits,
incidents, approvals, rejections, expiries, rollbacks, policies that change on disk, listeners at
the event stream, visitors of the console, retention. Memory, descriptors, threads, database,
outbox and the number of metric series are looked at from outside; a line is laid through each after
the warm-up. Ends with 1 when one of them grows, with 2 when the machine was too busy to tell.

Run: `./dev soak [--days 7] [--minutes 9] [--seed 1]`
"""

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx2
from people import People
from samples import Sample, Trend, look, trends

from remedyd.audits.loader import load_audits
from remedyd.lab.daemon import Daemon
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic
from remedyd.paths import shipped

NAMES = ["ad", "cart", "mail", "pay", "quote", "web"]
IMAGE = "registry.example.com/shop:1"
SCRAPE = timedelta(minutes=1)
RHYTHM = "every: 15m"
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
LEAST = 0.7
"""The share of audits that must have had telemetry; less, and the lab was behind its clock."""
TURN_SECONDS = 0.25
SAMPLE_SECONDS = 2.0


class Watched(Daemon):
    """A daemon whose process can be looked at."""

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid


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


Tell = Callable[[list[Sample], dict[str, int]], None]


def soak(days: float, minutes: float, seed: int, tell: Tell) -> None:
    """Let a daemon live for so many simulated days; tell the samples and what was done to it."""
    scenario = Scenario(
        workloads=tuple(WorkloadSpec("shop", n, IMAGE, "40Mi", "20m", 2) for n in NAMES),
        namespaces=("default", "kube-system", "shop"),
    )
    speed = days * 1440 / minutes
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="remedyd-")))
        lab = opened.enter_context(
            Lab(seed=seed, speed=speed, interval=SCRAPE, scenario=scenario, metrics=looked_at())
        )
        daemon = opened.enter_context(Watched(home, configured(lab, home)))
        people = People(lab, daemon, NAMES, home / "policies", Random(seed))
        opened.callback(people.close)
        samples = watched(daemon, people, home, days, minutes * 60)
        runs, good = done(daemon)
        did = {"audit cycles": runs, "of them Ok": good, **dict(sorted(people.did.items()))}
        tell(samples, did)


def watched(
    daemon: Watched, people: People, home: Path, days: float, seconds: float
) -> list[Sample]:
    """Let everybody have their turns until the time is over, and look now and then."""
    samples, pause = list[Sample](), threading.Event()
    begun = seen = monotonic()
    with httpx2.Client(base_url=daemon.url, timeout=20, verify=False) as client:
        while (now := monotonic()) < begun + seconds:
            people.turn()
            if now >= seen:
                seen = now + SAMPLE_SECONDS
                day = (now - begun) / seconds * days
                told = client.get("/metrics").text
                samples.append(look(daemon.pid, day, home / "remedyd.db", told))
                if sys.stderr.isatty():
                    print(f"\rday {day:4.1f}, {samples[-1].memory:.0f} MB", end="", file=sys.stderr)
            pause.wait(max(0.0, now + TURN_SECONDS - monotonic()))
    return samples


def done(daemon: Watched) -> tuple[int, int]:
    """Return how many audits were run, and how many of them had telemetry to judge."""
    with httpx2.Client(base_url=daemon.url, timeout=20, verify=False) as client:
        lines = client.get("/metrics").text.splitlines()
    runs = [line for line in lines if line.startswith("remedyd_audit_runs_total{")]
    good = [line for line in runs if 'outcome="Ok"' in line]
    return _sum(runs), _sum(good)


def _sum(lines: list[str]) -> int:
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


def report(found: list[Trend], did: dict[str, int]) -> None:
    """Print the table, and what was done."""
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
    print("\n" + ", ".join(f"{what} {count}" for what, count in did.items()))


def main() -> int:
    """Soak and tell; 1 when something grows."""
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=7, help="simulated")
    parser.add_argument("--minutes", type=float, default=9, help="how long it takes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, help="write every sample into this file, as JSON")
    given = parser.parse_args()
    if given.days < 2:
        parser.error("two days at least: retention deletes nothing before the first is over")
    found, behind = list[Trend](), list[bool]()

    def tell(samples: list[Sample], did: dict[str, int]) -> None:
        if given.samples:
            given.samples.write_text(json.dumps([asdict(one) for one in samples]), encoding="utf-8")
        found.extend(trends(samples))
        report(found, did)
        behind.append(did["of them Ok"] < did["audit cycles"] * LEAST)

    soak(given.days, given.minutes, given.seed, tell)
    if any(behind):
        print("the lab could not keep up with its clock on this machine: give it more --minutes")
        return 2
    return int(any(one.grows for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
