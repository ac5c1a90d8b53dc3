"""How long an audit takes offline, beside DuckDB SQL and Polars written by hand for the same files.

The seed's query and `container-memory`, over a window and over a whole day, on about 1 and 10
million documents in parquet. Every engine runs in a process of its own and reads the same files;
the engines take turns, and the best of nine runs after a warm-up counts, so that a busy machine
slows all alike. Memory is the peak of the process. Target: at most 1.25 times the SQL at 10
million. A query over a handful of documents, as in a policy test, is measured apart; target 10 ms.

Run: `python benchmarks/esql.py [ROWS ...]` (default 1000000 10000000; Polars where installed)
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from esql_by_hand import MEMORY_SQL, SEED_SQL
from esql_data import CLUSTER, KUBELET, mapping, write

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
SEED = (ROOT / "esql" / "seed-deployment-health.esql").read_text(encoding="utf-8")
MEMORY = (ROOT / "esql" / "container-memory.esql").read_text(encoding="utf-8")
QUESTIONS = {
    "seed query, 60 minutes": ("seed", 60),
    "seed query, a day": ("seed", 2000),
    "container-memory, 60 minutes": ("memory", 60),
    "container-memory, a day": ("memory", 1440),
}
ROUNDS = 9


def _timed(run: Callable[[], Any]) -> tuple[float, float]:
    """Return the milliseconds a run takes: by the clock, and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _best(run: Callable[[], Any]) -> float:
    run()
    return min(_timed(run)[0] for _ in range(ROUNDS))


def with_engine(folder: Path) -> dict[str, Callable[[], Any]]:
    """Return each question as ES|QL run by the offline engine."""
    from remedyd.model import ManualClock
    from remedyd.offline.engine import Engine

    engine = Engine(clock=ManualClock(NOW))
    for stream in (CLUSTER, KUBELET):
        engine.create_stream(stream, mapping(stream))
        engine.attach_parquet(stream, str(folder / f"{stream}.parquet"))

    def ask(kind: str, minutes: int) -> Callable[[], Any]:
        if kind == "seed":
            return lambda: engine.query(SEED, {"minutes_count": minutes}).rows
        start = NOW - timedelta(minutes=minutes)
        params: dict[str, Any] = {"start": start.isoformat(), "end": NOW.isoformat()}
        params |= {"cluster": "*", "namespace": "*", "name": "*", "hot_pct": 90.0}
        return lambda: engine.query(MEMORY, params).rows

    return {name: ask(*question) for name, question in QUESTIONS.items()}


def with_sql(folder: Path) -> dict[str, Callable[[], Any]]:
    """Return each question as SQL run by DuckDB."""
    import duckdb

    connection = duckdb.connect()
    for view, stream in (("cluster", CLUSTER), ("kubelet", KUBELET)):
        connection.execute(
            f"CREATE VIEW {view} AS SELECT * FROM read_parquet('{folder}/{stream}.parquet')"
        )

    def ask(kind: str, minutes: int) -> Callable[[], Any]:
        end = NOW.replace(tzinfo=None)
        if kind == "seed":
            values = {"start": end - timedelta(minutes=minutes + 1)}
            return lambda: connection.execute(SEED_SQL, values).fetchall()
        window = {"start": end - timedelta(minutes=minutes), "end": end}
        return lambda: connection.execute(MEMORY_SQL, window).fetchall()

    return {name: ask(*question) for name, question in QUESTIONS.items()}


def with_polars(folder: Path) -> dict[str, Callable[[], Any]]:
    """Return each question as lazy Polars."""
    from esql_polars import memory, seed

    end = NOW.replace(tzinfo=None)
    files = {stream: folder / f"{stream}.parquet" for stream in (CLUSTER, KUBELET)}

    def ask(kind: str, minutes: int) -> Callable[[], Any]:
        if kind == "seed":
            return lambda: seed(files, end - timedelta(minutes=minutes + 1))
        return lambda: memory(files, end - timedelta(minutes=minutes), end)

    return {name: ask(*question) for name, question in QUESTIONS.items()}


