"""Kill or freeze the leader at random moments: how long until the next one leads, what is written.

Pairs of real daemons, each pair on a database of its own of one real PostgreSQL, all on one lab API
server. In each run a change is approved through either daemon, and the leader gets SIGKILL or
SIGSTOP in turn: some moment after the approval, or in the very middle of the write or of the
lease's renewal, which the API server announces. Only what was killed is started anew, as a kubelet
would; a frozen one is woken (SIGCONT) when the other leads. Each process has a name of its own at
the API server, so that every write is known by who made it and who held the lease at that moment.

    python benchmarks/takeover.py --runs 200 --pairs 2 --seed 11 --results takeover.jsonl

Each run is a line of the file; a run that is in it is not made again. `--report` only sums up.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from takeover_pair import MOMENTS, OPEN, Pair, Run, fated, until

from remedyd.errors import RemedydError
from remedyd.lab.apiserver.messages import Request
from remedyd.lab.apiserver.server import Moment
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model.clock import monotonic

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import postgres


class Results:
    """The file of runs; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Take the file, read what is in it."""
        self._path = path
        self._lock = threading.Lock()
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.runs = [Run(**json.loads(line)) for line in lines]

    def add(self, run: Run) -> None:
        """Append a run, and tell it."""
        with self._lock:
            self.runs.append(run)
            with self._path.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(run)) + "\n")
        print(
            f"{run.run:4} {run.kind}, {run.moment:18} leads after {run.led:5.1f} s, "
            f"written {run.written:5.1f} s, {run.writes} writes, {run.state}"
            f"{'  BROKEN' if run.broken else ''}",
            flush=True,
        )


def live(pair: Pair, due: SimpleQueue[int], seed: int, results: Results) -> None:
    """Make the runs of one pair; each is settled while the next ones go on."""
    waiting: list[tuple[Run, Callable[[], bool]]] = []
    while (number := _next(due)) is not None:
        waiting.append(pair.run(fated(seed, number), seed, f"cart-{number}"))
        for run, _ in [one for one in waiting[:-1] if one[1]()]:
            results.add(run)
            waiting = [one for one in waiting if one[0] is not run]
    for run, settled in waiting:
        until(settled, monotonic())
        results.add(run)


def _next(due: SimpleQueue[int]) -> int | None:
    with suppress(Empty):
        return due.get_nowait()
    return None


def make(runs: int, pairs: int, seed: int, results: Results, home: Path) -> None:
    """Set the stage and make the runs that are missing."""
    done = {one.run for one in results.runs if one.seed == seed}
    missing = [number for number in range(runs) if number not in done]
    workloads = tuple(
        WorkloadSpec("shop", f"cart-{n}", "registry.example.com/cart:1", "40Mi", "20m", 1)
        for n in missing
    )
    scenario = Scenario(
        workloads=workloads,
        namespaces=("default", "kube-system", "shop"),
        nodes=tuple(f"worker-{n}" for n in range(8)),
    )
    rare = timedelta(minutes=10)
    with ExitStack() as opened:
        lab = opened.enter_context(
            Lab(seed=5, speed=4.0, history=rare, interval=rare, scenario=scenario)
        )
        lab.apiserver.authenticates = True
        server = opened.enter_context(postgres.server())
        made = [
            Pair(lab, home, str(n), server.url(server.database()), opened) for n in range(pairs)
        ]

        def heard(moment: Moment, request: Request, status: int) -> None:
            for pair in made:
                pair.heard(moment, request, status)

        lab.apiserver.announce = heard
        due: SimpleQueue[int] = SimpleQueue()
        for number in missing:
            due.put(number)
        threads = [threading.Thread(target=live, args=(pair, due, seed, results)) for pair in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def report(runs: list[Run]) -> int:
    """Print the table; 1 when a promise was broken."""
    print("\n| Struck | Runs | Takeover, median | p99 | Longest | Written, longest | ", end="")
    print("Lost | Doubled | Without the lease | By the woken | Not ended |\n" + "|---" * 11 + "|")
    for kind in ("killed", "frozen", ""):
        some = [run for run in runs if run.kind == kind or not kind]
        if some:
            print(_line(kind or "all", some))
    loads = [run.load for run in runs] or [0.0]
    print(f"\nload {min(loads)} to {max(loads)}, median {statistics.median(loads)}")
    for moment in MOMENTS:
        led = [run.led for run in runs if run.moment == moment]
        if led:
            print(f"  {moment:18} {len(led):3} runs, longest {max(led):.1f} s")
    return int(any(run.broken for run in runs))


def _line(kind: str, runs: list[Run]) -> str:
    led = sorted(run.led for run in runs)
    cells: list[Any] = [
        kind,
        len(runs),
        f"{statistics.median(led):.1f} s",
        f"{led[min(len(led) - 1, int(len(led) * 0.99))]:.1f} s",
        f"{led[-1]:.1f} s",
        f"{max(run.written for run in runs):.1f} s",
        sum(run.writes == 0 or not run.right for run in runs),
        sum(run.writes > 1 for run in runs),
        sum(run.unled for run in runs),
        sum(run.late for run in runs),
        sum(run.state in OPEN for run in runs),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> int:
    """Read the arguments, make the runs, report."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--runs", type=int, default=20)
    asked.add_argument("--pairs", type=int, default=1)
    asked.add_argument("--seed", type=int, default=11)
    asked.add_argument("--results", type=Path, default=Path("takeover.jsonl"))
    asked.add_argument("--logs", type=Path, help="keep the daemons' logs in this directory")
    asked.add_argument("--report", action="store_true")
    given = asked.parse_args()
    results = Results(given.results)
    if not given.report:
        with tempfile.TemporaryDirectory(prefix="remedyd-") as home:
            make(given.runs, given.pairs, given.seed, results, given.logs or Path(home))
    return report([one for one in results.runs if one.seed == given.seed])


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except RemedydError as error:
        raise SystemExit(f"{error.message}") from error
