"""`remedyd demo`: the whole loop in one terminal, without a cluster and without Elasticsearch.

The lab and the daemon are the real ones, in two processes that speak HTTP; only time is faster.
"""

import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2
import typer
from rich.console import Console

from remedyd.lab.approver import Approver, Automatic, ByHand, Keyboard
from remedyd.lab.daemon import Daemon
from remedyd.lab.narrator import Narrator, name, summary
from remedyd.lab.story import CHAPTERS, Chapter
from remedyd.lab.world import Lab
from remedyd.model import monotonic

SPEED: Final = 60.0
LIMIT_SECONDS: Final = 85.0
"""After this the demo ends, however far the stories are; starting counts."""
SCRAPE: Final = timedelta(seconds=30)
_POLL_SECONDS: Final = 0.25


def demo(
    auto: bool = typer.Option(
        False, "--auto", help="Approve every proposal (the default without a terminal)"
    ),
    by_hand: bool = typer.Option(False, "--by-hand", help="Only print the REST call that approves"),
    speed: float = typer.Option(SPEED, min=1, help="Simulated seconds per second"),
    seed: int = typer.Option(7, help="Seed of the simulated cluster"),
) -> None:
    """Break a few workloads of a simulated cluster and watch the daemon repair them."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="remedyd-demo-") as directory:
        done = _play(Path(directory), console, auto, by_hand, speed, seed)
    raise typer.Exit(0 if done else 1)


def _play(
    directory: Path, console: Console, auto: bool, by_hand: bool, speed: float, seed: int
) -> bool:
    end = monotonic() + LIMIT_SECONDS
    console.print("[bold]starting the simulated cluster and its telemetry ...[/]")
    lab = Lab(seed=seed, speed=speed, interval=SCRAPE)
    lab.start()
    try:
        daemon = Daemon(directory, lab.daemon_settings(directory))
        console.print("[bold]starting the daemon ...[/]")
        with daemon, daemon.client("approver") as client:
            _intro(console, lab, daemon)
            for chapter in CHAPTERS:
                lab.inject(chapter.fault, chapter.workload, **chapter.params)
            approver = _approver(daemon, client, console, auto, by_hand)
            narrator = Narrator(client, console, approver)
            _watch(narrator, end)
            shown = list(narrator.proposals.values())
            console.print(summary(shown))
            return _verdict(console, narrator)
    finally:
        lab.stop()


def _approver(
    daemon: Daemon, client: httpx2.Client, console: Console, auto: bool, by_hand: bool
) -> Approver:
    if by_hand:
        return ByHand(daemon.url, str(daemon.token_file("approver")))
    if auto or not sys.stdin.isatty():
        return Automatic(client)
    return Keyboard(client, console)


def _intro(console: Console, lab: Lab, daemon: Daemon) -> None:
    console.print(f"  Kubernetes API  {lab.apiserver.url}")
    console.print(f"  Elasticsearch   {lab.elasticsearch_url}")
    console.print(f"  remedyd         {daemon.url}   (log: {daemon.log})")
    token = daemon.token_file("approver")
    console.print(f"  web console     {daemon.url}/console   (token: in {token})")
    console.print("[bold]breaking workloads:[/]")
    for chapter in CHAPTERS:
        console.print(f"  {chapter.workload:<22} {chapter.title}", highlight=False)


def _watch(narrator: Narrator, end: float) -> None:
    """Follow until every story has ended, or the time is up."""
    pause = threading.Event()
    while monotonic() < end:
        narrator.follow()
        if all(_ended(chapter, narrator) for chapter in CHAPTERS):
            return
        pause.wait(_POLL_SECONDS)


def _ended(chapter: Chapter, narrator: Narrator) -> bool:
    wanted = "/".join(chapter.key)
    states = {p["state"] for p in narrator.proposals.values() if name(p) == wanted}
    return bool(states & chapter.ends)


def _verdict(console: Console, narrator: Narrator) -> bool:
    missing = [chapter for chapter in CHAPTERS if not _ended(chapter, narrator)]
    for chapter in CHAPTERS:
        mark = "[red]not seen[/]" if chapter in missing else "[green]as it should[/]"
        console.print(f"  {mark}  {chapter.workload:<19} {chapter.lesson}", highlight=False)
    return not missing
