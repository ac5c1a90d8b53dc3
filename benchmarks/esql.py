"""How long an audit takes offline, beside DuckDB SQL and Polars written by hand for the same files.

The seed's query and `container-memory`, over a window and over a whole day, on about 1 and 10
million documents in parquet. Every engine runs in a process of its own and reads the same files;
time is the best of seven after a warm-up, memory the peak of the process. Target: at most 1.25
times the SQL at 10 million. A query over a handful of documents, as in a policy test, is measured
apart; target 10 ms.

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
ROUNDS = 7


def _best(run: Callable[[], Any]) -> float:
    run()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        run()
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


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


def measure(engine: str, folder: Path) -> None:
    """Measure one engine and print JSON; runs in a process of its own."""
    questions = ENGINES[engine](folder)
    found: dict[str, Any] = {}
    for name, run in questions.items():
        found[name] = {"ms": _best(run), "rows": len(run())}
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(found))


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


def _child(engine: str, folder: Path) -> dict[str, Any]:
    text = _in_child("--one", engine, str(folder))
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def _in_child(*arguments: str) -> str:
    """Run a part in a process of its own, so that its memory is its own; return what it prints."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{arguments}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    return done.stdout


def main() -> None:
    """Print the table."""
    sizes = [int(item) for item in sys.argv[1:]] or [1_000_000, 10_000_000]
    print(f"query over 20 documents, as in a policy test: {unit_test_query():.1f} ms\n")
    print("| documents | question | ES|QL ms | SQL ms | ratio | Polars ms | rows |")
    print("|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            _in_child("--write", str(rows), str(folder))
            found = {name: _child(name, folder) for name in ENGINES}
        for name in QUESTIONS:
            ours, sql = found["engine"][name], found["sql"][name]
            polars = found["polars"].get(name, {}).get("ms", float("nan"))
            ratio = ours["ms"] / sql["ms"]
            print(
                f"| {rows:,} | {name} | {ours['ms']:.0f} | {sql['ms']:.0f} | {ratio:.2f} | "
                f"{polars:.0f} | {ours['rows']} |"
            )
        peaks = ", ".join(f"{name} {item.get('peak', 0)} MB" for name, item in found.items())
        print(f"\npeak memory at {rows:,}: {peaks}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[3]), int(sys.argv[2]))
    else:
        main()