ENGINES = {"engine": with_engine, "sql": with_sql, "polars": with_polars}


def serve(engine: str, folder: Path) -> None:
    """Run the question named on each line of the input; runs in a process of its own."""
    questions = ENGINES[engine](folder)
    for line in sys.stdin:
        run = questions[line.rstrip("\n")]
        rows: list[Any] = []
        wall, cpu = _timed(lambda run=run, rows=rows: rows.append(len(run())))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"ms": wall, "cpu": cpu, "rows": rows[0], "peak": peak}), flush=True)


class Child:
    """An engine in a process of its own, so that its memory is its own."""

    def __init__(self, engine: str, folder: Path) -> None:
        command = [sys.executable, __file__, "--serve", engine, str(folder)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, text=True, **pipes)  # type: ignore[call-overload]
        self.peak = 0

    def ask(self, question: str) -> dict[str, Any] | None:
        """Run a question once; None for an engine that is not installed."""
        try:
            self._process.stdin.write(f"{question}\n")
            self._process.stdin.flush()
            found: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            return None
        self.peak = found["peak"]
        return found

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def compare(folder: Path) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, int]]:
    """Return the best of each engine per question, and its peak memory in MB.

    The engines take turns run by run, so that what else the machine does slows all alike.
    """
    children = {name: Child(name, folder) for name in ENGINES}
    best: dict[str, dict[str, dict[str, float]]] = {}
    for question in QUESTIONS:
        found: dict[str, dict[str, float]] = {}
        for turn in range(ROUNDS + 1):
            for name, child in children.items():
                answer = child.ask(question)
                if answer is None or not turn:
                    continue
                known = found.setdefault(name, answer)
                known["ms"] = min(known["ms"], answer["ms"])
                known["cpu"] = min(known["cpu"], answer["cpu"])
        best[question] = found
    peaks = {name: child.peak for name, child in children.items()}
    for child in children.values():
        child.close()
    return best, peaks


def unit_test_query() -> float:
    """Return the milliseconds a small query over a few documents takes, compiled and run."""
    from remedyd.model import ManualClock
    from remedyd.offline.engine import Engine

    engine = Engine(clock=ManualClock(NOW), threads=1)
    documents = [
        {"@timestamp": "2026-11-22T23:50:00Z", "pod": f"p{n}", "used": n} for n in range(20)
    ]
    engine.add_documents("pods", documents)
    query = (
        "FROM pods | WHERE @timestamp > NOW() - 1 hour "
        "| STATS used = MAX(used), n = COUNT(*) BY pod "
        "| EVAL level = CASE(used > 15, 3, used > 10, 2, 1) | SORT level DESC, pod | LIMIT 100"
    )
    return _best(lambda: engine.query(query))


def main() -> None:
    """Print the table."""
    sizes = [int(item) for item in sys.argv[1:]] or [1_000_000, 10_000_000]
    print(f"query over 20 documents, as in a policy test: {unit_test_query():.1f} ms\n")
    print("| documents | question | ES|QL ms | SQL ms | ratio | of CPU time | Polars ms | rows |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            command = [sys.executable, __file__, "--write", str(rows), str(folder)]
            subprocess.run(command, check=True)
            best, peaks = compare(folder)
        for name, found in best.items():
            ours, sql = found["engine"], found["sql"]
            polars = found.get("polars", {}).get("ms", float("nan"))
            print(
                f"| {rows:,} | {name} | {ours['ms']:.0f} | {sql['ms']:.0f} "
                f"| {ours['ms'] / sql['ms']:.2f} | {ours['cpu'] / sql['cpu']:.2f} "
                f"| {polars:.0f} | {ours['rows']} |"
            )
        listed = ", ".join(f"{name} {peak} MB" for name, peak in peaks.items())
        print(f"\npeak memory at {rows:,}: {listed}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[3]), int(sys.argv[2]))
    else:
        main()
